"""``make check`` runs the tests that touch what changed, the nearest first, and says what it leaves out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from changed_tests import nearest_tests
from import_graph import distances

FILES = {
    "pipeline/__init__.py": "",
    "pipeline/errors.py": "",
    "pipeline/numerics/__init__.py": "",
    "pipeline/numerics/spectra.py": "from pipeline.errors import PipelineError",
    "pipeline/models.py": "def f():\n    from pipeline.numerics import spectra",
    "pipeline/plan.py": "from pipeline import models",
    "pipeline/page.py": 'open("page.html")',
    "pipeline/page.html": "",
    "tests/conftest.py": "def pack():\n    from pipeline.plan import make_plan",
    "tests/imports/server.py": "import pipeline.plan",
    "tests/numerics/test_spectra.py": "def test_it():\n    pass\ndef f():\n    import pipeline.numerics.spectra",
    "tests/numerics/test_more.py": "def test_more():\n    pass\ndef f():\n    import pipeline.numerics.spectra",
    "tests/test_models.py": "def test_it():\n    pass\ndef f():\n    from pipeline.models import MODELS",
    "tests/test_page.py": "def f():\n    import pipeline.page",
    "tests/test_program.py": "def f():\n    run('python -m pipeline')",
    "tests/test_server.py": "def f():\n    from server import serve",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small project, each of whose modules imports the one before it."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def nearest(root: Path, *changed: str) -> list[tuple[str, int]]:
    return [(name.removeprefix("tests/"), far) for name, far in nearest_tests(changed, root).items()]


def test_a_module_is_touched_by_who_imports_it_directly_or_through_others_and_by_everybody_through_fixtures(root):
    assert nearest(root, "pipeline/numerics/spectra.py") == [
        ("numerics/test_spectra.py", 0),
        ("numerics/test_more.py", 1),
        ("test_models.py", 2),
        ("test_server.py", 4),
        ("test_page.py", 5),
        ("test_program.py", 5),
    ]


def test_a_test_is_nearest_to_itself_and_a_conftest_touches_what_is_beneath_it(root):
    assert nearest(root, "tests/numerics/test_more.py") == [("numerics/test_more.py", 0)]
    assert {far for _, far in nearest(root, "tests/conftest.py")} == {2}


def test_a_stand_in_is_imported_by_its_bare_name(root):
    assert nearest(root, "tests/imports/server.py") == [("test_server.py", 1)]


def test_a_file_that_is_no_module_is_touched_by_who_names_it(root):
    assert nearest(root, "pipeline/page.html") == [("test_page.py", 2)]
    assert nearest(root, "LICENSE") == []


def test_a_module_that_is_gone_is_touched_by_who_imports_it_still(root):
    (root / "pipeline/numerics/spectra.py").unlink()
    assert nearest(root, "pipeline/numerics/spectra.py")[:2] == [
        ("numerics/test_spectra.py", 0),
        ("numerics/test_more.py", 1),
    ]


def test_distance_is_the_least_number_of_imports():
    graph = {"a": {"b", "c"}, "b": {"c"}, "c": {"d"}, "d": set(), "e": set()}
    assert distances(graph, ["d"]) == {"d": 0, "c": 1, "a": 2, "b": 2}
    assert distances(graph, ["d", "b"]) == {"d": 0, "b": 0, "c": 1, "a": 1}


def checked(root: Path, seconds: int) -> str:
    """What is said of the tests that were run in a project."""
    program = Path(__file__).parent / "imports" / "changed_tests.py"
    command = [sys.executable, str(program), str(seconds), "-q"]
    plain = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # the others take longer to load than these to run
    done = subprocess.run(command, cwd=root, env=plain, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def committed(root: Path) -> Path:
    """The same, committed."""
    (root / "pytest.ini").write_text("[pytest]\nmarkers = cluster\naddopts = --import-mode=importlib\n")
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "all"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


def test_where_nothing_changed_nothing_is_tested(committed):
    assert checked(committed, 60) == "no test touches the 0 files that changed since the last commit\n"


def test_when_the_time_is_over_only_tests_of_what_changed_itself_are_run_and_the_others_are_named(committed):
    (committed / "pipeline" / "numerics" / "spectra.py").write_text("modes = 1")
    for name in ("page", "program", "server"):
        (committed / "tests" / f"test_{name}.py").write_text("")
    said = checked(committed, 0)
    assert "files changed: 4; test files that touch them: 6; run to their end: 4," in said
    assert "left out, nearest first: tests/numerics/test_more.py, tests/test_models.py\n" in said
    assert "1 passed, 2 skipped" in said


def test_while_there_is_time_all_that_touches_what_changed_is_run(committed):
    (committed / "pipeline" / "numerics" / "spectra.py").write_text("modes = 1")
    said = checked(committed, 60)
    assert "files changed: 1; test files that touch them: 6; run to their end: 6," in said
    assert "left out" not in said
    assert "3 passed" in said
