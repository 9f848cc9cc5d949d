"""Only plain JSON types are read, and not without end."""

from __future__ import annotations

import re

import pytest

from pipeline.config import read_canonical
from pipeline.config.nodes import DEEP_HINT, MAX_DEPTH
from pipeline.experiment.experiment import Experiment


def test_what_is_not_json_is_our_mistake():
    with pytest.raises(TypeError, match=f"^{re.escape('(1, 2) is not made of JSON types')}$"):
        read_canonical({"widths": (1, 2)}, Experiment, "plan.json")


def test_deep_nesting_in_json_is_refused(refused):
    content: object = 1
    for _ in range(500):
        content = [content]
    with refused("plan.json", None, f"nested more than {MAX_DEPTH} deep", DEEP_HINT):
        read_canonical({"widths": content}, Experiment, "plan.json")
