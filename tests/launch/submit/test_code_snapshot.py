"""The copy of the code that jobs run stays as it was when they were sent."""

import errno
import os
import py_compile
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.launch.submit.code_snapshot import snapshot_folder, take_snapshot

PACKAGE = Path(__file__).parents[3] / "pipeline"


@pytest.fixture
def checkout(tmp_path):
    """A copy of the package that may be edited."""
    shutil.copytree(PACKAGE, tmp_path / "checkout" / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "checkout"


def take(checkout, run):
    """Take the snapshot of a checkout, and say where it is."""
    code = "import sys; from pathlib import Path; from pipeline.launch.submit.code_snapshot import take_snapshot\n"
    code += "print(take_snapshot(Path(sys.argv[1])))"
    return Path(python(checkout, code, str(run)).strip())


def python(folder, code, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_same_code_has_one_snapshot_and_edited_code_another(checkout, tmp_path):
    run = tmp_path / "run"
    first = take(checkout, run)
    assert take(checkout, run) == first
    edited = checkout / "pipeline" / "errors.py"
    edited.write_text(edited.read_text() + "# edited\n")
    second = take(checkout, run)
    assert second != first
    assert sorted((run / "code").iterdir()) == sorted([first, second])
    assert (first / "pipeline" / "errors.py").read_text() + "# edited\n" == edited.read_text()
    edited.with_name("new.py").touch()  # the names of files count too
    assert take(checkout, run) not in (first, second)


def test_code_in_a_snapshot_runs_from_there(checkout, tmp_path):
    folder = take(checkout, tmp_path / "run")
    said = python(
        folder, "import pipeline.cli, pipeline.launch.worker as w; print(pipeline.__file__); print(w.__file__)"
    )
    assert said.splitlines() == [str(folder / "pipeline" / name) for name in ("__init__.py", "launch/worker.py")]
    assert not list(folder.rglob("*.part"))


def test_snapshot_holds_every_file_and_of_what_python_made_only_what_it_need_not_make_again(checkout, tmp_path):
    made = checkout / "pipeline" / "launch" / "__pycache__" / "submit.cpython-311.pyc"
    made.parent.mkdir(exist_ok=True)
    made.touch()
    py_compile.compile(str(made.parents[1] / "worker.py"))
    folder = take(checkout, tmp_path / "run")

    def files(root):
        return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def written(root):
        return {path: text for path, text in files(root).items() if "__pycache__" not in path.parts}

    assert written(folder) == written(checkout)
    compiled = files(folder).keys() - written(folder).keys()
    assert Path("pipeline/launch/__pycache__") in {path.parent for path in compiled}
    assert made.relative_to(checkout) not in compiled
    for path in compiled:  # its header (PEP 552) fits the file that it was made of
        source = folder / path.parents[1] / f"{path.name.partition('.')[0]}.py"
        flags, seconds, size = struct.unpack("<4xIII", (folder / path).read_bytes()[:16])
        assert (flags, seconds, size) == (0, int(source.stat().st_mtime), source.stat().st_size)


def test_snapshot_that_does_not_fit_on_the_disk_leaves_nothing_there(tmp_path, monkeypatch):
    copy, left = shutil.copyfile, [20]

    def copy_some(source, target, **named):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        copy(source, target, **named)

    monkeypatch.setattr(shutil, "copyfile", copy_some)
    folder = snapshot_folder(tmp_path)
    with pytest.raises(OSError, match=re.escape(f"[Errno {errno.ENOSPC}] No space left on device: '{folder}'") + "$"):
        take_snapshot(tmp_path)
    assert list((tmp_path / "code").iterdir()) == []
    left[0] = 1_000_000
    assert take_snapshot(tmp_path) == folder
