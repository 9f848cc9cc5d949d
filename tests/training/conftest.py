"""Experiments that are trained to their end."""

import pytest

from pipeline.plans import make_plan
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan


@pytest.fixture
def ran():
    """A function that trains an experiment into a folder: its plan, and the counts of its trials."""

    def run(experiment, folder):
        plan = make_plan("test", experiment)
        return plan, run_plan(plan, folder, TrainingProgress())

    return run
