"""Tests that forked workers share end as they would in one process, and are told of there as if they had run there."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import preloaded
import pytest

TESTS = {
    "conftest.py": """
import gc, os, pathlib, pytest, time
HERE = pathlib.Path(__file__).parent

def note(text):
    with open(HERE / "notes", "a") as file:
        file.write(f"{os.getpid()} {text}\\n")

def pytest_sessionfinish():
    note(f"{gc.get_freeze_count()} objects are frozen")

@pytest.fixture(scope="session")
def of_the_run():
    note("run begins")
    yield
    note("run ends")

@pytest.fixture(scope="module")
def of_the_file(of_the_run, request):
    note(f"{request.path.stem} begins")
    yield
    note(f"{request.path.stem} ends")

@pytest.fixture
def shared(shared_folder, tmp_path):
    (shared_folder / f"{os.getpid()}").touch()
    assert tmp_path.parent.parent == shared_folder
    return shared_folder

@pytest.fixture
def both(shared):
    until = time.monotonic() + 200
    while len([path for path in shared.iterdir() if path.name.isdigit()]) < 2:
        assert time.monotonic() < until
        time.sleep(0.01)
""",
    "test_first.py": """
import warnings, pytest

def test_meets_the_other(of_the_file, both):
    print("said by the first")

def test_fails(of_the_file):
    print("said before it failed")
    assert {"a": 1} == {"a": 2}

def test_warns():
    warnings.warn("a word of warning")
""",
    "test_second.py": """
import os, pytest

def test_meets_the_other(of_the_file, both):
    print("said by the second")

@pytest.mark.skip(reason="for once")
def test_is_skipped():
    pass

@pytest.fixture
def broken():
    raise ValueError("no such thing")

def test_cannot_begin(broken):
    pass

@pytest.mark.parametrize("number", range(3))
def test_ends_its_process(of_the_run, number):
    if number == 1:
        os._exit(7)
""",
}


def folder_of(tmp_path: Path, **tests: str) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    for name, text in (tests or TESTS).items():
        (tmp_path / name.replace("_py", ".py")).write_text(text)
    return tmp_path


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-p", "forked_workers", "-p", "no:cacheprovider", *options]


def environment() -> dict[str, str]:
    """In which pytest finds the workers, and none of the plugins that take longer to load than these tests to run."""
    beside = {"PYTHONPATH": str(Path(__file__).parent / "preloaded"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return os.environ | beside | {"COLUMNS": "200"}


def said(folder: Path, *options: str) -> str:
    told = subprocess.run(
        command(*options), cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=300
    )
    return told.stdout + told.stderr


@pytest.fixture(scope="module")
def shared_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Two files whose tests wait for each other, run by two workers, one of which a test ends."""
    folder = folder_of(tmp_path_factory.mktemp("project"))
    return folder, said(folder, "--workers", "2", "-rA")


def test_every_test_has_the_end_that_it_has_in_one_process(shared_run):
    _, told = shared_run
    assert re.search(r"2 failed, 5 passed, 1 skipped, 1 warning, 1 error in", told)
    assert "FAILED test_first.py::test_fails - AssertionError: assert {'a': 1} == {'a': 2}" in told
    assert "ERROR test_second.py::test_cannot_begin - ValueError: no such thing" in told
    assert "SKIPPED [1] test_second.py" in told
    assert "UserWarning: a word of warning" in told


def test_a_test_that_ends_its_process_has_failed_and_those_after_it_are_run(shared_run):
    _, told = shared_run
    assert "FAILED test_second.py::test_ends_its_process[1] - the worker that ran this test has ended" in told
    assert "PASSED test_second.py::test_ends_its_process[2]" in told


def test_what_a_test_prints_is_shown_with_it(shared_run):
    lines = shared_run[1].splitlines()
    for text in ("said by the first", "said before it failed", "said by the second"):
        assert lines.count(text) == 1


def test_fixtures_of_a_file_and_of_the_run_begin_and_end_once_in_the_worker_that_uses_them(shared_run):
    folder, _ = shared_run
    notes: dict[str, list[str]] = {}
    for line in (folder / "notes").read_text().splitlines():
        worker, _, note = line.partition(" ")
        notes.setdefault(worker, []).append(note)
    of_file = {
        name: ["run begins", f"{name} begins", f"{name} ends", "run ends"] for name in ("test_first", "test_second")
    }
    killed, in_the_first_process = of_file["test_second"][:2], ["0 objects are frozen"]
    late = ["run begins", "run ends"]  # of the worker in the place of the killed one, if the other leaves it a test
    noted = [notes_of_one for notes_of_one in notes.values() if notes_of_one != late]
    assert sorted(noted) == sorted([of_file["test_first"], killed, in_the_first_process])


def test_after_as_many_failures_as_are_asked_for_no_test_is_begun(tmp_path):
    failing = "import time\ndef test_fails():\n    assert False\n"
    waiting = "import time\ndef test_waits():\n    time.sleep(1000)\n"
    folder = folder_of(tmp_path, test_a_py=failing, test_b_py=waiting, test_c_py=failing)
    told = said(folder, "--workers", "2", "-x")
    assert re.search(r"stopping after 1 failures .*\n=+ 1 failed in", told)


def test_a_file_that_starts_threads_as_it_is_imported_is_refused(tmp_path):
    threads = "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n"
    folder = folder_of(tmp_path, test_a_py=threads + "def test_it():\n    pass\n")
    assert "ERROR: test_a.py starts threads as it is imported: " in said(folder, "--workers", "2")
    assert "1 passed" in said(folder)


def test_workers_end_their_fixtures_when_the_run_is_interrupted(tmp_path):
    waits = """
import pathlib, pytest, time
@pytest.fixture(scope="session")
def begun():
    yield
    pathlib.Path("ended").touch()
def test_waits(begun):
    pathlib.Path("begun").touch()  # here: a fixture that is interrupted before its yield has nothing to end
    time.sleep(1000)
"""
    folder = folder_of(tmp_path, test_a_py=waits)
    running = subprocess.Popen(
        command("--workers", "1"), cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True
    )
    while not (folder / "begun").exists():
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    told, _ = running.communicate(timeout=300)
    assert running.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in told
    assert (folder / "ended").exists()


FORK = """
import os, sys
from pathlib import Path
from preloaded import client_folders, end_at_once, remake_client_folders

before = [Path(folder.name) for folder in client_folders()]
if os.fork() == 0:
    remake_client_folders(Path(sys.argv[1]))
    assert {Path(folder.name).parent for folder in client_folders()} == {Path(sys.argv[1])}
    end_at_once()
print(os.waitstatus_to_exitcode(os.wait()[1]), [folder.is_dir() for folder in before])
"""


def test_a_worker_that_ends_takes_away_its_own_folders_of_the_client_of_wandb_and_no_others(tmp_path):
    process = preloaded.begin(str(tmp_path), cwd=Path(preloaded.__file__).parent, program=FORK)
    assert process.communicate() == ("0 [True, True]\n", "")
    assert not list(tmp_path.iterdir())
