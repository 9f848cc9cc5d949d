"""Sphinx builds what is written, and a browser shows it: formulas, pictures, nothing from another machine."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import pytest
from browser import addresses, resize

pytest.importorskip("sphinx", reason="the documentation is built with the extra docs")

from reference_pages.writing import write_reference
from sphinx.cmd.build import build_main

from pipeline.models.activations import ACTIVATIONS

ROOT = Path(__file__).parents[2]
INDEX = """# A formula

$$
\\eta < \\frac{2}{\\lambda_{max}}
$$

```{toctree}
:glob:
reference/*
```
"""


def test_pages_are_written_anew_and_what_is_gone_has_none(tmp_path):
    (tmp_path / "gone.md").write_text("# Gone")
    write_reference(tmp_path, ("losses",))
    pages = {"losses", "yaml", "profile", "verbs", "python", "claims"}
    assert {path.name for path in tmp_path.iterdir()} == {f"{page}.md" for page in pages} | {"pictures"}
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {
        "losses-half_mean_square",
        "losses-softmax_cross_entropy",
        "losses-binary_cross_entropy",
        "losses-brier_score",
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A small documentation, with the configuration of the whole one and warnings as errors."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "index.md").write_text(INDEX)
    settings = ("reference_kinds=activations", "suppress_warnings=myst.xref_missing")  # of pages that are left out
    command = ["-W", "-q", "-c", str(ROOT / "docs"), *(word for setting in settings for word in ("-D", setting))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MyST calls what a later Sphinx is going to call otherwise
        assert build_main([*command, str(folder), str(folder / "html")]) == 0
    return folder / "html"


def test_the_whole_documentation_is_read_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``make docs`` reads it: links between pages, and all of them in the contents; only pictures are left out."""
    for entry in ROOT.iterdir():
        if entry.name != "docs":
            (tmp_path / entry.name).symlink_to(entry)
    docs = shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("_build", "reference"))
    monkeypatch.setattr("reference_pages.writing.svg", lambda chart, name, about: f"<svg><title>{name}</title></svg>")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert build_main(["-W", "-q", "-b", "dummy", str(docs), str(tmp_path / "out")]) == 0
    assert len(list((docs / "reference").glob("*.md"))) > 10


SIZES = "return [...document.querySelectorAll(arguments[0])].map(one => one.getBoundingClientRect().height)"


def test_formulas_and_pictures_are_seen_on_a_telephone_without_a_network(built, chromium):
    chromium.get((built / "reference" / "activations.html").as_uri())
    resize(chromium, 390)
    heights = chromium.execute_script(SIZES, "math")
    assert len(heights) == len(ACTIVATIONS)
    assert min(heights) > 15
    pictures = chromium.execute_script(SIZES, "figure.picture svg")
    assert len(pictures) == len(ACTIVATIONS)
    assert min(pictures) > 100
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= 390
    asked_for = addresses(chromium)
    assert any("pages.css" in address for address in asked_for)
    assert [address for address in asked_for if not address.startswith(("file:", "data:"))] == []


def test_a_formula_of_a_page_that_is_written_by_hand_is_mathml(built):
    page = (built / "index.html").read_text()
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"' in page
    assert "https://cdn" not in page
