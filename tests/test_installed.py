"""What pip installs is whole: away from the checkout, in an environment of its own, every verb finds what it needs.

The wheel is built and installed once, without a network; other packages are those of the environment of the tests. The
verbs share one process, which loads the libraries once: it cannot be forked from one that has loaded the checkout.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tomllib
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from pipeline import __version__
from pipeline.config import configs
from pipeline.launch.clusters.lookup import profiles

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SMALL = ("models=[linear]", "widths=[2]", "learning_rates=[0.1]", "seeds=1")

PATIENCE = 120.0
"""Seconds within which a job of one trial ends."""

PROGRAM = """
import contextlib, json, sys
from pathlib import Path


def main():
    from pipeline.cli import main

    for name, words in json.loads(sys.stdin.read()).items():
        with open(f"{name}.out", "w") as said, contextlib.redirect_stdout(said):
            assert main(words) == 0, words
        if name == "submit":
            wait(*Path("runs").glob("*/jobs"))


def wait(jobs):
    import time

    before = time.monotonic()
    while not list(jobs.parent.glob("outcomes/*.parquet")):
        assert time.monotonic() < before + %s, [path.read_text() for path in jobs.rglob("*.err")]
        time.sleep(0.05)


if __name__ == "__main__":  # what times a pack starts a process of its own
    main()
"""


@dataclass(frozen=True)
class Installed:
    """An environment that has the wheel, and a folder beside the checkout in which commands were typed."""

    wheel: Path
    bin: Path
    folder: Path

    def run(self, *command: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            command, cwd=self.folder, env=environment, input=given, capture_output=True, text=True, check=False
        )

    def said(self, name: str) -> str:
        """What a command has printed."""
        return (self.folder / f"{name}.out").read_text()


def done(command: list[str | Path], folder: Path) -> str:
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel of what is or would be committed, in an environment of its own."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    root = tmp_path_factory.mktemp("installed")
    source, environment, folder = root / "source", root / "environment", root / "folder"
    folder.mkdir()
    listed = [
        "git",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        "pipeline",
        "configs",
        "slurm",
    ]
    for name in [*done([*listed], ROOT).split("\0"), "pyproject.toml", "README.md", "LICENSE"]:
        if name and (ROOT / name).exists():
            copy = source / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_symlink():
                copy.symlink_to((ROOT / name).readlink())
            else:
                copy.write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    done([*pip, "wheel", "--no-build-isolation", "--no-deps", "--no-index", "-w", root, source], root)
    (wheel,) = root.glob("*.whl")
    done([sys.executable, "-m", "venv", "--without-pip", environment], root)
    done([*pip, "--python", environment / "bin" / "python", "install", "--no-deps", "--no-index", wheel], root)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Installed(wheel, environment / "bin", folder)


@pytest.fixture(scope="session")
def typed(installed: Installed) -> Installed:
    """An experiment of the package run, another sent, its results and its report, in an empty folder."""

    def with_set(*words: str, steps: int) -> list[str]:
        return [*words, *(word for text in (*SMALL, f"steps={steps}") for word in ("--set", text))]

    commands = {
        "submit": with_set("submit", "configs/xor.yaml", "--cluster", "local", "--json", steps=11),
        "run": with_set("run", "xor", "--out", "trained", steps=10),
        "results": ["results", "trained", "--json"],
        "status": ["status", "--json"],
        "report": ["report"],
        "lecture": ["lecture", "walk", "--without-runs"],
    }
    (installed.folder / "program.py").write_text(PROGRAM % PATIENCE)
    told = installed.run(installed.bin / "python", "program.py", given=json.dumps(commands))
    assert told.returncode == 0, told.stderr
    return installed


def test_the_wheel_holds_every_profile_experiment_and_file_of_the_page(installed: Installed) -> None:
    held = set(ZipFile(installed.wheel).namelist())
    data = [path for path in (ROOT / "pipeline" / "report" / "html").rglob("*.*") if path.suffix not in (".py", ".pyc")]
    needed = [path.relative_to(ROOT).as_posix() for path in data]
    needed += [f"pipeline/configs/{name}.yaml" for name in configs() if (ROOT / "configs" / f"{name}.yaml").exists()]
    needed += [f"pipeline/slurm/{name}.yaml" for name in profiles() if (ROOT / "slurm" / f"{name}.yaml").exists()]
    assert set(needed) - held == {"pipeline/slurm/dev.yaml"}  # of a SLURM that a checkout starts
    assert {name.partition("/")[0] for name in held} == {"pipeline", f"tiny_model_sweeps-{__version__}.dist-info"}


def test_a_command_finds_profiles_and_experiments_in_the_package(installed: Installed) -> None:
    for kind, name, file in (("clusters", "soc", "slurm/soc.yaml"), ("configs", "xor", "configs/xor.yaml")):
        listed = installed.run(installed.bin / "pipeline", "list", kind)
        assert listed.returncode == 0, listed.stderr
        assert re.search(rf"^{name} .*  {installed.bin.parent}/lib/\S+/pipeline/{file}$", listed.stdout, re.MULTILINE)


def test_an_experiment_runs_and_has_results_and_a_page(typed: Installed) -> None:
    (row,) = json.loads(typed.said("results"))
    assert (row["status"], row["step"]) == ("done", 10)
    assert "<title>" in (typed.folder / "trained" / "report.html").read_text()


def test_the_walk_through_the_lecture_has_its_texts_and_its_experiments(typed: Installed) -> None:
    page = (typed.folder / "walk" / "lecture.html").read_text()
    assert page.count('<section class="station"') > 15
    assert page.count("Not run yet. This runs it:") > 15
    assert "the best three numbers, 5, 8 and 9, miss one by 5/4" in page


def test_a_job_runs_the_snapshot_of_what_is_installed(typed: Installed) -> None:
    sent = json.loads(typed.said("submit"))
    run = typed.folder / sent["run"]
    assert len(sent["sent"]) == 1
    assert json.loads(typed.said("status"))["trials"] == {"done": 1}
    (code,) = (run / "code").iterdir()
    assert (code / "pipeline" / "__init__.py").is_file()
    assert "agrees (1 of 1 trial)" in typed.said("report")
    assert (run / "report.html").is_file()


FAKE = """#!/bin/sh
# Stands for Python: notes its words, makes an environment of copies of itself, and has a pip where it was finished.
case "$*" in
-c*) exit 0 ;;
"-m pip --version") test -e "$(dirname "$0")/finished"; exit ;;
"-m venv --clear .venv") rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/npm &&
    touch .venv/bin/finished ;;
esac
echo "$*" >> typed
"""
PIP = "-m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable"
NPM = "--silent --no-audit --no-fund"
LOCK = "tests/report/scripts/package-lock.json"


def test_make_brings_what_a_target_needs_and_makes_an_unfinished_environment_again(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt", LOCK):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    unfinished = tmp_path / ".venv" / "bin" / "python"
    unfinished.parent.mkdir(parents=True)
    for python in (tmp_path / "python3", unfinished):
        python.write_text(FAKE)
        python.chmod(0o755)
    make: list[str | Path] = ["make", "PYTHON=./python3"]
    said = done([*make, "run", "CONFIG=x.yaml"], tmp_path)
    assert "GB of downloads" in said
    ran = ["-m venv --clear .venv", f"{PIP} .", "-m pipeline run x.yaml"]
    assert (tmp_path / "typed").read_text().splitlines() == ran
    assert done([*make, "plan", "CONFIG=x.yaml"], tmp_path) == ""
    assert "tests" in done([*make, "setup"], tmp_path)
    assert "Nothing to be done" in done([*make, "setup"], tmp_path)
    ran += ["-m pipeline plan x.yaml", f"{PIP} .[dev,docs]", f"ci --prefix {Path(LOCK).parent} {NPM}"]
    assert (tmp_path / "typed").read_text().splitlines() == ran


def test_versions_of_python_that_are_said_to_do_are_those_of_the_package() -> None:
    project = PYPROJECT["project"]
    (least,) = re.fullmatch(r">=(3\.\d+)", project["requires-python"]).groups()  # type: ignore[union-attr]
    listed = [text.rpartition(" ")[2] for text in project["classifiers"] if "Python :: 3." in text]
    pages = "\n".join(page.read_text() for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
    assert set(re.findall(r"Python (3\.\d+) or (?:newer|later)", pages)) == {least}
    assert f"sys.version_info < ({least.replace('.', ', ')})" in (ROOT / "Makefile").read_text()
    page = (ROOT / "slurm" / "README.md").read_text()
    tested = set(re.findall(r"^\| (3\.\d+)\.\d+ \|", page, re.MULTILINE))
    assert set(listed) == tested
    assert listed[0] == least
