"""Every formula of a definition is one that browsers show by themselves."""

import re
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="the documentation is built with the extra docs")

from reference_pages.mathml import mathml

from pipeline.config.registry import TABLES

FORMULAS = [(f"{plural}-{name}", one.formula) for plural, table in TABLES.items() for name, one in table.items()]
FORMULAS = [(name, formula) for name, formula in FORMULAS if formula]


@pytest.mark.parametrize("formula", dict(FORMULAS).values(), ids=dict(FORMULAS).keys())
def test_a_formula_is_mathml(formula):
    text = mathml(formula, block=True)
    assert text.startswith("<math")
    assert 'display="block"' in text
    assert "<merror" not in text


DOCS = Path(__file__).parents[2] / "docs"
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if page.relative_to(DOCS).parts[0] not in ("_build", "reference")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_formulas_of_a_page_are_mathml(page):
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for formula in re.findall(r"\$\$(.+?)\$\$", text, re.DOTALL):
        assert mathml(formula.strip(), block=True).startswith("<math")
    for formula in re.findall(r"\$([^$]+)\$", re.sub(r"\$\$.+?\$\$", "", text, flags=re.DOTALL)):
        assert mathml(formula, block=False).startswith("<math")
