"""Formulas of a page are MathML, and the text around them stays what it is."""

from __future__ import annotations

import re

import pytest
from markupsafe import Markup

from pipeline.report.html.formulas import mathml, with_formulas


def test_a_formula_on_lines_of_its_own_is_displayed_and_one_in_a_line_is_not() -> None:
    assert 'display="block"' in mathml(r"\frac{a}{b}", block=True)
    assert "display" not in mathml(r"\frac{a}{b}", block=False)
    assert "<mfrac>" in mathml(r"\frac{a}{b}", block=False)


def test_a_command_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match="^" + re.escape(r"no MathML of '\\nonsense{x}': ")):
        mathml(r"\nonsense{x}", block=False)


def test_a_text_is_escaped_and_its_formulas_are_read_as_they_were_written() -> None:
    html = with_formulas("<b> & $a < b$, then\n$$x^2$$")
    assert html.startswith('&lt;b&gt; &amp; <span class="formula"><math')
    assert "<mo>&lt;</mo>" in html
    assert re.findall(r'<(\w+) class="formula">', html) == ["span", "div"]
    assert "$" not in html


def test_html_stays_html() -> None:
    assert with_formulas(Markup("<b>no formula</b>")) == "<b>no formula</b>"
