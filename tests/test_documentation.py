"""What the README files, docs/ and the Makefile say is true: what they show runs, what they name exists."""

import doctest
import gzip
import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import preloaded
import pytest
import wandb_log

from pipeline import __version__
from pipeline.cli import main
from pipeline.config import read_experiment
from pipeline.optimizers import OPTIMIZERS
from pipeline.plans import make_plan

ROOT = Path(__file__).parents[1]
MADE = {"_build", "reference"}
"""Folders of docs/ that are made from the rest."""
DOCS = [page for page in sorted((ROOT / "docs").rglob("*.md")) if page.relative_to(ROOT / "docs").parts[0] not in MADE]
PAGES = (ROOT / "README.md", ROOT / "pipeline" / "README.md", *DOCS)
README = PAGES[0].read_text()
TEXT = "\n".join(page.read_text() for page in PAGES)
EXPERIMENTS = (ROOT / "docs" / "experiments.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
PLACEHOLDERS = {"configs/x.yaml", "configs/step.yaml", "slurm/mine.yaml"}
"""Paths that stand for any path."""


def blocks(language: str, text: str = TEXT) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def code(text: str) -> list[str]:
    """All that a text shows as something to type: what is in backticks, and lines after a dollar."""
    without_blocks = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`([^`]+)`", without_blocks) + re.findall(r"^\$ (.+)$", text, re.MULTILINE)


def succeeds(command: list[object], folder: Path) -> str:
    """What a command prints when it runs in a folder, with the packages of that folder before any other."""
    told = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder if (folder / "pipeline").exists() else ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


# What a docstring shows as an example.

EXAMPLES = [path for path in sorted((ROOT / "pipeline").rglob("*.py")) if ">>> " in path.read_text()]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_in_the_docstrings_of_a_module_give_what_they_show(path: Path) -> None:
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    failed, attempted = doctest.testmod(module)
    assert attempted
    assert not failed


# What README shows as code.


def test_lightning_block_runs_as_it_stands_and_wandb_has_what_was_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = [block for block in blocks("python") if "import lightning" in block]
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    said, errors = (begun := preloaded.begin(cwd=tmp_path, program=block)).communicate()
    assert begun.wait() == 0, said + errors
    (metrics,) = (tmp_path / "runs" / "csv").rglob("metrics.csv")
    rows = pl.read_csv(metrics)
    whole = read_experiment(ROOT / "configs" / "xor.yaml")
    assert f"Without the three changes it is a stack of {len(make_plan('xor', whole).packs[-1].trials)}." in TEXT
    updates = [step for step in whole.recorded_steps() if step > 0]
    assert rows["trial_steps"].to_list() == updates
    assert rows["median_loss"].is_finite().all()
    assert rows["median_loss"][-1] < rows["median_loss"][0]
    (log,) = (tmp_path / "runs" / "wandb").glob("offline-run-*/*.wandb")
    logged = [{**row, "step": row["trainer/global_step"]} for row in wandb_log.history(log)]
    assert [{name: row[name] for name in rows.columns} for row in logged] == rows.to_dicts()


def test_yaml_block_is_an_experiment_that_can_be_planned(tmp_path: Path) -> None:
    block = blocks("yaml", EXPERIMENTS)[0]
    path = tmp_path / "diabetes.yaml"
    path.write_text(block)
    whole = make_plan("diabetes", read_experiment(path))
    assert len(whole.trials) == 2 * 3 * 7 * 5  # models, widths, learning rates, seeds
    assert {pack.shape.steps for pack in whole.packs} == {2000}
    small = make_plan("diabetes", read_experiment(path, ["steps=2", "seeds=1"]))
    assert len(small.trials) == 2 * 3 * 7
    assert {pack.shape.steps for pack in small.packs} == {2}


def test_the_question_that_readme_shows_is_the_file_that_it_names() -> None:
    assert blocks("yaml", README) == [(ROOT / "configs" / "xor.yaml").read_text()]


def test_readme_can_be_read_in_five_minutes() -> None:
    assert len(README.split()) <= 900
    assert len(re.findall(r"\]\(", README)) >= 12
    assert len(re.findall(r"!\[", README)) == 1


QUESTIONS = [block for block in blocks("yaml") if block.startswith("question:")]


@pytest.mark.parametrize("block", QUESTIONS, ids=[block.splitlines()[0] for block in QUESTIONS])
def test_a_question_that_a_page_asks_can_be_planned(tmp_path: Path, block: str) -> None:
    path = tmp_path / "asked.yaml"
    path.write_text(block)
    for used in re.findall(r"^use: \[(\w+\.py)\]$", block, re.MULTILINE):
        (shown,) = [code for code in blocks("python") if "(Basis):" in code and "(Target):" in code]
        (tmp_path / used).write_text(shown)
    assert make_plan("asked", read_experiment(path, ["seeds=1"])).trials


def alternatives() -> list[str]:
    """What the comments of the YAML block give as other things to write, as overrides."""
    block = blocks("yaml", EXPERIMENTS)[0]
    rates = re.findall(r"^learning_rates: .*# or (\[.*?\]); or (\{.*?\})$", block, re.MULTILINE)
    (batch,) = re.findall(r"^batch_size: .*# or (\w+)$", block, re.MULTILINE)
    (optimizers,) = re.findall(r"^optimizer: .*# (.+)$", block, re.MULTILINE)
    return [
        *(f"learning_rates={rate}" for rate in rates[0]),
        f"batch_size={batch}",
        *(f"optimizer={optimizer}" for optimizer in optimizers.split(", ")),
    ]


def test_yaml_block_names_every_optimizer() -> None:
    (written,) = re.findall(r"^optimizer: (\w+)  #", blocks("yaml", EXPERIMENTS)[0], re.MULTILINE)
    named = [override.removeprefix("optimizer=") for override in alternatives() if override.startswith("optimizer=")]
    assert sorted([written, *named]) == sorted(OPTIMIZERS)


@pytest.mark.parametrize("override", alternatives())
def test_alternatives_in_the_yaml_block_can_be_planned(tmp_path: Path, override: str) -> None:
    block = blocks("yaml", EXPERIMENTS)[0]
    path = tmp_path / "diabetes.yaml"
    path.write_text(block)
    changes = ["seeds=1", override]
    kind = OPTIMIZERS.get(override.removeprefix("optimizer="))
    if kind is not None and not kind.uses_learning_rate:  # of all points, and of some models only
        unfit = " *- shallow|" if kind.only_linear else " *- linear|" if kind.only_networks else ""
        path.write_text(re.sub(rf"^({unfit}learning_rates|batch_size).*\n", "", block, flags=re.MULTILINE))
        changes.append("dtype=float64")
    if "times_limit" in override:  # of what has a limit
        path.write_text(re.sub(r"^ *- shallow.*\n", "", block, flags=re.MULTILINE))
        changes += ["optimizer=gradient_descent", "batch_size=full"]
    assert make_plan("diabetes", read_experiment(path, changes)).trials


def test_table_of_the_yaml_block_is_read(tmp_path: Path) -> None:
    block = blocks("yaml", EXPERIMENTS)[0]
    (table,) = re.findall(r"^data: .*; or (\{.*\})$", block, re.MULTILINE)
    rng = np.random.default_rng(0)
    pl.DataFrame({name: rng.standard_normal(40) for name in ("a", "b", "quality")}).write_csv(tmp_path / "wine.csv")
    path = tmp_path / "wine.yaml"
    path.write_text(re.sub(r"^data: .*$", f"data: {table}", block, flags=re.MULTILINE))
    planned = make_plan("wine", read_experiment(path, ["steps=2", "seeds=1", "batch_size=full"]))
    assert {trial.shape.problem.label() for trial in planned.trials.values()} == {"wine.csv(a, b -> quality)"}


def test_layout_and_split_of_the_second_yaml_block_are_read(tmp_path: Path) -> None:
    (block,) = [block for block in blocks("yaml") if "separator" in block]
    rows = [f"{number};{number % 7},5;{'abc'[number % 3]}" for number in range(150)]
    with gzip.open(tmp_path / "wine.csv.gz", "wt") as file:
        file.write("\n".join(["by hand", "", "sugar;acid;kind", *rows]))
    path = tmp_path / "wine.yaml"
    path.write_text(f"question: Which?\nmodels: [{{shallow: {{activation: relu}}}}]\nwidths: [2]\n{block}")
    (problem,) = read_experiment(path).problems()
    assert problem.label() == "wine.csv.gz(sugar, acid -> kind)"
    assert sorted(problem.load().train_targets_PK.sum(dim=0).tolist()) == [33, 33, 34]


def test_definitions_of_the_page_on_extending_keep_their_claims_and_are_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "extending.md").read_text()
    monkeypatch.chdir(tmp_path)
    (definitions,) = [block for block in blocks("python", page) if "class Hat(Target)" in block]
    Path("my_bases.py").write_text(definitions)
    Path("hat.yaml").write_text(blocks("yaml", page)[0])
    assert main(["check", "my_bases.py"]) == 0
    checked = capsys.readouterr().out
    (shown,) = [block for block in blocks("", page) if block.startswith("target hat\n")]
    assert set(shown.splitlines()) <= set(checked.splitlines())
    kinds = re.findall(r"`pipeline\.([\w.]+)\.(\w+)` \|", page)
    assert len(kinds) == 9
    assert all(hasattr(importlib.import_module(f"pipeline.{module}"), name) for module, name in kinds)

    assert main(["run", "hat.yaml", "--set", "steps=5"]) == 0
    out, err = capsys.readouterr()
    assert re.search(r"reference for 2 packs \(the fused one has no softplus, which is your own\)", err)
    assert all(model in out for model in ("linear(sines)", "shallow(softplus)", "shallow(relu)"))
    (copy,) = Path("runs").glob("hat-*/definitions/my_bases.py")
    assert copy.read_text() == definitions


# What README and the Makefile name.


def missing_links(text: str, folder: Path = ROOT) -> list[str]:
    """Relative links and images of a page in a folder that lead nowhere."""
    links = re.findall(r"\]\(([^)\s]+)", text)
    relative = [link.partition("#")[0] for link in links if not re.match(r"\w+:", link)]
    made = [link for link in relative if (folder / link).resolve().parent == ROOT / "docs" / "reference"]
    return [link for link in relative if link and link not in made and not (folder / link).exists()]


def reached(page: Path, found: set[Path]) -> set[Path]:
    """A page with all that its links and its tables of contents lead to, one after another."""
    if page in found or page not in PAGES:
        return found
    found.add(page)
    text = page.read_text()
    contents = "\n".join(blocks(r"\{toctree\}", text))
    listed = [f"{name}.md" for name in re.findall(r"^[\w/]+$", contents, re.MULTILINE)]
    for link in (*re.findall(r"\]\(([^)\s#]+)", text), *re.findall(r"\{include\} (\S+)", text), *listed):
        reached((page.parent / link).resolve(), found)
    return found


def missing_paths(text: str) -> list[str]:
    """Python and YAML files of the repository, patterns among them, that are not there."""
    text = re.sub(r"\{literalinclude\} \S+", "", text)  # of the folder of the page; Sphinx fails without it
    paths = set(re.findall(r"(?<![\w/.])[\w.*-]+/[\w./*-]*\.(?:py|yaml)\b", text)) - PLACEHOLDERS
    return sorted(path for path in paths if not any(ROOT.glob(path)))


def verbs_of(text: str) -> set[str]:
    """The verbs that a text gives to the command line."""
    return set(re.findall(r"python -m pipeline ([a-z]\w*)", text))


def is_verb(verb: str) -> bool:
    try:
        main([verb, "--help"])
    except SystemExit as end:
        return end.code == 0
    return False


def targets() -> dict[str, str]:
    """The targets of the Makefile and their lines, those that stand for files left out."""
    return dict(re.findall(r"^([A-Za-z][\w-]*):(?!=)(.*)$", MAKEFILE, re.MULTILINE))


def made(text: str) -> set[str]:
    """The targets that a text asks make for."""
    found = (re.fullmatch(r"make ([a-z]\w*)\b.*", line) for line in code(text))
    return {match[1] for match in found if match}


def test_links_and_images_lead_somewhere() -> None:
    assert "](.readme/" in README
    assert {page.name for page in PAGES} >= {"README.md", "experiments.md", "speed.md", "wandb.md"}
    assert not [link for page in PAGES for link in missing_links(page.read_text(), page.parent)]


def missing_headings(page: Path) -> list[str]:
    """Links of a page to a heading, here or on another page that is not made, which has no such heading."""
    links = re.findall(r"\]\(([^)\s#:]*)#([^)\s]+)\)", page.read_text())
    return [f"{path}#{name}" for path, name in links if name not in headings((page.parent / path).resolve(), page)]


def headings(target: Path, page: Path) -> set[str]:
    """The headings of a page, as links name them; of a page that includes another, those of that one."""
    page = page if target.is_dir() else target
    if page.parent == ROOT / "docs" / "reference":
        return set(re.findall(r"reference/\w+\.md#([\w-]+)", TEXT))  # only Sphinx can tell
    text = page.read_text()
    included = [(page.parent / path).read_text() for path in re.findall(r"\{include\} (\S+)", text)]
    titles = re.findall(r"^#+ (.+)$", "\n".join([text, *included]), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_headings_lead_to_one(page: Path) -> None:
    assert missing_headings(page) == []


def test_a_link_to_no_heading_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# One `thing`, and more\n")
    page = tmp_path / "page.md"
    page.write_text("# Here\n[a](#here) [b](other.md#one-thing-and-more) [c](other.md#two) [d](https://x.org/y#z)\n")
    assert missing_headings(page) == ["other.md#two"]


def test_the_contents_list_every_page_once() -> None:
    contents = "\n".join(blocks(r"\{toctree\}", (ROOT / "docs" / "index.md").read_text()))
    listed = re.findall(r"^[\w/]+$", contents, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert {ROOT / "docs" / f"{name}.md" for name in listed} >= set(DOCS) - {ROOT / "docs" / "index.md"}


def test_every_page_can_be_reached_from_readme() -> None:
    assert reached(PAGES[0], set()) == set(PAGES)


def test_the_changelog_begins_with_this_version_and_the_citation_names_it() -> None:
    (newest, date), *_ = re.findall(r"^## (\S+) \((\S+)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest == __version__
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {newest}\n" in citation
    assert f'\ndate-released: "{date}"\n' in citation


def test_every_file_that_is_named_exists() -> None:
    assert not missing_paths(TEXT)
    assert not missing_paths(MAKEFILE)


def test_every_verb_is_one() -> None:
    assert verbs_of(README) >= {"run", "list"}
    assert verbs_of(MAKEFILE) >= {"run", "plan", "results", "report", "bench"}
    assert [verb for verb in verbs_of(TEXT) | verbs_of(MAKEFILE) if not is_verb(verb)] == []


def test_every_command_that_is_shown_can_be_parsed(capsys: pytest.CaptureFixture[str]) -> None:
    commands = [line.removeprefix("python -m pipeline").split() for line in code(TEXT) if "-m pipeline " in line]
    assert ["list", "bases"] in commands
    for words in commands:
        if words[0] == "list":
            assert main(words) == 0
        else:
            with pytest.raises(SystemExit) as end:
                main([*words, "--help"])
            assert end.value.code == 0
    assert capsys.readouterr().out


def test_kinds_that_are_named_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    (others,) = re.findall(r"`python -m pipeline list bases` \(or (.*?)\)", README, re.DOTALL)
    kinds = re.findall(r"`(\w+)`", others)
    assert kinds
    for kind in kinds:
        assert main(["list", kind]) == 0
    assert capsys.readouterr().out


def test_every_make_target_that_is_named_exists() -> None:
    assert {"run", "test", "bench"} <= made(TEXT) <= targets().keys()


def test_every_make_target_says_what_it_does_and_is_listed() -> None:
    listed = succeeds(["make", "--no-print-directory"], ROOT)  # without a target: help
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == targets().keys()
    for target, line in targets().items():
        said = line.partition(" ## ")[2]
        assert said, target
        assert re.search(rf"^make {target} +{re.escape(said)}$", listed, re.MULTILINE), target


def test_what_is_not_there_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        "[a](pipeline/nowhere.md) ![b](https://x.org/y.png) `pipeline/nowhere.py`, `configs/none/*.yaml` "
        "and `python -m pipeline fly`\n```\n$ make tea\n```\nmake of it what you like, `make coffee CONFIG=x`\n"
    )
    assert missing_links(text) == ["pipeline/nowhere.md"]
    assert missing_paths(text) == ["configs/none/*.yaml", "pipeline/nowhere.py"]
    assert verbs_of(text) == {"fly"}
    assert not is_verb("fly")
    assert made(text) == {"tea", "coffee"}
    assert "fly" in capsys.readouterr().err


# What README shows as output; that of `make run` is held against a run in test_configs.py.


def false_in_output(shown: str, formatted: int, typed: int, tests: int) -> list[str]:
    """What is not true in a text that is said to be the output of ``make test``."""
    expected = (
        "All checks passed!",
        f"{formatted} files already formatted",
        f"Success: no issues found in {typed} source files",
    )
    wrong = [line for line in expected if line not in shown.splitlines()]
    passed = re.findall(r"\b(\d+) passed", shown)
    if len(passed) != 1 or abs(int(passed[0]) - tests) > 0.02 * tests:
        wrong.append(f"{tests} passed")
    return wrong


def number_of_tests(session: pytest.Session) -> int:
    """How many tests there are: those of this session, if it collected all files, else those that pytest finds."""
    if {item.path for item in session.items} == set((ROOT / "tests").rglob("test_*.py")):
        return len(session.items)
    listed = succeeds([sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"], ROOT)
    (tests,) = re.findall(r"^(\d+) tests collected", listed, re.MULTILINE)
    return int(tests)


def test_readme_shows_the_real_output_of_make_test(request: pytest.FixtureRequest) -> None:
    (shown,) = re.findall(r"^```\n\$ make test\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    ruff = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", "."], cwd=ROOT, capture_output=True, text=True, check=False
    )
    formatted = sum(int(number) for number in re.findall(r"(\d+) files? (?:already|would be)", ruff.stdout))
    inside = (path for path in (ROOT / "pipeline").rglob("*") if path.is_dir() and not path.is_symlink())
    folders = [path for path in inside if path.name != "__pycache__"]
    of_data = [path for path in folders if not list(path.glob("*.py"))]  # mypy takes each for a package without files
    modules = [path for room in ("pipeline", "docs/reference_pages") for path in (ROOT / room).rglob("*.py")]
    typed = len(modules) + len(of_data)
    assert false_in_output(shown, formatted, typed, number_of_tests(request.session)) == []


def test_false_output_is_found() -> None:
    true = (
        "All checks passed!\n9 files already formatted\nSuccess: no issues found in 7 source files\n400 passed in 9s\n"
    )
    assert false_in_output(true, 9, 7, 400) == []
    assert false_in_output(true, 9, 7, 408) == []
    assert false_in_output(true, 10, 8, 410) == [
        "10 files already formatted",
        "Success: no issues found in 8 source files",
        "410 passed",
    ]
    assert len(false_in_output("All good\n", 9, 7, 400)) == 4
