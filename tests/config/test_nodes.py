"""A node knows the line it was written at, and is shown in a complaint."""

from __future__ import annotations

from pathlib import Path

from pipeline.config import read_file
from pipeline.config.compose import compose
from pipeline.config.nodes import Source, locate


def test_a_long_value_is_shown_clipped(write, everything, refused):
    path = write(f"integer: {'x' * 100}")
    what = f"integer must be an integer, not {'x' * 57 + '...'!r}"
    with refused(path, 1, what, "write it in decimal digits, like 20000 or 2e4"):
        read_file(path, everything)


def test_a_field_of_a_definition_is_found_under_its_name(write):
    node = compose("models:\n- linear:\n    basis:\n      cosine\n", Source("f", Path(), has_lines=True))
    assert locate(node, ("models", 0, "basis")) == "f:4"
    assert locate(node, ("models", 0, "product")) == "f:2"
    assert locate(node, ("models", 0)) == "f:2"
    assert locate(node, ("models", 1)) == "f:1"


def test_a_single_value_is_found_as_the_first_of_its_list(write):
    text = "models:\n  linear:\n    basis:\n      cosine\n  shallow: {activation: relu}\n"
    both = compose(text, Source("f", Path(), has_lines=True))
    one = compose(text[: text.index("  shallow")], Source("f", Path(), has_lines=True))
    assert locate(one, ("models", 0, "basis")) == "f:4"
    assert locate(both, ("models", 0, "basis")) == "f:1"
