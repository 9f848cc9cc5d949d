"""The closed forms of descent on quadratics are what the optimizers do, step for step."""

import math

import mpmath
import pytest
import torch
from torch import Tensor

from pipeline.models.bases.polynomial import Monomial
from pipeline.numerics import descent
from pipeline.numerics.randomness import stream
from pipeline.optimizers.rules import GradientDescent, Momentum, Nesterov, UpdateRule

MOMENTA = (0.0, 0.5, 0.9, 0.99)
RULES: list[UpdateRule] = [GradientDescent(), *(kind(b) for kind in (Momentum, Nesterov) for b in MOMENTA)]
rules = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.label())

NUM_POINTS, WIDTH, NUM_OUTPUTS = 30, 6, 2
FRACTIONS = torch.tensor([1e-6, 0.1, 0.5, 0.9, 0.99, 1.01], dtype=torch.float64)  # of the stability limit
STEPS = [0, 1, 2, 3, 10, 100, 300]


def fields(rule: UpdateRule) -> dict[str, float | bool]:
    """A rule as the closed forms take it."""
    return {"momentum": getattr(rule, "momentum", 0.0), "nesterov": isinstance(rule, Nesterov)}


def problem(num_points: int = NUM_POINTS, width: int = WIDTH) -> tuple[Tensor, Tensor, Tensor]:
    """Features, targets and a start, at random."""
    rng = stream("problem", num_points, width)
    shapes = ((num_points, width), (num_points, NUM_OUTPUTS), (width, NUM_OUTPUTS))
    features, targets, start = (torch.from_numpy(rng.standard_normal(shape)) for shape in shapes)
    return features, targets, start


def looped_losses(rule: UpdateRule, features: Tensor, targets: Tensor, start: Tensor, rates_R: Tensor) -> Tensor:
    """Losses ``[R, H]`` of the rule itself, stepped on explicit gradients, a trial for each rate."""
    num_points = len(features)
    weights = start.mT.flatten().repeat(len(rates_R), 1)
    memory = tuple(torch.zeros_like(weights) for _ in range(rule.slots))
    losses = []
    for step in range(max(STEPS) + 1):
        residuals = weights.unflatten(1, (targets.shape[1], -1)) @ features.mT - targets.mT
        if step in STEPS:
            losses.append(residuals.square().sum(dim=(1, 2)) / (2 * num_points))
        rule(weights, (residuals @ features / num_points).flatten(1), memory, rates_R[:, None], step + 1)
    return torch.stack(losses, dim=1)


@rules
@pytest.mark.parametrize(("num_points", "width"), [(30, 6), (6, 6), (4, 6)], ids=["tall", "square", "wide"])
def test_closed_form_is_the_loop(rule: UpdateRule, num_points: int, width: int) -> None:
    features, targets, start = problem(num_points, width)
    modes = descent.modes(features, features @ start - targets)
    rates = FRACTIONS * rule.stability_factor() / modes.eigenvalues_S[0]
    found = descent.loss_curve(modes, rates, torch.tensor(STEPS), **fields(rule))
    looped = looped_losses(rule, features, targets, start, rates)
    # 300 steps of rounding, which momentum 0.99 remembers for 100 steps each.
    torch.testing.assert_close(found, looped, rtol=1e-11, atol=1e-13)


@rules
def test_curve_starts_at_the_first_loss_and_ends_at_least_squares(rule: UpdateRule) -> None:
    features, targets, start = problem()
    modes = descent.modes(features, features @ start - targets)
    rate = 0.5 * rule.stability_factor() / modes.eigenvalues_S[:1]
    first, last = descent.loss_curve(modes, rate, torch.tensor([0, 10**6]), **fields(rule))[0]
    missed = features @ torch.linalg.lstsq(features, targets).solution - targets
    assert float(first) == pytest.approx(float((features @ start - targets).square().sum()) / 60, rel=1e-13)
    assert float(last) == pytest.approx(float(missed.square().sum()) / 60, rel=1e-13)
    assert float(last) == pytest.approx(float(modes.floor), rel=1e-13)


@rules
def test_error_of_every_mode_late_on_shrinks_by_the_contraction(rule: UpdateRule) -> None:
    """At a real root; a complex pair turns as it shrinks, and its mean over many steps does."""
    eigenvalues = torch.tensor([1.0, 0.3, 0.01], dtype=torch.float64)
    rates = torch.tensor([0.3, 0.9, 1.2, 1.7, 5.0], dtype=torch.float64)
    steps = torch.tensor([2000, 12000])
    errors = descent.log_errors(eigenvalues, rates, steps, **fields(rule))
    slope = (errors[:, 1] - errors[:, 0]) / 10000
    expected = descent.contraction_factor(eigenvalues, rates, **fields(rule)).log()
    gone = errors[:, 1] < -700  # below the smallest float64 there is no error left
    # A turning pair passes near zero: its logarithm is off by a few units, over 10,000 steps.
    torch.testing.assert_close(slope[~gone], expected[~gone], rtol=0, atol=1e-3)
    assert (expected[gone] < -0.05).all()


@rules
def test_contraction_crosses_one_at_the_stability_limit(rule: UpdateRule) -> None:
    eigenvalues = torch.tensor([5.0, 1.0, 0.2], dtype=torch.float64)
    limit = rule.stability_factor() / 5
    rates = torch.tensor([0.01, 0.999, 1.001, 2.0], dtype=torch.float64) * limit
    largest = descent.contraction_factor(eigenvalues, rates, **fields(rule)).amax(dim=1)
    assert (largest < 1).tolist() == [True, True, False, False]


@rules
def test_contraction_is_the_spectral_radius_of_one_step_to_thirteen_digits(rule: UpdateRule) -> None:
    """Against the roots of its characteristic polynomial in fifty digits, of the same bits of rate and momentum."""
    momentum, nesterov = fields(rule).values()
    eigenvalues = torch.linspace(0, 4, 41, dtype=torch.float64)
    found = descent.contraction_factor(eigenvalues, torch.ones(1, dtype=torch.float64), momentum, nesterov)[0]
    with mpmath.workdps(50):
        for x, radius in zip(map(mpmath.mpf, eigenvalues.tolist()), found.tolist(), strict=True):
            # e(k+1) = a e(k) - b e(k-1)
            a, b = ((1 - x) * (1 + momentum), (1 - x) * momentum) if nesterov else (1 + momentum - x, momentum)
            root = mpmath.sqrt(a * a - 4 * b)
            assert radius == pytest.approx(float(max(abs(a + root), abs(a - root)) / 2), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("kappa", [4.0, 100.0, 1e3, 1e6, 1e9])
def test_two_roots_that_meet_are_one_root_though_the_momentum_has_only_sixteen_digits(kappa: float) -> None:
    """The best heavy ball, whose slowest and steepest mode shrink by the root of the momentum; Nesterov's slowest."""
    root = math.sqrt(kappa)
    momentum = ((root - 1) / (root + 1)) ** 2
    ends = torch.tensor([1.0, 1 / kappa], dtype=torch.float64)
    best = torch.tensor([4 / (1 + 1 / root) ** 2], dtype=torch.float64)
    assert descent.contraction_factor(ends, best, momentum)[0].tolist() == pytest.approx(
        [math.sqrt(momentum)] * 2, rel=1e-13
    )
    slowest = descent.contraction_factor(ends, torch.ones(1).double(), (root - 1) / (root + 1), nesterov=True)[0, 1]
    assert float(slowest) == pytest.approx(1 - 1 / root, rel=1e-13)


@pytest.mark.reference("gd_steps_for_1e-6_kappa*")
def test_steps_to_a_millionth_are_those_of_theory(reference: dict) -> None:
    kappa = reference["inputs"]["kappa"]
    eigenvalues = torch.tensor([1.0, 1 / kappa], dtype=torch.float64)
    momentum = ((math.sqrt(kappa) - 1) / (math.sqrt(kappa) + 1)) ** 2
    best_heavy_ball = 4 / (1 + 1 / math.sqrt(kappa)) ** 2
    for name, rate, b in (
        ("eps=1/lmax", 1.0, 0.0),
        ("eps=2/(lmin+lmax)", 2 / (1 + 1 / kappa), 0.0),
        ("heavy_ball_optimal_asymptotic", best_heavy_ball, momentum),
    ):
        rates = torch.tensor([rate], dtype=torch.float64)
        radius = float(descent.contraction_factor(eigenvalues, rates, b).max())
        steps = math.log(1e-6) / math.log(radius)
        assert steps == pytest.approx(reference["value"][name], rel=reference["tolerance"]["rel"])


@pytest.mark.reference("gd_stability_condition")
def test_descent_converges_from_every_start_if_and_only_if_its_rate_is_below_two_over_the_curvature(reference) -> None:
    """One over the curvature is enough and not needed; at two the steepest mode has period two, and grows above."""
    condition, period, growth = reference["value"].split("; ")
    assert condition == "converges for every start iff 0 < eps < 2/lambda_max"
    curvatures = torch.linspace(0.1, 4.0, 14, dtype=torch.float64)
    multiples = torch.tensor([-0.01, 0.0, 0.5, 0.999, 1.0, 1.001, 1.5, 1.999, 2.0, 2.01, 2.1], dtype=torch.float64)
    shrinks = descent.contraction_factor(curvatures, multiples / 4).amax(dim=1) < 1
    assert shrinks.tolist() == [0 < multiple < 2 for multiple in multiples.tolist()]

    rates, num_steps = multiples[2:, None] / 4, 2000
    weights = torch.ones(len(rates), len(curvatures), dtype=torch.float64)
    for step in range(1, num_steps + 1):
        before = weights[:, -1].clone()
        GradientDescent()(weights, curvatures * weights, (), rates, step)
    assert (weights.abs().amax(dim=1) < 1).tolist() == (multiples[2:] < 2).tolist()
    assert period == "at eps=2/lambda_max top mode has period 2"
    assert (before[-3], weights[-3, -1]) == (-1, 1)
    assert growth == "for eps above, growth |1-eps lambda_max| per step"
    grown = (weights[-2:, -1] / before[-2:]).abs()
    torch.testing.assert_close(grown, multiples[-2:] - 1, rtol=reference["tolerance"]["rel"], atol=0)
    predicted = descent.log_errors(curvatures[-1:], rates[-2:, 0], torch.tensor([num_steps]))[:, 0, 0]
    torch.testing.assert_close(weights[-2:, -1].abs().log(), predicted, rtol=reference["tolerance"]["rel"], atol=0)


@pytest.mark.reference("gd_rate_eps_1_over_lmax")
@pytest.mark.parametrize("kappa", [1.5, 50.65, 1e6])
def test_descent_at_one_over_the_curvature_shrinks_the_slowest_mode_by_one_over_kappa(reference, kappa: float) -> None:
    assert reference["value"] == "rho = 1-1/kappa on parameters, (1-1/kappa)^2 on excess loss"
    modes = descent.Modes(
        *torch.tensor([[1.0, 1 / kappa], [0.0, 1.0]], dtype=torch.float64), torch.tensor(0.0).double()
    )
    rate, relative = torch.ones(1, dtype=torch.float64), reference["tolerance"]["rel"]
    assert float(descent.contraction_factor(modes.eigenvalues_S, rate).max()) == pytest.approx(
        1 - 1 / kappa, rel=relative
    )
    excess = descent.loss_curve(modes, rate, torch.tensor([10, 11]))[0]  # above a floor of zero
    assert float(excess[1] / excess[0]) == pytest.approx((1 - 1 / kappa) ** 2, rel=relative)


@pytest.mark.reference("gd_optimal_rate")
def test_best_constant_rate_contracts_by_kappa_minus_one_over_kappa_plus_one(reference: dict) -> None:
    assert reference["value"] == "rho = (kappa-1)/(kappa+1)"
    eigenvalues = torch.linspace(0.02, 1, 50, dtype=torch.float64)
    radius = descent.contraction_factor(eigenvalues, torch.tensor([2 / 1.02], dtype=torch.float64)).max()
    assert float(radius) == pytest.approx(49 / 51, rel=1e-14)


def test_rate_of_one_over_the_largest_eigenvalue_removes_that_mode_in_one_step() -> None:
    """And leaves no NaN at step 0, where 0 times the logarithm of 0 would be one."""
    errors = descent.log_errors(*torch.tensor([[2.0, 1.0], [0.5, 0.1]], dtype=torch.float64), torch.tensor([0, 1, 5]))
    assert errors[0, :, 0].tolist() == [0, -math.inf, -math.inf]
    assert not errors.isnan().any()


def test_slow_modes_of_monomials_keep_their_digits() -> None:
    """Eigenvalues of 1e-13 of the largest: 1 - x rounds to 16 digits, of which x keeps three."""
    x = 1e-13
    log_error = descent.log_errors(*torch.tensor([[x], [1.0]], dtype=torch.float64), torch.tensor([10**12]))
    assert float(log_error) == pytest.approx(10**12 * math.log1p(-x), rel=1e-15)


@rules
def test_divergence_is_infinite_and_never_nan(rule: UpdateRule) -> None:
    """Not even where a mode holds nothing, or another has converged to exactly zero."""
    modes = descent.Modes(
        eigenvalues_S=torch.tensor([1.0, 0.25, 0.0], dtype=torch.float64),
        losses_S=torch.tensor([1.0, 1.0, 1.0], dtype=torch.float64),
        floor=torch.tensor(0.5, dtype=torch.float64),
    )
    rates = torch.tensor([4.0, 5.0], dtype=torch.float64)
    losses = descent.loss_curve(modes, rates, torch.tensor([0, 1, 10**5]), **fields(rule))
    assert not losses.isnan().any()
    assert (losses[:, 2] == math.inf).all()
    without_the_divergent = descent.Modes(modes.eigenvalues_S, torch.tensor([0.0, 1.0, 1.0]).double(), modes.floor)
    stable = descent.loss_curve(without_the_divergent, rates[:1], torch.tensor([10**5]), **fields(rule))
    expected = 1.5 if descent.contraction_factor(modes.eigenvalues_S[1:2], rates[:1], **fields(rule)) < 1 else math.inf
    assert float(stable) == pytest.approx(expected)


def test_a_mode_that_is_not_seen_by_the_features_stays() -> None:
    """Twice the same column: the difference of the two weights never moves, and the loss does not depend on it."""
    features = torch.tensor([[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]], dtype=torch.float64)
    targets = torch.tensor([[1.0], [2.0], [3.0]], dtype=torch.float64)
    modes = descent.modes(features, -targets)
    curve = descent.loss_curve(modes, torch.tensor([0.1], dtype=torch.float64), torch.tensor([0, 10**6]))
    assert curve[0].tolist() == pytest.approx([14 / 6, 9 / 6], rel=1e-14)


def test_monomials_are_slow_in_most_modes_and_the_mode_that_is_left_can_be_named() -> None:
    """Seven monomials on [0, 1], kappa 5e8: after 1e4 steps the slowest mode has not moved."""
    points = (torch.arange(200, dtype=torch.float64) + 0.5) / 200
    modes = descent.modes(Monomial()(points, 7), -torch.sin(2 * math.pi * points)[:, None])
    rate = 1 / modes.eigenvalues_S[:1]
    log_errors = descent.log_errors(modes.eigenvalues_S, rate, torch.tensor([10**4, 10**6]))[0]
    assert log_errors[0, -1] > -1e-4
    left = modes.losses_S * (2 * log_errors[1]).exp()
    assert int(left.argmax()) == 5  # of 0..6, after a million steps
    measured = descent.loss_curve(modes, rate, torch.tensor([10**4, 10**4 + 1]))[0]
    excess = measured - modes.floor
    # What a step gains is thousands of times more than 1/kappa, which the slowest mode would give.
    assert 1 - float(excess[1] / excess[0]) ** 0.5 > 1e3 * float(modes.eigenvalues_S[-1] / modes.eigenvalues_S[0])


@rules
@pytest.mark.parametrize("step", [0, 1, 2, 3, 10, 300])
def test_weights_and_velocities_are_those_of_the_loop(rule: UpdateRule, step: int) -> None:
    """For a start that is not zero, and a part of the weights that the features do not see."""
    features, targets, start = problem(4, 6)
    modes, _, directions = descent.modal_decomposition(features, targets)
    eigenvalues = modes.eigenvalues_S
    rates = FRACTIONS * rule.stability_factor() / eigenvalues[0]
    gradient = features.mT @ (features @ start - targets) / len(features)
    distances, velocities = descent.displacement_and_velocity(eigenvalues, rates, step, **fields(rule))
    for rate, distance_S, velocity_S in zip(rates, distances, velocities, strict=True):
        weights, memory = start.clone(), torch.zeros_like(start)
        for number in range(step):
            now = features.mT @ (features @ weights - targets) / len(features)
            rule(weights, now, (memory,)[: rule.slots], rate, number + 1)
        moved = directions.mT @ (distance_S[:, None] * (directions @ gradient))
        torch.testing.assert_close(start - rate * moved, weights, rtol=1e-11, atol=1e-12)
        velocity = directions.mT @ (velocity_S[:, None] * (directions @ gradient))
        if rule.slots:
            torch.testing.assert_close(velocity, memory, rtol=1e-10, atol=1e-12)


@rules
def test_error_is_what_is_left_of_the_way(rule: UpdateRule) -> None:
    """A mode at distance d has the error 1 - rate * eigenvalue * d: the two closed forms say one thing."""
    eigenvalues = torch.tensor([1.0, 0.3, 1e-3, 1e-9, 0.0], dtype=torch.float64)
    rates = torch.tensor([0.01, 0.3, 0.5, 0.9, 1.3], dtype=torch.float64)
    for step in (0, 1, 5, 200):
        distances, _ = descent.displacement_and_velocity(eigenvalues, rates, step, **fields(rule))
        left = 1 - rates[:, None] * eigenvalues * distances
        errors = descent.log_errors(eigenvalues, rates, torch.tensor([step]), **fields(rule))[:, 0].exp()
        torch.testing.assert_close(left.abs(), errors, rtol=1e-9, atol=1e-13)


def test_a_mode_that_does_not_move_has_gone_as_many_gradients_as_steps() -> None:
    eigenvalues, rates = torch.tensor([0.0, 1e-18], dtype=torch.float64), torch.tensor([1.0], dtype=torch.float64)
    for step in (0, 1, 10**6):
        distances, _ = descent.displacement_and_velocity(eigenvalues, rates, step)
        assert distances[0].tolist() == [pytest.approx(step, rel=1e-12)] * 2


@rules
def test_the_first_step_above_a_bound_is_the_first_of_the_whole_curve(rule: UpdateRule) -> None:
    features, targets, start = problem()
    modes = descent.modes(features, features @ start - targets)
    multiples = torch.tensor([0.5, 0.999, 1.001, 1.01, 1.3, 2.5, 1e3], dtype=torch.float64)
    rates = multiples * rule.stability_factor() / modes.eigenvalues_S[0]
    curves = descent.loss_curve(modes, rates, torch.arange(2001), **fields(rule))
    bounds = 1e10 * (1 + curves[:, 0])
    for first, last in ((0, 2000), (0, 0), (10, 40), (3, 2)):
        found = descent.first_step_above(modes, rates, bounds, first, last, **fields(rule))
        out = ~(curves[:, first : last + 1] <= bounds[:, None])
        expected = [first + row.int().argmax().item() if row.any() else -1 for row in out]
        assert found.tolist() == expected
    assert (descent.first_step_above(modes, rates, bounds, 0, 2000, **fields(rule))[3:] > 0).all()


def test_every_learning_rate_may_have_steps_of_its_own() -> None:
    modes = descent.modes(problem()[0], problem()[1])
    rates, steps = torch.tensor([0.1, 0.2], dtype=torch.float64), torch.tensor([[0, 5, 9], [7, 0, 100]])
    for momentum in (0.0, 0.9):
        own = descent.loss_curve(modes, rates, steps, momentum)
        for rate, row, losses in zip(rates, steps, own, strict=True):
            torch.testing.assert_close(losses, descent.loss_curve(modes, rate[None], row, momentum)[0])
