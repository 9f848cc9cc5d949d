"""Every rule takes the steps of torch.optim, and its stability limit is the true one."""

import dataclasses
import math
import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from pipeline.claims.claim import Claim
from pipeline.claims.update_rule_claims import UPDATE_RULE_CLAIMS
from pipeline.errors import FieldError
from pipeline.numerics.randomness import stream
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Adam, Momentum, Nesterov, Optimizer, UpdateRule

MOMENTA = (0.0, 0.5, 0.9, 0.99)
NUM_TRIALS, NUM_WEIGHTS, NUM_STEPS = 6, 5, 50

TORCH_TWIN: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "gradient_descent": lambda rule, weights, rate: torch.optim.SGD([weights], lr=rate),
    "momentum": lambda rule, weights, rate: torch.optim.SGD([weights], lr=rate, momentum=rule.momentum),
    "nesterov": lambda rule, weights, rate: torch.optim.SGD(
        [weights], lr=rate, momentum=rule.momentum, nesterov=rule.momentum > 0
    ),
    "adam": lambda rule, weights, rate: torch.optim.Adam(
        [weights], lr=rate, betas=(rule.beta1, rule.beta2), eps=rule.epsilon
    ),
}


def variants(kind: type[Optimizer]) -> list[Optimizer]:
    """The default, and one for each momentum where there is one."""
    has_momentum = any(field.name == "momentum" for field in dataclasses.fields(kind))  # type: ignore[arg-type]
    return [kind(), *(kind(momentum=momentum) for momentum in MOMENTA if has_momentum)]


EVERY = [optimizer for kind in OPTIMIZERS.values() for optimizer in variants(kind)]
RULES = [optimizer for optimizer in EVERY if isinstance(optimizer, UpdateRule)] + [Adam(0.5, 0.9, 1e-3), Adam(0.0, 0.0)]
LIMITED = [rule for rule in RULES if rule.stability_factor() is not None]
rules = pytest.mark.parametrize("rule", RULES, ids=Optimizer.label)
limited = pytest.mark.parametrize("rule", LIMITED, ids=Optimizer.label)


def slots(rule: UpdateRule, weights_TN: Tensor) -> tuple[Tensor, ...]:
    return tuple(torch.zeros_like(weights_TN) for _ in range(rule.slots))


def transition(rule: UpdateRule, curvature: float, rate: float) -> Tensor:
    """Matrix of one step of (weight, slots...), read off from steps out of the unit vectors."""
    num_states = 1 + rule.slots
    states = torch.eye(num_states, dtype=torch.float64)
    columns = [states[:, i : i + 1].clone() for i in range(num_states)]  # trial t starts from unit vector t
    rates_T1 = torch.full((num_states, 1), rate, dtype=torch.float64)
    rule(columns[0], curvature * columns[0], tuple(columns[1:]), rates_T1, 2)
    return torch.cat(columns, dim=1).mT


@pytest.mark.parametrize("claim", UPDATE_RULE_CLAIMS, ids=lambda claim: claim.__name__)
@rules
def test_every_claim_holds_or_is_not_made(rule: UpdateRule, claim: Claim) -> None:
    assert not claim(rule)


@rules
def test_steps_are_those_of_pytorch_with_a_learning_rate_for_each_trial(rule: UpdateRule) -> None:
    rng = stream("quadratics")
    roots = torch.from_numpy(rng.standard_normal((NUM_TRIALS, NUM_WEIGHTS, NUM_WEIGHTS)))
    hessians_TNN = roots @ roots.mT / NUM_WEIGHTS
    linear_TN, start_TN = torch.from_numpy(rng.standard_normal((2, NUM_TRIALS, NUM_WEIGHTS)))
    rates_T1 = torch.logspace(-4, -1.5, NUM_TRIALS, dtype=torch.float64)[:, None]

    weights_TN, memory = start_TN.clone(), slots(rule, start_TN)
    twins = [start_TN[t].clone().requires_grad_() for t in range(NUM_TRIALS)]
    optimizers = [TORCH_TWIN[rule.name()](rule, twin, float(rates_T1[t])) for t, twin in enumerate(twins)]
    for step in range(1, NUM_STEPS + 1):
        gradient_TN = (hessians_TNN @ weights_TN[..., None])[..., 0] + linear_TN
        rule(weights_TN, gradient_TN, memory, rates_T1, step)
        for t, (twin, optimizer) in enumerate(zip(twins, optimizers, strict=True)):
            twin.grad = hessians_TNN[t] @ twin.detach() + linear_TN[t]
            optimizer.step()
        # Fifty steps of a few roundings each.
        torch.testing.assert_close(weights_TN, torch.stack([twin.detach() for twin in twins]), rtol=1e-12, atol=1e-12)


@limited
@pytest.mark.parametrize("fraction", [0.5, 0.999, 1.001, 1.5])
def test_limit_is_where_the_spectral_radius_of_a_step_crosses_one(rule: UpdateRule, fraction: float) -> None:
    radius = float(torch.linalg.eigvals(transition(rule, 3.0, fraction * rule.stability_factor() / 3.0)).abs().max())
    assert (radius < 1) == (fraction < 1)


@limited
def test_every_smaller_curvature_is_stable_too(rule: UpdateRule) -> None:
    """So that the largest eigenvalue alone sets the limit."""
    rate = 0.999 * rule.stability_factor()
    for curvature in torch.linspace(0.001, 1, 200).tolist():
        assert float(torch.linalg.eigvals(transition(rule, curvature, rate)).abs().max()) < 1


@pytest.mark.reference("heavy_ball_stability")
@pytest.mark.parametrize("momentum", MOMENTA)
def test_limit_of_heavy_ball_is_the_formula_of_theory(reference: dict, momentum: float) -> None:
    assert reference["value"] == "eps < 2(1+b)/lambda_max"
    assert Momentum(momentum).stability_factor() == pytest.approx(2 * (1 + momentum))


@pytest.mark.reference("nesterov_stability")
@pytest.mark.parametrize("momentum", MOMENTA)
def test_limit_of_nesterov_is_the_formula_of_theory(reference: dict, momentum: float) -> None:
    assert reference["value"] == "eps < (2+2b)/((1+2b) lambda_max)"
    assert Nesterov(momentum).stability_factor() == pytest.approx((2 + 2 * momentum) / (1 + 2 * momentum))


@pytest.mark.parametrize("kind", [kind for kind in OPTIMIZERS.values() if kind.uses_learning_rate])
def test_what_uses_a_learning_rate_is_a_rule(kind: type[Optimizer]) -> None:
    assert issubclass(kind, UpdateRule)


@pytest.mark.parametrize("kind", [Momentum, Nesterov])
@pytest.mark.parametrize("momentum", [-0.1, 1.0, 1.5, math.nan])
def test_momentum_that_is_no_fraction_is_refused(kind: type[Momentum | Nesterov], momentum: float) -> None:
    text = f"momentum: momentum {momentum!r} is not in [0, 1)\n  hint: take a number from 0 to below 1, like 0.9"
    with pytest.raises(FieldError, match=f"^{re.escape(text)}$"):
        kind(momentum)


@pytest.mark.parametrize("field", ["beta1", "beta2"])
@pytest.mark.parametrize("value", [-0.1, 1.0, math.nan])
def test_beta_that_is_no_fraction_is_refused(field: str, value: float) -> None:
    text = f"{field}: {field} {value!r} is not in [0, 1)\n  hint: take a number from 0 to below 1, like 0.9"
    with pytest.raises(FieldError, match=f"^{re.escape(text)}$"):
        Adam(**{field: value})


@pytest.mark.parametrize("epsilon", [0.0, -1e-8, math.nan])
def test_epsilon_that_is_not_positive_is_refused(epsilon: float) -> None:
    text = f"epsilon: epsilon {epsilon!r} is not positive\n  hint: take a small number above 0, like 1e-8"
    with pytest.raises(FieldError, match=f"^{re.escape(text)}$"):
        Adam(epsilon=epsilon)
