"""Formulas of pages as MathML, which browsers show without a script and without a network."""

from __future__ import annotations

import re
from html import unescape

from markupsafe import Markup, escape

_FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$]+)\$", re.DOTALL)


def mathml(latex: str, *, block: bool) -> str:
    """LaTeX as MathML, by the converter that docutils brings along.

    Args:
        latex: Without dollars.
        block: Whether it stands on lines of its own.

    Returns:
        A ``math`` element.

    Raises:
        ValueError: If the converter does not know a command.
    """
    from docutils.utils.math import MathError
    from docutils.utils.math.latex2mathml import tex2mathml

    try:
        return str(tex2mathml(latex, as_block=block))
    except MathError as error:
        raise ValueError(f"no MathML of {latex!r}: {error}") from error


def with_formulas(text: str) -> Markup:
    """A text with its formulas as MathML: ``$...$`` in a line, ``$$...$$`` on lines of its own.

    Args:
        text: Plain, which is escaped, or HTML as ``Markup``.

    Returns:
        HTML.

    Raises:
        ValueError: If a formula has a command that nobody knows.
    """
    return Markup(_FORMULA.sub(_element, str(escape(text))))


def _element(found: re.Match[str]) -> str:
    block = found["block"] is not None
    latex = unescape(found["block"] if block else found["inline"]).strip()
    tag = "div" if block else "span"
    return f'<{tag} class="formula">{mathml(latex, block=block)}</{tag}>'
