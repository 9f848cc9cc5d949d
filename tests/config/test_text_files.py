"""A file that cannot be read is refused with the reason, and with the name that was meant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.config import read_experiment


def test_a_missing_file_is_refused_with_the_nearest_name(write, least, refused):
    path = write(least)
    missing = path.with_name("qestion.yaml")
    with refused(missing, None, "there is no such file", "did you mean 'question.yaml'? known: question.yaml"):
        read_experiment(missing)


def test_a_missing_file_in_an_empty_or_missing_folder_is_refused(tmp_path, refused):
    with refused(tmp_path / "x.yaml", None, "there is no such file", f"no YAML file is in {str(tmp_path)!r}"):
        read_experiment(tmp_path / "x.yaml")
    path = tmp_path / "nowhere" / "x.yaml"
    with refused(path, None, "there is no such file", f"there is no folder {str(path.parent)!r} either"):
        read_experiment(path)


def test_a_folder_is_refused(tmp_path, refused):
    with refused(tmp_path, None, "this is a folder, not a file", "name a YAML file inside it"):
        read_experiment(tmp_path)


def test_a_name_that_no_file_can_have_is_refused(write, tmp_path, refused):
    for path, reason in {write("") / "x.yaml": "not a directory", Path("a\0b"): "embedded null byte"}.items():
        with refused(path, None, f"cannot be read: {reason}", "check its name and your permissions"):
            read_experiment(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_one_may_not_read_is_refused(write, least, refused):
    path = write(least)
    path.chmod(0)
    with refused(path, None, "cannot be read: permission denied", "check its name and your permissions"):
        read_experiment(path)
