"""An experiment names the engines that there are."""

from typing import get_args

from pipeline.config import read_canonical
from pipeline.definitions import canonical
from pipeline.experiment.engine_names import CLOSED_FORM, FASTEST, EngineChoice
from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear


def test_every_name_can_be_written_in_a_file(experiment):
    for name in get_args(EngineChoice):
        written = canonical(experiment(models=(Linear(),), engine=name))
        assert read_canonical(written, Experiment, "here").engine == name


def test_auto_stands_for_an_engine_that_iterates():
    assert FASTEST in get_args(EngineChoice)
    assert FASTEST not in ("auto", CLOSED_FORM)
