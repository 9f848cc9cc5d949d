"""Every definition has a picture, drawn by calling it, with something to see."""

import math

import pytest
from reference_pages.pictures import COLOURS, DRAWN, curves, svg

from pipeline.config.registry import REGISTRY
from pipeline.problems.datasets import Data

DEFINED = [(kind, name) for kind, table in REGISTRY.values() if kind in DRAWN for name in table]
TABLE_OF = dict(REGISTRY.values())


def test_all_kinds_but_tables_are_drawn():
    assert {kind for kind, _ in REGISTRY.values()} - DRAWN.keys() == {Data}


@pytest.mark.parametrize(("kind", "name"), DEFINED, ids=lambda part: part if isinstance(part, str) else part.name())
def test_every_picture_shows_finite_numbers_that_differ(kind, name):
    rows = DRAWN[kind](TABLE_OF[kind][name]()).data.to_dicts()
    shown = [row for row in rows if row["y"] is not None]
    assert shown
    assert all(math.isfinite(row["x"]) and math.isfinite(row["y"]) for row in shown)
    assert len({row["x"] for row in shown}) > 1


def test_a_picture_is_drawn_in_the_colour_of_the_text_around_it_and_names_of_its_own():
    drawn = svg(curves(*_line(), "x", "y"), "tanh", "A <line>.")
    assert drawn.startswith('<figure class="picture" role="img" aria-label="A &lt;line&gt;."><svg')
    assert 'fill="currentColor"' in drawn
    assert COLOURS[0] in drawn
    assert "<script" not in drawn


def _line():
    import numpy as np

    x_P = np.linspace(0, 1, 5)
    return x_P, {"a": x_P**2}
