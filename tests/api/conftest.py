"""A small run that Python has trained: 3 networks and a linear model at two widths, of which a rate diverges."""

from __future__ import annotations

from typing import Any

import pytest

import pipeline
from pipeline.api.opened_run import Run

HOSTILE = "Which <b>models</b> & bases learn |x|?"
ASKED: dict[str, Any] = {
    "question": HOSTILE,
    "target": "absolute_value",
    "inputs": {"train": 16, "test": 32},
    "models": ["shallow", {"shallow": {"activation": {"leaky_relu": {"slope": 0.2}}}}, {"linear": {"basis": "cosine"}}],
    "widths": [2, 3],
    "learning_rates": [0.1, 1e9],
    "steps": 20,
    "seeds": 2,
    "record_at": {"log_spaced": 4},
}


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return pipeline.run(ASKED, name="small", out=tmp_path_factory.mktemp("trained") / "run")
