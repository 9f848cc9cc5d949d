"""A run keeps a copy of every file it uses, under its name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.extensions.copies import changed_since, copies_folder, copies_for
from pipeline.extensions.loading import load_file, load_package


def test_the_source_of_a_file_is_kept_and_of_a_package_nothing(write: Callable[..., Path], package: Path) -> None:
    path = write()
    used = [load_file(path).extension, load_package("tents").extension]
    assert copies_for(used) == {"mine.py": path.read_bytes()}
    assert copies_folder(Path("run")) == Path("run/definitions")


def test_two_files_of_one_name_are_refused(write: Callable[..., Path], tmp_path: Path) -> None:
    one = load_file(write()).extension
    (tmp_path / "other").mkdir()
    path = tmp_path / "other" / "mine.py"
    path.write_text(write().read_text() + "# other\n")
    message = (
        "two files that are used are called mine.py\n  hint: a run keeps a copy of each under its name: rename one"
    )
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}$"):
        copies_for([one, load_file(path).extension])


def test_the_last_run_with_another_copy_is_named(write: Callable[..., Path], package: Path, tmp_path: Path) -> None:
    path = write(name="moved.py")
    now, runs = load_file(path).extension, [tmp_path / f"run-{number}" for number in range(4)]
    for run, text in zip(runs, ["old", "older", path.read_text(), ""], strict=True):
        if text:
            copies_folder(run).mkdir(parents=True)
            (copies_folder(run) / "moved.py").write_text(text)
    os.utime(copies_folder(runs[1]) / "moved.py", (0, 0))
    assert changed_since(now, runs) == runs[0]
    assert changed_since(now, runs[2:]) is None
    assert changed_since(load_package("tents").extension, runs) is None
