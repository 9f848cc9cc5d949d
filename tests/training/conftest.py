"""Small experiments to train, the packs they make, and a compiler for cards that are not there."""

import os
import platform
import subprocess
import sys

import pytest

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import Tanh
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plan import make_plan
from pipeline.problems.targets import AbsoluteValue


@pytest.fixture
def experiment():
    """A function that makes an experiment of 12 trials a model, in double precision, with any field changed."""

    def make(**fields):
        asked = {
            "question": "Does it work?",
            "models": (Linear(Cosine()), Shallow(Tanh())),
            "widths": (6,),
            "target": (AbsoluteValue(),),
            "inputs": Inputs(train=(24,), test=50),
            "learning_rates": (0.01, 0.03, 0.1, 0.3),
            "steps": 40,
            "seeds": 3,
            "dtype": "float64",
        }
        return Experiment(**(asked | fields))

    return make


@pytest.fixture
def pack(experiment):
    """A function that makes the first pack of such an experiment."""
    return lambda **fields: make_plan("test", experiment(**fields)).packs[0]


@pytest.fixture
def run_compiler(tmp_path):
    """A function that runs a script in which Triton compiles for a card, without the interpreter of the other tests."""
    if platform.machine() != "x86_64":
        pytest.skip("Triton's assembler is there for x86-64")
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)

    def run(script):
        return subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run
