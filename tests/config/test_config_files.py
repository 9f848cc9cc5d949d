"""An experiment is found by its path or by its name: what lies here comes first, then what comes with the package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.config import configs, find_config
from pipeline.errors import PipelineError
from pipeline.home import PACKAGE


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory and a home in which there is nothing yet."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own"))
    return tmp_path


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("question: Mine?\n")
    return path


@pytest.mark.parametrize("named", ["xor", "xor.yaml", "configs/xor", "configs/xor.yaml"])
def test_what_lies_here_comes_before_the_user_s_own_and_that_before_the_package_s(here: Path, named: str) -> None:
    assert find_config(Path(named)) == PACKAGE / "configs" / "xor.yaml"
    own = write(here / "own" / "pipeline" / "configs" / "xor.yaml")
    assert find_config(Path(named)) == own
    assert configs()["xor"] == own
    first = write(Path("configs/xor.yaml"))
    assert find_config(Path(named)) == first
    assert configs()["xor"] == first
    assert set(configs()) >= {"fixed_vs_learned_basis", "lecture/activations"}


def test_a_path_that_is_there_is_taken_as_it_is(here: Path) -> None:
    there = write(here / "xor.yaml")
    assert find_config(there) == there
    assert find_config(Path(write(Path("xor")))) == Path("xor")


def test_a_folder_of_experiments_is_found_too() -> None:
    for named in ("lecture", "configs/lecture"):
        assert find_config(Path(named)) == PACKAGE / "configs" / "lecture"
    assert find_config(Path("lecture/activations")) == configs()["lecture/activations"]


@pytest.mark.parametrize(
    ("named", "meant"),
    [("xro", "xor"), ("XOR", "xor"), ("configs/xor.yml", "xor"), ("activation.yaml", "lecture/activations")],
)
def test_of_a_name_that_is_none_the_nearest_is_said(named: str, meant: str) -> None:
    message = f"{named}: there is no such file\n  hint: did you mean '{meant}'? known: bench/"
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}"):
        find_config(Path(named))


def test_a_missing_file_among_others_is_for_its_reader_to_tell_of() -> None:
    write(Path("mine.yaml"))
    assert find_config(Path("mien.yaml")) == Path("mien.yaml")
