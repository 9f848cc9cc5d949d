"""The laws of the house: who may import whom, what a file may be called, and what no module does."""

from __future__ import annotations

import ast
import functools
import itertools
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import import_graph
import pytest
from import_graph import imports, nodes

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "pipeline").rglob("*.py"))

# Of module scope: pytest then asks all questions of one module before those of the next, and its text is parsed once.
every_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)), scope="module")


dotted = functools.partial(import_graph.dotted, root=ROOT)
imports_of = functools.cache(functools.partial(import_graph.imports_of, root=ROOT))


# The staircase.

STEPS = (
    ("errors",),
    ("definitions", "durations", "garbage_collection", "home", "numerics", "provenance"),
    ("extensions",),
    ("problems",),
    ("models",),
    ("optimizers",),
    ("diagnostics",),
    ("claims",),
    ("experiment",),
    ("records", "config"),
    ("plans",),
    ("reuse",),
    ("engines",),
    ("training", "report"),
    ("launch", "tracking", "bench"),
    ("api",),
    ("cli",),
    ("__main__",),
)
"""Rooms, the lowest first; those of one step never import each other."""

STEP_OF = {room: step for step, rooms in enumerate(STEPS) for room in rooms}
WINGS = dict.fromkeys(("engines", "training", "bench", "launch"), "makes") | {"report": "reads", "tracking": "reads"}


def upward(room: str, imported: Iterable[str]) -> list[str]:
    """What a room imports although it is not below it."""
    return [name for name in imported if name.startswith("pipeline.") and not _is_below(name.split(".")[1], room)]


def _is_below(other: str, room: str) -> bool:
    if other == room or other == "__version__":
        return True
    across = {other, room} <= WINGS.keys() and WINGS[other] != WINGS[room]
    return other in STEP_OF and STEP_OF[other] < STEP_OF[room] and not across


HOUSE = (ROOT / "pipeline" / "README.md").read_text()


def test_readme_of_the_house_lists_the_rooms_as_they_stand_on_each_other() -> None:
    (table,) = re.findall(r"^\| room \| holds \|\n\|.*\n((?:\|.*\n)+)", HOUSE, re.MULTILINE)
    rows = [re.findall(r"`(\w+)(?:/|\.py)`", row.split("|")[1]) for row in table.splitlines()]
    in_order = [step for room in itertools.chain(*rows) for step in [STEP_OF[room]]]
    assert in_order == sorted(in_order)
    assert sorted(itertools.chain(*rows)) == sorted(STEP_OF.keys() - {"__main__"})


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "pipeline").with_suffix("").parts[0]


def test_every_room_stands_on_a_step() -> None:
    assert {room_of(path) for path in MODULES} - {"__init__"} <= STEP_OF.keys()


@every_module
def test_a_module_imports_only_from_its_own_room_and_from_below(path: Path) -> None:
    if path == ROOT / "pipeline" / "__init__.py":
        assert imports_of(path) == ["importlib.import_module"]  # of what is asked for by name, and not before
    else:
        assert not upward(room_of(path), imports_of(path))


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("experiment", "def f():\n    from pipeline.training.fit import fit"),
        ("experiment", "import pipeline.plan"),
        ("experiment", "from pipeline import errors, config"),
        ("experiment", "from ..config import tables"),
        ("experiment", "import importlib\nimportlib.import_module('pipeline.cli')"),
        ("experiment", "if TYPE_CHECKING:\n    from pipeline.nowhere import Thing"),
        ("numerics", "from pipeline.definitions import table"),
        ("definitions", "from pipeline.numerics import descent"),
        ("records", "from pipeline.config import TABLES"),
        ("training", "from pipeline.report.tables.results import results"),
        ("engines", "from pipeline.training.fit import fit"),
        ("training", "from pipeline.bench.timings import measure"),
        ("launch", "from pipeline.report.tables.plan_table import plan_table"),
        ("tracking", "from pipeline.training.run import run_plan"),
        ("report", "from pipeline.tracking import export"),
        ("cli", "import pipeline.__main__"),
    ],
)
def test_an_import_from_above_or_across_is_found(room: str, source: str) -> None:
    assert len(upward(room, imports(source, f"pipeline.{room}"))) == 1


def test_imports_from_below_are_none_of_those() -> None:
    source = "import numpy as np\nfrom pipeline import __version__, errors\nfrom pipeline.training.run import run_plan"
    assert not upward("launch", imports(source, "pipeline.launch"))
    assert not upward("config", imports("from . import written\nfrom .text import compose", "pipeline.config"))


# The rooms of launch.

LAUNCH = (("commands", "notes", "clusters"), ("pbs", "cost"), ("schedulers", "job"), ("worker",), ("state",))
LAUNCH += (("submit",), ("probe",))
"""Rooms inside ``launch``, the lowest first; those of one step never import each other."""
LAUNCH_STEP = {room: step for step, rooms in enumerate(LAUNCH) for room in rooms}
LAUNCH_MODULES = [path for path in MODULES if path.relative_to(ROOT / "pipeline").parts[0] == "launch"]
OF_PLUGIN = {"pipeline.errors", "pipeline.launch.commands", "pipeline.launch.pbs", "pipeline.records.atomic_writes"}
"""All that the plugin for PBS Pro takes of the project."""


@pytest.mark.parametrize("path", LAUNCH_MODULES, ids=lambda path: path.stem)
def test_a_room_of_launch_imports_only_from_below(path: Path) -> None:
    room = path.relative_to(ROOT / "pipeline" / "launch").with_suffix("").parts[0]
    names = {name.split(".")[2] for name in imports_of(path) if name.startswith("pipeline.launch.")}
    assert {name for name in names - {room} if LAUNCH_STEP[name] >= LAUNCH_STEP[room]} == set()


def test_the_plugin_for_pbs_takes_little_of_the_project() -> None:
    plugin = [path for path in LAUNCH_MODULES if "pbs" in path.parts and path.parent.name == "pbs"]
    taken = {name for path in plugin for name in imports_of(path) if name.startswith("pipeline.")}
    assert plugin
    assert {name for name in taken if not any(f"{name}.".startswith(f"{of}.") for of in OF_PLUGIN)} == set()


# No circles.


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert not import_graph.circle(import_graph.import_graph(MODULES, ROOT))


@pytest.mark.parametrize(
    "import_",
    [
        "from pipeline.plan import make_plan",
        "from pipeline import plan",
        "import pipeline.plan",
        "def f():\n    from pipeline.plan import make_plan",
        "if TYPE_CHECKING:\n    from pipeline.plan import Plan",
        "from . import plan",
    ],
)
def test_a_circle_is_found(tmp_path: Path, import_: str) -> None:
    texts = {
        "__init__": "",
        "plan": "from pipeline.records.store import read",
        "records/__init__": "",
        "records/store": "from pipeline.definitions import canonical",
        "definitions": import_,
    }
    (tmp_path / "pipeline" / "records").mkdir(parents=True)
    for module, text in texts.items():
        (tmp_path / "pipeline" / f"{module}.py").write_text(text)
    graph = import_graph.import_graph((tmp_path / "pipeline").rglob("*.py"), tmp_path)
    found = import_graph.circle(graph)
    assert found[0] == found[-1]
    assert set(found) == {"pipeline.plan", "pipeline.records.store", "pipeline.definitions"}
    assert all(imported in graph[importing] for importing, imported in itertools.pairwise(found))


def test_a_module_that_imports_its_own_package_is_in_a_circle_if_the_package_imports_it(tmp_path: Path) -> None:
    (tmp_path / "pipeline").mkdir()
    package, reading = tmp_path / "pipeline" / "__init__.py", tmp_path / "pipeline" / "reading.py"
    package.write_text("from pipeline.reading import read")
    reading.write_text("")
    assert not import_graph.circle(import_graph.import_graph([package, reading], tmp_path))
    reading.write_text("from pipeline import read")
    assert import_graph.circle(import_graph.import_graph([package, reading], tmp_path))


# One framework, one room.

HOMES: dict[str, str | tuple[str, ...]] = {
    "lightning": ("pipeline.training", "pipeline.bench.peers"),  # a Trainer is a peer, too
    "submitit": "pipeline.launch",
    "wandb": "pipeline.tracking",
    "wandb_workspaces": "pipeline.tracking",
    "altair": "pipeline.report",
    "vl_convert": "pipeline.report",
    "yaml": "pipeline.config",
    "jinja2": "pipeline.report.html",
    "docutils": "pipeline.report.html.formulas",
    "markupsafe": "pipeline.report.html",
    "jax": "pipeline.bench",
    "llvmlite": "pipeline.engines",
    "triton": "pipeline.engines",
    "requests": "pipeline.tracking",
    "sklearn": "pipeline.problems",
    "rich": (  # tables on a terminal, and two bars
        "pipeline.report.tables.printing",
        "pipeline.training.progress",
        "pipeline.tracking.export.export_progress",
    ),
}


def _is_at_home(module: str, home: str | tuple[str, ...]) -> bool:
    homes = (home,) if isinstance(home, str) else home
    return any(f"{module}.".startswith(f"{one}.") for one in homes)


def strangers(module: str, imported: Iterable[str]) -> list[str]:
    """Frameworks that a module imports although they live elsewhere."""
    frameworks = [name.split(".")[0] for name in imported]
    return [name for name in frameworks if name in HOMES and not _is_at_home(module, HOMES[name])]


@every_module
def test_a_framework_is_imported_in_its_own_room_only(path: Path) -> None:
    assert not strangers(dotted(path), imports_of(path))


def test_a_framework_out_of_its_room_is_found() -> None:
    source = "import rich\ndef f():\n    import lightning as L\n    from yaml import safe_load\n    import jax.numpy"
    imported = list(imports(source, "pipeline.report"))
    assert strangers("pipeline.report.figures.catalogue", imported) == ["rich", "lightning", "yaml", "jax"]
    assert strangers("pipeline.bench.peers", imported) == ["rich", "yaml"]
    assert strangers("pipeline.engines.reference.engine", imported) == ["rich", "lightning", "yaml", "jax"]
    assert strangers("pipeline.training_too", ["lightning"]) == ["lightning"]


# One lock.

LOCKING = {"fcntl", "filelock", "msvcrt", "portalocker"}
"""Modules that lock files."""


def locks(source: str) -> bool:
    """Whether a text locks files by itself; os.lockf needs no import of its own."""
    return bool({name.split(".")[0] for name in imports(source, "pipeline")} & LOCKING) or "lockf" in source


def test_files_are_locked_in_one_place_only() -> None:
    assert [dotted(path) for path in MODULES if locks(path.read_text())] == ["pipeline.records.locks"]


def test_a_lock_of_its_own_is_found() -> None:
    assert locks("def f():\n    from fcntl import flock")
    assert locks("import filelock as fl")
    assert locks("import os\nos.lockf(1, os.F_LOCK, 0)")
    assert not locks("from pipeline.records.locks import locked")


# What starts fast.


def loaded_by(program: str) -> set[str]:
    """The packages that a program has loaded when it ends."""
    program = (
        f"import sys\ntry:\n    {program}\nexcept SystemExit as end:\n    assert not end.code, end\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_nothing_heavy() -> None:
    help_ = "sys.argv[1:] = ['--help']; import runpy; runpy.run_module('pipeline', run_name='__main__')"
    loaded = loaded_by(help_)
    assert "argparse" in loaded
    assert not loaded & {"torch", "polars", "numpy", "lightning", "yaml", "rich", "altair", "sklearn", *HOMES}


def test_a_plan_is_made_and_shown_without_the_frameworks_that_train_send_or_track() -> None:
    loaded = loaded_by("import pipeline.plans, pipeline.report.tables.printing, pipeline.report.tables.plan_table")
    assert "torch" in loaded
    assert not loaded & {"lightning", "llvmlite", "submitit", "wandb", "altair", "sklearn", "jax"}


def test_no_search_of_all_objects_for_cycles_delays_a_command() -> None:
    program = (
        "import atexit, gc, runpy, sys\nsys.argv[1:] = ['list', 'bases']\n"
        "frozen = lambda: gc.get_freeze_count() > len(gc.get_objects())\n"
        "atexit.register(lambda: print(gc.get_stats()[2]['collections'], frozen()))\n"
        "runpy.run_module('pipeline', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=400, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 True"


def test_a_package_that_is_loaded_is_found() -> None:
    assert "numpy" in loaded_by("import numpy")


# Names and places.

DRAWERS = {"utils", "util", "helpers", "common", "misc", "base", "core", "lib"}
TOP = {"pyproject.toml", "README.md", "Makefile", "pipeline", "slurm", "configs", "tests", "LICENSE", "constraints.txt"}
TOP |= {"docs", "CHANGELOG.md", "CITATION.cff"}
TOP |= {"findings"}  # what real libraries did that nobody expects


def drawers(files: Iterable[str]) -> list[str]:
    """Files and folders whose name does not say what is inside."""
    return [file for file in files if any(part.split(".")[0] in DRAWERS for part in Path(file).parts)]


def out_of_place(files: Iterable[str]) -> set[str]:
    """What lies at the top of the repository and does not belong there."""
    return {top for top in (Path(file).parts[0] for file in files) if top not in TOP and not top.startswith(".")}


@pytest.fixture(scope="module")
def files() -> list[str]:
    """All that is or would be committed."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [file for file in listed.split("\0") if file and (ROOT / file).exists()]


def test_a_name_says_what_is_inside(files: list[str]) -> None:
    assert not drawers(files)


def test_the_top_of_the_repository_holds_what_a_reader_needs(files: list[str]) -> None:
    assert not out_of_place(files)


def test_a_drawer_and_a_stray_file_are_found() -> None:
    planted = ["pipeline/models/utils.py", "tests/core/test_x.py", "notes.txt", ".gitignore", "pipeline/database.py"]
    assert drawers(planted) == planted[:2]
    assert out_of_place(planted) == {"notes.txt"}


WHOLE = {
    "architecture",
    "documentation",
    "configs",
    "command_line",
    "forked_workers",
    "imports",
    "installed",
    "kept_runs",
    "page_pictures",
    "reference_values",
}
"""What is tested of the whole project rather than of one module."""


def has_counterpart(test: Path, root: Path) -> bool:
    """Whether a test stands in the room of the module or room it is named after, or in one around that."""
    name, room = test.stem.removeprefix("test_"), test.parent.relative_to(root / "tests")
    if room == Path() and name in WHOLE:
        return True
    if room == Path():
        return (root / "pipeline" / name).is_dir() or (root / "pipeline" / f"{name}.py").is_file()
    home = root / room if room.parts[0] in ("slurm", "docs") else root / "pipeline" / room
    return any(found.stem == name for found in home.rglob("*") if found.suffix in ("", ".py"))


@pytest.mark.parametrize("test", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda path: path.stem)
def test_a_test_mirrors_a_module(test: Path) -> None:
    assert has_counterpart(test, ROOT)


@every_module
def test_a_module_is_mirrored_by_a_test(path: Path) -> None:
    """A kernel, too, whose arithmetic the engine's tests hold against another way, has a file of its name."""
    mirrored = ROOT / "tests" / path.relative_to(ROOT / "pipeline").parent / f"test_{path.name}"
    assert path.stem.startswith("__") or mirrored.is_file()


PARALLEL = {"activations", "choice", "closed_form", "engine", "linear", "losses"}
"""Names of files that stand in several rooms: what each engine, kernel or bench has of one thing."""


def several_owners(names: Iterable[tuple[str, Path]]) -> dict[str, list[Path]]:
    """The names that stand in several places."""
    owners: dict[str, list[Path]] = {}
    for name, path in names:
        owners.setdefault(name, []).append(path)
    return {name: paths for name, paths in owners.items() if len(paths) > 1}


def classes() -> Iterator[tuple[str, Path]]:
    for path in MODULES:
        yield from ((node.name, path) for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef))


def test_a_class_has_a_name_of_its_own_and_so_has_a_file_but_for_parts_of_engines() -> None:
    assert several_owners(classes()) == {}
    stems = ((path.stem, path) for path in MODULES if not path.stem.startswith("__"))
    assert several_owners(stems).keys() == PARALLEL


def test_a_name_with_several_owners_is_found() -> None:
    assert several_owners([("Trial", Path("a")), ("Pack", Path("a")), ("Trial", Path("b"))]).keys() == {"Trial"}


def test_a_test_without_a_module_is_found(tmp_path: Path) -> None:
    (tmp_path / "pipeline" / "training" / "engines").mkdir(parents=True)
    (tmp_path / "pipeline" / "training" / "engines" / "kernels.py").touch()
    (tmp_path / "pipeline" / "plan.py").touch()
    (tmp_path / "slurm" / "dev").mkdir(parents=True)
    for name in (
        "training/test_kernels.py",
        "training/engines/test_kernels.py",
        "training/test_engines.py",
        "test_plan.py",
        "test_configs.py",
        "slurm/test_dev.py",
    ):
        assert has_counterpart(tmp_path / "tests" / name, tmp_path)
    for name in (
        "test_kernels.py",
        "models/test_kernels.py",
        "training/test_plan.py",
        "training/test_configs.py",
        "slurm/test_plan.py",
        "test_dev.py",
    ):
        assert not has_counterpart(tmp_path / "tests" / name, tmp_path)


# What no module does.

UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
UNSAFE_CALLS = {"eval", "exec", "builtins.eval", "builtins.exec", "os.system", "os.popen"}
UNSAFE_CALLS |= {f"yaml.{loader}{all_}" for loader in ("unsafe_load", "full_load") for all_ in ("", "_all")}
SAFE_LOADERS = {"yaml.SafeLoader", "yaml.CSafeLoader", "yaml.BaseLoader", "yaml.CBaseLoader"}


def dangers(source: str) -> list[str]:
    """Ways in which a text runs what it should only read."""
    names = _names(source)
    safe_loaders = SAFE_LOADERS | {
        node.name
        for node in nodes(source)
        if isinstance(node, ast.ClassDef) and {_called(base, names) for base in node.bases} & SAFE_LOADERS
    }
    found = [name for name in imports(source, "pipeline") if name.split(".")[0] in UNSAFE_MODULES]
    for call in (node for node in nodes(source) if isinstance(node, ast.Call)):
        name = _called(call.func, names)
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        if name in UNSAFE_CALLS:
            found.append(name)
        if name == "torch.load" and not _is(given.get("weights_only"), True):
            found.append("torch.load without weights_only=True")
        if name in ("yaml.load", "yaml.load_all"):
            loader = given.get("Loader", call.args[1] if len(call.args) > 1 else None)
            if loader is None or _called(loader, names) not in safe_loaders:
                found.append(f"{name} without a safe loader")
        found += [option for option in ("shell", "allow_pickle") if option in given and not _is(given[option], False)]
    return found


def _names(source: str) -> dict[str, str]:
    """What the imported names of a text stand for."""
    names: dict[str, str] = {}
    for node in nodes(source):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _called(node: ast.expr, names: dict[str, str]) -> str:
    """The full name of a function or a class, as far as the text tells."""
    if isinstance(node, ast.Attribute):
        return f"{_called(node.value, names)}.{node.attr}"
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else "?"


def _is(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


@every_module
def test_no_module_runs_what_it_should_only_read(path: Path) -> None:
    assert not dangers(path.read_text())


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "def f():\n    from pickle import loads",
        "import torch\ntorch.load(path)",
        "import torch as t\nt.load(path, weights_only=False)",
        "from torch import load\nload(path, weights_only=trusted)",
        "import yaml\nyaml.load(text)",
        "import yaml\nyaml.load(text, Loader=yaml.Loader)",
        "import yaml\nclass Loose(yaml.FullLoader): ...\nyaml.load_all(text, Loose)",
        "from yaml import unsafe_load as load\nload(text)",
        "eval(text)",
        "exec(text)",
        "import subprocess\nsubprocess.run(text, shell=True)",
        "run(text, shell=wanted)",
        "import os\nos.system(text)",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
    ],
)
def test_a_danger_is_found(source: str) -> None:
    assert len(dangers(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.load(path, weights_only=True)",
        "import yaml\nclass Plain(yaml.BaseLoader): ...\nyaml.load(text, Plain)",
        "from yaml import SafeLoader, load\nload(text, Loader=SafeLoader)",
        "model.eval()",
        "import numpy as np\nnp.load(path, allow_pickle=False)",
        "import subprocess\nsubprocess.run(command, shell=False)",
        "'pickle, eval(text), shell=True'",
    ],
)
def test_what_is_harmless_is_no_danger(source: str) -> None:
    assert not dangers(source)


# Shape letters.

SUFFIX = re.compile(r"_*[a-z][a-z0-9_]*_([A-Z0-9]*[A-Z][A-Z0-9]*)")
SHAPE = re.compile(r"``\[((?:[A-Z]|\d|\.\.\.)(?:, (?:[A-Z]|\d|\.\.\.))*)\]``")
COMMON = frozenset(re.findall(r"^\| ([A-Z]) \|", HOUSE, re.MULTILINE))


def letters_used(source: str) -> set[str]:
    """The letters in the suffixes of a module's names, and in the shapes that its docstrings give."""
    found = set("".join(SHAPE.findall(source)))
    for node in nodes(source):
        names = [getattr(node, field, None) for field in ("id", "arg", "attr")]
        found |= {
            letter for name in names if name for match in [SUFFIX.fullmatch(name)] if match for letter in match[1]
        }
    return {letter for letter in found if letter.isupper()}


def legend(source: str) -> set[str]:
    """The letters that a module explains at its head."""
    line = re.search(r"^Shape letters: (.*?)\.$", ast.get_docstring(nodes(source)[0]) or "", re.MULTILINE | re.DOTALL)
    return {meaning.split()[0] for meaning in line[1].split(",")} if line else set()


@every_module
def test_every_shape_letter_is_explained_in_the_readme_of_the_house_or_at_the_head_of_its_module(path: Path) -> None:
    source = path.read_text()
    used, explained = letters_used(source), legend(source)
    assert explained <= used <= COMMON | explained


def test_a_shape_letter_without_a_meaning_is_found() -> None:
    assert set("TPDWKN") <= COMMON
    source = (
        '"""A module.\n\nShape letters: C curves, B bins of\na histogram.\n"""\nrates_CB = self.x_1C\ndef f(y_TQ): ...'
    )
    assert (letters_used(source), legend(source)) == (set("CBTQ"), set("CB"))
    assert letters_used('"""Shape ``[G, 2, P]``, not ``[x]``."""') == set("GP")
