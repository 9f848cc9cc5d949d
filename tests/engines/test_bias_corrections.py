"""Bias corrections make Adam's means those of its definition; other rules have none."""

import numpy as np
import pytest

from pipeline.engines.bias_corrections import corrections
from pipeline.optimizers.rules import Adam, GradientDescent, Momentum, Nesterov


def test_corrections_undo_the_bias_of_means_that_begin_at_zero():
    """Of constant gradients g the means are ``g (1 - beta1^h)`` and ``g^2 (1 - beta2^h)``."""
    rule, mean, square = Adam(), 0.0, 0.0
    for first, second in corrections(rule, 0, 30):
        mean += (1 - rule.beta1) * (3.0 - mean)
        square += (1 - rule.beta2) * (9.0 - square)
        assert mean * first == pytest.approx(3.0, rel=1e-13)
        assert square**0.5 * second == pytest.approx(3.0, rel=1e-11)


@pytest.mark.parametrize("rule", [GradientDescent(), Momentum(), Nesterov()], ids=lambda rule: rule.name())
def test_other_rules_have_none(rule):
    assert corrections(rule, 3, 8).tolist() == [[1.0, 1.0]] * 5


def test_steps_in_pieces_have_those_of_all_steps():
    pieces = [corrections(Adam(), first, last) for first, last in ((0, 4), (4, 4), (4, 9))]
    np.testing.assert_array_equal(np.concatenate(pieces), corrections(Adam(), 0, 9))
