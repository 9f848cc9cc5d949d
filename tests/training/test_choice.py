from __future__ import annotations

import typing

import pytest

from pipeline.experiment.names import EngineChoice
from pipeline.training.module import PackModule


@pytest.mark.parametrize("asked", typing.get_args(EngineChoice))
def test_every_engine_that_may_be_asked_for_computes_a_pack(pack, asked):
    module = PackModule(pack(), [40], engine=asked)
    assert asked in ("auto", module.engine.name)
