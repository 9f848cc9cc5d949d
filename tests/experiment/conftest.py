"""A small experiment, any field of which can be changed."""

import pytest

from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.problems.targets import AbsoluteValue


@pytest.fixture
def experiment():
    def make(**fields):
        asked = {
            "question": "Does it work?",
            "models": (Linear(), Shallow()),
            "widths": (2, 4),
            "target": (AbsoluteValue(),),
            "learning_rates": (0.1, 0.2),
            "seeds": 3,
        }
        return Experiment(**(asked | fields))

    return make
