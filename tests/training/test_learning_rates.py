"""Multiples of a limit become numbers: of a linear model one limit, of networks one for each at its initial weights."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from pipeline.errors import PipelineError
from pipeline.experiment.axes import TimesLimits
from pipeline.experiment.initial_weights import initial_weights
from pipeline.models.activations import Tanh
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import GradientDescent, Momentum
from pipeline.training.module import PackModule

MULTIPLES = TimesLimits((0.5, 1.5))


def largest_eigenvalue(trial, dataset) -> float:
    """Of the Hessian of half the mean square, which autograd differentiates twice."""
    weights_N = torch.from_numpy(initial_weights(trial))
    x_P, y_P = dataset.train_inputs_PD[:, 0], dataset.train_targets_PK[:, 0]
    width = trial.shape.width

    def loss(weights_N: torch.Tensor) -> torch.Tensor:
        hidden_W2, last = weights_N[: 2 * width].reshape(width, 2), weights_N[2 * width :]
        units_PW = torch.tanh(x_P[:, None] * hidden_W2[:, 0] + hidden_W2[:, 1])
        return ((units_PW @ last[:width] + last[width] - y_P) ** 2).mean() / 2

    return float(torch.linalg.eigvalsh(torch.func.hessian(loss)(weights_N))[-1])


@pytest.mark.parametrize("engine", ["reference", "fused", "auto"])
@pytest.mark.parametrize("rule", [GradientDescent(), Momentum(0.5)])
def test_each_network_has_multiples_of_its_own_limit_at_the_start(pack, rule, engine):
    of_networks = pack(models=(Shallow(Tanh()),), learning_rates=MULTIPLES, optimizer=rule, dtype="float64")
    module = PackModule(of_networks, (0, 40), engine=engine)
    limits = [
        rule.stability_factor() / largest_eigenvalue(trial, module.context.dataset) for trial in of_networks.trials
    ]
    multiples = [trial.learning_rate.times_limit for trial in of_networks.trials]
    assert len(set(limits)) == len(of_networks.trials)
    np.testing.assert_allclose(module.learning_rates_T, np.array(multiples) * limits, rtol=1e-6)


def test_every_engine_trains_a_network_at_the_same_rate(pack):
    of_networks = pack(models=(Shallow(),), learning_rates=MULTIPLES)
    rates = [PackModule(of_networks, (0, 40), engine=engine).learning_rates_T for engine in ("reference", "auto")]
    assert torch.equal(*rates)


def test_a_linear_model_has_multiples_of_one_limit(pack):
    module = PackModule(pack(models=(Linear(),), learning_rates=MULTIPLES), (0, 40))
    limit = module.context.largest_stable_learning_rate
    assert set(module.learning_rates_T.tolist()) == {0.5 * limit, 1.5 * limit}


def test_a_limit_that_is_not_certain_is_refused(pack):
    of_networks = pack(models=(Shallow(Tanh()),), learning_rates=MULTIPLES)
    module = PackModule(of_networks, (0, 40), engine="reference")
    with torch.no_grad():
        module.context.dataset.train_targets_PK[0] = torch.nan
    what = "networks at their initial weights is not certain"
    with pytest.raises(PipelineError, match=rf"^learning_rates: the sharpness of \d+ of \d+ {re.escape(what)}"):
        _ = module.learning_rates_T
