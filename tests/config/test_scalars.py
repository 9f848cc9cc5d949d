"""A path is absolute once it is read, and starts from where it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import read_file


@pytest.mark.parametrize("text, value", [("true", True), ("false", False)])
def test_a_truth_value_is_the_word_that_is_written(write, everything, text, value):
    assert read_file(write(f"truth: {text}"), everything).truth is value


def test_a_path_starts_from_the_folder_of_the_file(write, tmp_path, monkeypatch, everything):
    monkeypatch.chdir("/")
    assert read_file(write("file: ../data/x.csv"), everything).file == tmp_path.resolve().parent / "data" / "x.csv"
    assert read_file(write("file: /data/x.csv"), everything).file == Path("/data/x.csv")
    assert read_file(write("file: ~/x.csv"), everything).file == Path.home().resolve() / "x.csv"


def test_a_relative_file_gives_absolute_paths(write, tmp_path, monkeypatch, everything):
    path = write("file: x.csv")
    monkeypatch.chdir(tmp_path)
    assert read_file(Path(path.name), everything).file == tmp_path.resolve() / "x.csv"


def test_a_path_on_the_command_line_starts_from_the_working_folder(write, tmp_path, monkeypatch, everything):
    inside = tmp_path / "elsewhere"
    inside.mkdir()
    monkeypatch.chdir(inside)
    assert read_file(write("integer: 1"), everything, ["file=x.csv"]).file == inside.resolve() / "x.csv"


def test_a_link_keeps_its_name_because_the_ending_says_what_it_is(write, tmp_path, everything):
    (tmp_path / "blob").touch()
    (tmp_path / "x.csv").symlink_to("blob")
    assert read_file(write("file: x.csv"), everything).file == tmp_path.resolve() / "x.csv"
