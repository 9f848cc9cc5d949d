"""Update rules in SIMD arithmetic move weights and slots as the definitions do."""

import numpy as np
import pytest
import torch

from pipeline.engines.bias_corrections import corrections
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.updates import COVERED, updated
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import UpdateRule


def test_every_rule_is_covered():
    assert set(COVERED) == {kind for kind in OPTIMIZERS.values() if issubclass(kind, UpdateRule)}


@pytest.mark.parametrize("kind", COVERED, ids=lambda kind: kind.name())
def test_an_update_is_that_of_the_definition(kind):
    rule, step, rate = kind(), 7, 0.3
    p = Program("float64")
    numbers, factors = p.array_parameter("numbers"), p.array_parameter("factors")
    weights, gradient, *slots = (numbers.load(row * p.lanes, p.lanes) for row in range(2 + rule.slots))
    weights, slots = updated(p, rule, weights, gradient, slots, factors.load(0), factors.load(1))
    for row, value in enumerate([weights, gradient, *slots]):
        numbers.store(row * p.lanes, value)
    given = np.random.default_rng(5).uniform(0.1, 1, (2 + rule.slots, p.lanes))
    weights_TN, gradient_TN, *slots_TN = (torch.from_numpy(row.copy())[None] for row in given)
    first, second = corrections(rule, step - 1, step)[0]
    Kernel(p)({"numbers": given, "factors": np.array([rate * first, second])})
    rule(weights_TN, gradient_TN, tuple(slots_TN), torch.full((1, 1), rate, dtype=torch.float64), step)
    for row, expected in zip((given[0], *given[2:]), (weights_TN, *slots_TN), strict=True):
        np.testing.assert_allclose(row, expected[0], rtol=1e-14)


def test_a_rule_that_is_not_written_is_refused():
    class Other:
        def name(self):
            return "other"

    p = Program("float64")
    one = p.constant(1.0)
    with pytest.raises(TypeError, match=r"^no lanes for other$"):
        updated(p, Other(), one, one, [], one, one)
