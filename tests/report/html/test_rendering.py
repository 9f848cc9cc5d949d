"""What a template shows is text, whatever it looks like, and a template is never silent about what it does not get."""

from __future__ import annotations

import json
import re
import tomllib
from fnmatch import fnmatchcase
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from pipeline.report.figures.charts import IN_THE_DARK
from pipeline.report.html import rendering
from pipeline.report.html.rendering import PLACE_OF_DARK_COLOURS, STATIC, render, render_page, script_json, style

ROOT = Path(__file__).parents[3]
HOSTILE = "{{ 7 * 7 }} {% raw %} {# no #} <script>alert(1)</script> & \" ' &amp; </title>"


class Elements(HTMLParser):
    """Tags of a page, and its text without markup."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str | None] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [value for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_title_in_the_language_of_templates_or_pages_is_shown_as_it_is() -> None:
    page = Elements(render_page("index.html", HOSTILE, charts=False, parts=[], walk=""))
    assert page.words.count(HOSTILE) == 2  # in the tab and at the head
    assert "script" not in page.tags


def test_an_address_stays_within_its_attribute() -> None:
    page = Elements(render("wandb_links.html", links={"workspace": f"https://w.example/{HOSTILE}"}))
    assert page.attributes == [f"https://w.example/{HOSTILE}"]
    assert page.tags == ["p", "a"]


def test_a_name_that_a_template_does_not_get_is_an_error() -> None:
    with pytest.raises(UndefinedError, match=r"^'parts' is undefined$"):
        render_page("index.html", "?", charts=False, walk="")


def test_json_cannot_end_the_script_that_holds_it() -> None:
    value = {"</script><!--": "<script> & \u2028"}
    assert "<" not in script_json(value)
    assert json.loads(script_json(value)) == value


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_have_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match=r"^Out of range float values are not JSON compliant"):
        script_json([number])


def test_a_page_without_charts_has_no_script() -> None:
    assert "<script" not in render_page("index.html", "?", charts=False, parts=[], walk="")


def test_every_colour_of_charts_has_its_rule_on_a_dark_page() -> None:
    assert PLACE_OF_DARK_COLOURS in (STATIC / "style.css").read_text()
    for light, dark in IN_THE_DARK.items():
        assert re.search(rf"stroke='{light}'\] {{ stroke: {dark}; }}", style())


def test_an_installed_package_has_every_template_style_and_script() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = tool["package-data"]["pipeline.report.html"]
    folder = Path(rendering.__file__).parent
    files = [path.relative_to(folder).as_posix() for path in folder.glob("*/**/*.*") if path.suffix != ".pyc"]
    assert {file.split("/")[0] for file in files} == {"templates", "static"}
    assert [file for file in files if not any(fnmatchcase(file, pattern) for pattern in patterns)] == []


@pytest.fixture
def bundled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What was asked to be bundled, by processes that begin with an empty cache of their user."""
    asked: list[str] = []

    def bundle(snippet: str) -> str:
        asked.append(snippet)
        return "const end = '</script>';\n"

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(rendering.vl_convert, "javascript_bundle", bundle)
    return asked


def another_process() -> str:
    """The scripts of a process that has not made them yet."""
    return str(rendering.chart_libraries.__wrapped__())


def test_scripts_of_charts_are_bundled_once_for_all_processes_of_a_user(bundled: list[str]) -> None:
    assert another_process() == another_process() == "const end = '<\\/script>';\n"
    assert len(bundled) == 1


def test_scripts_that_were_cut_short_are_bundled_anew(bundled: list[str], tmp_path: Path) -> None:
    whole = another_process()
    (kept,) = (tmp_path / "cache").rglob("*.js")
    for damaged in (kept.read_bytes()[:-3], b""):
        kept.write_bytes(damaged)
        assert another_process() == whole
    assert len(bundled) == 3


def test_scripts_are_made_where_nothing_can_be_kept(bundled: list[str], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    assert another_process()
    assert len(bundled) == 1
