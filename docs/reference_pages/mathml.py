"""Mathematics of the pages as MathML, which browsers show without a script and without a network."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

from pipeline.report.html.formulas import mathml

RENDERER = "mathml"

logger = logging.getLogger(__name__)


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Write a formula in a line."""
    _write(self, node, block=False)


def visit_displayed(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on lines of its own."""
    _write(self, node, block=True)


def _write(self: HTML5Translator, node: nodes.Element, *, block: bool) -> None:
    try:
        text = mathml(node.astext(), block=block)
    except ValueError as error:
        logger.warning(str(error), location=node, type="mathml")
        text = self.encode(node.astext())
    tag = "div" if block else "span"
    self.body.append(f'<{tag} class="math">{text}</{tag}>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Make it a renderer that ``html_math_renderer`` can name.

    Args:
        app: Sphinx.

    Returns:
        What Sphinx wants to know of an extension.
    """
    app.add_html_math_renderer(RENDERER, (visit_math, None), (visit_displayed, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
