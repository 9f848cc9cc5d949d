"""A small experiment, any field of which can be changed, and refusals of a field word for word."""

import re

import pytest

from pipeline.errors import FieldError
from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.problems.targets import AbsoluteValue


@pytest.fixture
def experiment():
    def make(**fields):
        defaults = {
            "question": "Does it work?",
            "models": (Linear(), Shallow()),
            "widths": (2, 4),
            "target": (AbsoluteValue(),),
            "learning_rates": (0.1, 0.2),
            "seeds": 3,
        }
        return Experiment(**(defaults | fields))

    return make


@pytest.fixture
def refuses():
    """Expect a refusal of one field whose wording begins so."""

    def expect(path, what):
        shown = ".".join(str(part) for part in path)
        return pytest.raises(FieldError, match="^" + re.escape(f"{shown}: {what}" if shown else what))

    return expect
