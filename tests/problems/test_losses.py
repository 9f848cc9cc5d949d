"""Every loss is its formula, its gradient is its derivative, and both hold at logits of 10,000."""

import functools
import itertools
import math
import re
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.claims.claim import Claim
from pipeline.claims.loss_claims import LOSS_CLAIMS
from pipeline.numerics.randomness import stream
from pipeline.problems.losses import (
    DEFAULT_LOSS,
    LOSSES,
    BinaryCrossEntropy,
    BrierScore,
    HalfMeanSquare,
    Loss,
    SoftmaxCrossEntropy,
    Task,
    squared_errors,
    zero_one_loss,
)

DTYPES = [torch.float32, torch.float64]
PAIRS = [(kind(), task) for kind in LOSSES.values() for task in Task if task in kind.tasks]
pairs = pytest.mark.parametrize(("loss", "task"), PAIRS, ids=[f"{loss.name()}-{task.value}" for loss, task in PAIRS])


@pytest.fixture(params=LOSSES.values(), ids=LOSSES.keys())
def loss(request: pytest.FixtureRequest) -> Loss:
    return request.param()


def targets(task: Task, num_outputs: int, num_points: int, seed: int = 0) -> Tensor:
    """Targets of a task, shape ``[K, P]``."""
    rng = stream("targets", task.value, seed)
    if task is Task.REGRESSION:
        return torch.from_numpy(rng.standard_normal((num_outputs, num_points)))
    if task is Task.LABELS:
        return torch.from_numpy(rng.integers(0, 2, (num_outputs, num_points)).astype(float))
    return torch.from_numpy(np.eye(num_outputs)[rng.integers(0, num_outputs, num_points)].T.copy())


def outputs(num_trials: int, num_outputs: int, num_points: int, scale: float = 3.0) -> Tensor:
    return scale * torch.from_numpy(stream("outputs").standard_normal((num_trials, num_outputs, num_points)))


def exact(loss: Loss, z: list[float], y: list[float]) -> tuple[float, list[float]]:
    """Value and gradient of the loss of one point, from its textbook formula in 60 digits and unbounded exponents."""
    with mpmath.workdps(60):
        z_K, y_K = [mpmath.mpf(value) for value in z], [mpmath.mpf(value) for value in y]
        match loss:
            case HalfMeanSquare():
                value = sum((a - b) ** 2 for a, b in zip(z_K, y_K, strict=True)) / 2
                gradient = [a - b for a, b in zip(z_K, y_K, strict=True)]
            case SoftmaxCrossEntropy():
                total = sum(mpmath.exp(a) for a in z_K)
                p_K = [mpmath.exp(a) / total for a in z_K]
                right = y_K.index(1)
                wrong = sum(p for k, p in enumerate(p_K) if k != right)  # 1 - p, which 60 digits would round to 0
                value = mpmath.log1p(wrong / p_K[right])
                gradient = [-wrong if k == right else p for k, p in enumerate(p_K)]
            case BinaryCrossEntropy():
                p_K = [1 / (1 + mpmath.exp(-a)) for a in z_K]
                q_K = [1 / (1 + mpmath.exp(a)) for a in z_K]  # 1 - p, likewise
                value = -sum(mpmath.log(p if b else q) for p, q, b in zip(p_K, q_K, y_K, strict=True))
                gradient = [-q if b else p for p, q, b in zip(p_K, q_K, y_K, strict=True)]
            case BrierScore():
                # |p - y|, which 60 digits would round to 0 as a difference, and its complement
                signs = [1 - 2 * b for b in y_K]
                s_K = [1 / (1 + mpmath.exp(-sign * a)) for sign, a in zip(signs, z_K, strict=True)]
                q_K = [1 / (1 + mpmath.exp(sign * a)) for sign, a in zip(signs, z_K, strict=True)]
                value = sum(s**2 for s in s_K)
                gradient = [2 * sign * s**2 * q for sign, s, q in zip(signs, s_K, q_K, strict=True)]
            case _:
                raise AssertionError(f"write the formula of {loss.name()} here")
        return float(value), [float(entry) for entry in gradient]


def hessian(loss: Loss, z_K: Tensor, y_K: Tensor) -> Tensor:
    """Hessian of the loss of one point in its outputs, ``[K, K]``: the derivative of ``gradient``."""
    gradient = lambda z: loss.gradient(z[None, :, None], y_K[:, None])[0, :, 0]  # noqa: E731
    return torch.autograd.functional.jacobian(gradient, z_K)


@pytest.mark.parametrize("claim", LOSS_CLAIMS, ids=lambda claim: claim.__name__)
def test_every_claim_holds_or_is_not_made(loss: Loss, claim: Claim) -> None:
    assert not claim(loss)


@pairs
def test_gradient_is_the_derivative_by_autograd(loss: Loss, task: Task) -> None:
    z_TKP, y_KP = outputs(4, 5, 7).requires_grad_(), targets(task, 5, 7)
    with torch.no_grad():
        z_TKP[0] = 0  # where every network of zero weights starts
    (derivative,) = torch.autograd.grad(loss(z_TKP, y_KP).sum(), z_TKP)
    torch.testing.assert_close(loss.gradient(z_TKP.detach(), y_KP), derivative, rtol=1e-12, atol=1e-14)


@pairs
def test_second_derivative_by_autograd_is_that_of_the_gradient(loss: Loss, task: Task) -> None:
    """Curvature may be taken from either, at zero too, where a clamp or a modulus would hide it."""
    y_KP = targets(task, 5, 1)
    for z_K in (torch.zeros(5, dtype=torch.float64), outputs(1, 5, 1)[0, :, 0]):
        of_value = torch.autograd.functional.hessian(lambda z: loss(z[None, :, None], y_KP)[0], z_K)
        torch.testing.assert_close(of_value, hessian(loss, z_K, y_KP[:, 0]), rtol=1e-12, atol=1e-14)


@pairs
def test_value_and_gradient_are_the_value_and_the_gradient(loss: Loss, task: Task) -> None:
    z_TKP, y_KP = outputs(4, 5, 7), targets(task, 5, 7)
    before = z_TKP.clone()
    value, gradient = loss.value_and_gradient(z_TKP, y_KP)
    torch.testing.assert_close(value, loss(before, y_KP), rtol=1e-14, atol=0)
    torch.testing.assert_close(gradient, loss.gradient(before, y_KP), rtol=1e-14, atol=1e-17)
    assert torch.equal(z_TKP, before)


@pairs
def test_value_and_gradient_of_a_trial_are_its_own(loss: Loss, task: Task) -> None:
    z_TKP = outputs(3, 4, 6)
    y_TKP = torch.stack([targets(task, 4, 6, seed) for seed in range(3)])
    value, gradient = loss(z_TKP, y_TKP), loss.gradient(z_TKP, y_TKP)
    assert value.shape == (3,)
    assert gradient.shape == z_TKP.shape
    for t in range(3):
        torch.testing.assert_close(value[t : t + 1], loss(z_TKP[t : t + 1], y_TKP[t]), rtol=1e-14, atol=0)
        torch.testing.assert_close(gradient[t : t + 1], loss.gradient(z_TKP[t : t + 1], y_TKP[t]), rtol=1e-14, atol=0)


@pairs
def test_loss_is_the_mean_over_points_of_the_sum_over_outputs(loss: Loss, task: Task) -> None:
    z_TKP, y_KP = outputs(1, 3, 5), targets(task, 3, 5)
    points = [exact(loss, z_TKP[0, :, p].tolist(), y_KP[:, p].tolist()) for p in range(5)]
    assert loss(z_TKP, y_KP).item() == pytest.approx(sum(value for value, _ in points) / 5, rel=1e-14)
    np.testing.assert_allclose(loss.gradient(z_TKP, y_KP)[0].T * 5, [gradient for _, gradient in points], atol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
@pairs
def test_value_and_gradient_are_finite_and_right_at_logits_of_ten_thousand(
    loss: Loss, task: Task, dtype: torch.dtype
) -> None:
    eps = torch.finfo(dtype).eps
    choices = [[0.0, 1.0], [1.0, 0.0]] if task is Task.CLASSES else list(itertools.product((0.0, 1.0), repeat=2))
    logits = [-1e4, -89.0, -30.0, -1.0, 0.0, 30.0, 1e4]  # exp(-89) is subnormal in float32
    for z, y in itertools.product(itertools.product(logits, repeat=2), choices):
        z_TKP = torch.tensor(z, dtype=dtype)[None, :, None].requires_grad_()
        y_KP = torch.tensor(y, dtype=dtype)[:, None]
        value, gradient = exact(loss, list(z), list(y))
        result = loss(z_TKP, y_KP)
        # Even a loss of exp(-30) and its slope are right to their last bits; a difference of logits is rounded at the
        # size of its terms.
        lost = max(map(abs, z)) * eps if isinstance(loss, SoftmaxCrossEntropy) else 0.0
        assert result.item() == pytest.approx(value, rel=4 * eps + lost, abs=1e-37)
        slopes = loss.gradient(z_TKP.detach(), y_KP)[0, :, 0].double()
        np.testing.assert_allclose(slopes, gradient, rtol=4 * eps + lost, atol=1e-37)
        slopes = torch.autograd.grad(result.sum(), z_TKP)[0][0, :, 0].double()  # a sigmoid's is taken from 1 - s
        np.testing.assert_allclose(slopes, gradient, rtol=4 * eps + lost, atol=4 * eps)


@pairs
def test_no_hessian_exceeds_the_largest_curvature(loss: Loss, task: Task) -> None:
    rng = stream("curvature")
    for num_outputs in (1, 2, 3, 10):
        for scale in (0.1, 1.0, 5.0):
            z_K = torch.from_numpy(scale * rng.standard_normal(num_outputs))
            largest = torch.linalg.eigvalsh(hessian(loss, z_K, targets(task, num_outputs, 1)[:, 0]))[-1].item()
            assert largest <= loss.largest_curvature + 1e-14


def test_some_hessian_attains_the_largest_curvature(loss: Loss) -> None:
    """For the softmax at p = (1/2, 1/2, 0, 0), for the sigmoid at 1/2, for squares on it below that."""
    p = (15 - math.sqrt(33)) / 24
    third = math.log(p / (1 - p)) if isinstance(loss, BrierScore) else -1e3
    z_K = torch.tensor([0.0, 0.0, third, -1e3], dtype=torch.float64)
    y_K = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    assert torch.linalg.eigvalsh(hessian(loss, z_K, y_K))[-1].item() == pytest.approx(loss.largest_curvature, abs=1e-14)


@pairs
def test_a_loss_is_convex_exactly_if_it_says_so(loss: Loss, task: Task) -> None:
    """Squares on the sigmoid bend down where the answer is more than two thirds wrong."""
    outputs_TKP, targets_KP = outputs(20, 3, 9), targets(task, 3, 9)
    curvatures = whole_curvature(functools.partial(loss.curvature, outputs_TKP, targets_KP), outputs_TKP)
    least = torch.linalg.eigvalsh(curvatures).amin().item()
    assert least > -1e-15 if loss.convex else least < -0.01


def test_quadratic_means_one_hessian_everywhere(loss: Loss) -> None:
    y_K = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    here, there = (hessian(loss, z, y_K) for z in outputs(2, 3, 1)[:, :, 0])
    assert torch.allclose(here, there, atol=1e-12) == loss.quadratic


def test_every_task_has_a_default_loss_that_fits_it() -> None:
    assert DEFAULT_LOSS.keys() == set(Task)
    assert all(task in loss.tasks for task, loss in DEFAULT_LOSS.items())


@pytest.mark.parametrize("num_classes", [2, 3, 10])
def test_cross_entropy_of_knowing_nothing_is_the_logarithm_of_the_choices(num_classes: int) -> None:
    zeros = torch.zeros(1, num_classes, 6, dtype=torch.float64)
    value = SoftmaxCrossEntropy()(zeros, targets(Task.CLASSES, num_classes, 6))
    assert value.item() == pytest.approx(math.log(num_classes), rel=1e-15)
    value = BinaryCrossEntropy()(zeros, targets(Task.LABELS, num_classes, 6))
    assert value.item() == pytest.approx(num_classes * math.log(2), rel=1e-15)


@pytest.mark.reference("torch_mse_hessian_factor")
def test_square_loss_carries_one_half_and_the_mean_over_points(reference: dict) -> None:
    """So its Hessian in the weights of a linear model is X^T X / N: torch's MSELoss has twice that."""
    z_TKP, y_KP = outputs(1, 1, 8), targets(Task.REGRESSION, 1, 8)
    of_torch = torch.nn.functional.mse_loss(z_TKP[0], y_KP).item()
    assert HalfMeanSquare()(z_TKP, y_KP).item() == pytest.approx(of_torch / reference["value"], rel=1e-14)

    design_PW = outputs(1, 8, 3)[0]
    in_weights = lambda w: HalfMeanSquare()((design_PW @ w)[None, None], y_KP)[0]  # noqa: E731
    curvature = torch.autograd.functional.hessian(in_weights, torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close(curvature, design_PW.T @ design_PW / 8)


@pytest.mark.reference("softmax_ce_gradient")
def test_gradient_of_cross_entropy_is_probabilities_less_truth(reference: dict) -> None:
    assert reference["value"] == "dl/dz = p - onehot(y)"
    z_TKP, y_KP = outputs(4, 5, 7), targets(Task.CLASSES, 5, 7)
    exponentials = (z_TKP - z_TKP.amax(dim=1, keepdim=True)).exp()
    expected = exponentials / exponentials.sum(dim=1, keepdim=True) - y_KP
    found = 7 * SoftmaxCrossEntropy().gradient(z_TKP, y_KP)
    torch.testing.assert_close(found, expected, rtol=0, atol=reference["tolerance"]["abs"])


@pytest.mark.reference("softmax_hessian_max_eig")
def test_cross_entropy_is_curved_most_where_it_hesitates_between_two_classes(reference: dict) -> None:
    """And by 1/K where it knows nothing of K; no distribution of the classes gives more than the first."""
    assert SoftmaxCrossEntropy.largest_curvature == reference["value"]
    y_K = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    logits = torch.tensor([[0.0, 0.0, -1e3, -1e3], [0.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    largest = [float(torch.linalg.eigvalsh(hessian(SoftmaxCrossEntropy(), z_K, y_K))[-1]) for z_K in logits]
    assert largest == pytest.approx([reference["value"], 1 / 4], abs=reference["tolerance"]["abs"])


@pytest.mark.reference("sigmoid_grad_ce_vs_mse_z*")
def test_cross_entropy_still_pulls_where_squares_on_the_sigmoid_no_longer_do(reference: dict) -> None:
    """At y = 1 the slopes of cross-entropy and of (s - 1)^2 are in the ratio 1 / (2 s (1 - s)), without a bound."""
    z = reference["inputs"]["z"]
    z_TKP, yes = torch.full((1, 1, 1), z, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
    of_entropy = BinaryCrossEntropy().gradient(z_TKP, yes).item()
    of_squares = BrierScore().gradient(z_TKP, yes).item()
    close = reference["tolerance"]
    assert of_entropy == pytest.approx(reference["value"]["ce"], **close)
    assert of_squares == pytest.approx(reference["value"]["mse_(s-1)^2"], **close)
    assert of_entropy / of_squares == pytest.approx(reference["value"]["ratio_ce_over_mse"], **close)
    likely = 1 / (1 + math.exp(-z))
    assert of_entropy / of_squares == pytest.approx(1 / (2 * likely * (1 - likely)), rel=1e-6)  # 1 - s has lost digits

    # Both outputs of a softmax of two classes, at the logits z and 0, are off by as much: the slope is twice that.
    both = torch.tensor([z, 0.0], dtype=torch.float64, requires_grad=True)
    (slopes,) = torch.autograd.grad((torch.softmax(both, dim=0) - torch.tensor([1.0, 0.0])).square().sum(), both)
    assert 2 * of_squares == pytest.approx(reference["value"]["softmax2_mse_dz1"], **close)
    assert slopes[0].item() == pytest.approx(2 * of_squares, rel=1e-6)


@pytest.mark.reference("mse_sigmoid_grad_max")
def test_squares_on_the_sigmoid_are_steepest_where_an_answer_is_two_thirds_wrong(reference: dict) -> None:
    """So the slope is bounded at 8/27 and falls again beyond: no convex function does that."""
    logits = torch.linspace(-30, 30, 60_001, dtype=torch.float64)[:, None, None]
    slopes = BrierScore().gradient(logits, torch.ones(1, 1, dtype=torch.float64)).abs()
    at_third = BrierScore().gradient(torch.full((1, 1, 1), -math.log(2)).double(), torch.ones(1, 1).double())
    assert -at_third.item() == pytest.approx(reference["value"], rel=1e-15)
    assert reference["value"] * (1 - 1e-6) < slopes.max().item() <= reference["value"] * (1 + 1e-15)
    assert slopes[0].item() < 1e-12


def test_two_classes_are_one_label_of_the_difference_of_the_logits() -> None:
    z_TKP, y_KP = outputs(3, 2, 9), targets(Task.CLASSES, 2, 9)
    label = BinaryCrossEntropy()(z_TKP[:, :1] - z_TKP[:, 1:], y_KP[:1])
    torch.testing.assert_close(SoftmaxCrossEntropy()(z_TKP, y_KP), label, rtol=1e-13, atol=0)


def test_zero_one_loss_is_the_fraction_of_wrong_classes() -> None:
    z_TKP = torch.tensor([[[1.0, 0.0, 3.0, 0.0], [0.0, 1.0, 2.0, 1.0]]])
    y_KP = torch.tensor([[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    assert zero_one_loss(z_TKP, y_KP, Task.CLASSES, SoftmaxCrossEntropy()).tolist() == [0.25]


def test_a_tie_of_classes_goes_to_the_first_of_them() -> None:
    z_TKP = torch.tensor([[[2.0, 2.0, 0.0], [2.0, 2.0, 2.0], [0.0, 0.0, 2.0]]])
    y_KP = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    assert zero_one_loss(z_TKP, y_KP, Task.CLASSES, SoftmaxCrossEntropy()).item() == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("loss", "threshold"), [(BinaryCrossEntropy(), 0.0), (BrierScore(), 0.0), (HalfMeanSquare(), 0.5)]
)
def test_a_label_is_yes_strictly_above_the_threshold_of_its_loss(loss: Loss, threshold: float) -> None:
    z_TKP = torch.tensor([[[threshold - 0.1, threshold, threshold + 0.1]]])
    yes = zero_one_loss(z_TKP, torch.ones(1, 3), Task.LABELS, loss)
    no = zero_one_loss(z_TKP, torch.zeros(1, 3), Task.LABELS, loss)
    assert yes.item() == pytest.approx(2 / 3)
    assert no.item() == pytest.approx(1 / 3)


def test_wrong_labels_are_counted_over_points_and_labels() -> None:
    z_TKP = torch.tensor([[[1.0, 1.0], [-1.0, -1.0]], [[1.0, 1.0], [-1.0, 1.0]]])
    y_KP = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    assert zero_one_loss(z_TKP, y_KP, Task.LABELS, BinaryCrossEntropy()).tolist() == [0.0, 0.25]


@pytest.mark.parametrize("task", [Task.CLASSES, Task.LABELS])
def test_an_output_that_is_not_a_number_is_wrong(task: Task) -> None:
    y_KP = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    right = 2 * y_KP[None] - 1
    loss = DEFAULT_LOSS[task]
    assert zero_one_loss(right, y_KP, task, loss).tolist() == [0.0]
    assert zero_one_loss(torch.full_like(right, math.nan), y_KP, task, loss).tolist() == [1.0]
    partly = right.clone()
    partly[0, 0, 0] = math.nan  # at the right class: the largest, as argmax sees it
    assert zero_one_loss(partly, y_KP, task, loss).item() > 0


def test_a_regression_has_no_zero_one_loss() -> None:
    z_TKP, y_KP = outputs(1, 1, 2), targets(Task.REGRESSION, 1, 2)
    with pytest.raises(ValueError, match=f"^{re.escape('a regression has no zero-one loss')}$"):
        zero_one_loss(z_TKP, y_KP, Task.REGRESSION, HalfMeanSquare())


def test_mean_of_the_squared_errors_is_twice_the_square_loss() -> None:
    z_TKP, y_KP = outputs(3, 2, 9), targets(Task.REGRESSION, 2, 9)
    torch.testing.assert_close(squared_errors(z_TKP, y_KP).mean(dim=1), 2 * HalfMeanSquare()(z_TKP, y_KP))
    assert squared_errors(z_TKP.float(), y_KP.float()).dtype == torch.float64


def whole_curvature(product: Callable[[Tensor], Tensor], outputs_TKP: Tensor) -> Tensor:
    """A product of each point with every direction, as matrices ``[T, P, K, K]``, the factor 1/P taken out."""
    directions = torch.eye(outputs_TKP.shape[-2], dtype=torch.float64)[:, None, :, None].expand(-1, *outputs_TKP.shape)
    return product(directions).permute(1, 3, 2, 0)


@pairs
@pytest.mark.parametrize("scale", [0.0, 3.0, 1e4])
def test_curvature_is_the_hessian_by_autograd(loss: Loss, task: Task, scale: float) -> None:
    outputs_TKP, targets_KP = outputs(2, 4, 5, scale), targets(task, 4, 5)
    curvature = whole_curvature(functools.partial(loss.curvature, outputs_TKP, targets_KP), outputs_TKP)
    for trial, point in itertools.product(range(2), range(5)):
        exact_KK = hessian(loss, outputs_TKP[trial, :, point], targets_KP[:, point])
        torch.testing.assert_close(5 * curvature[trial, point], exact_KK, rtol=1e-13, atol=1e-15)


@pairs
@pytest.mark.parametrize("scale", [0.0, 3.0, 1e4])
def test_root_of_the_curvature_times_its_transpose_is_the_curvature(loss: Loss, task: Task, scale: float) -> None:
    outputs_TKP, targets_KP = outputs(2, 4, 5, scale), targets(task, 4, 5)
    root = whole_curvature(functools.partial(loss.curvature_root, outputs_TKP), outputs_TKP)
    kept = whole_curvature(functools.partial(loss.curvature, outputs_TKP, targets_KP), outputs_TKP)
    if not loss.convex:  # the residuals of the Brier score are the sigmoids less the labels, and it is their square
        slopes_TKP = torch.autograd.functional.jacobian(lambda z: torch.sigmoid(z).sum(), outputs_TKP)
        kept = torch.diag_embed(2 * slopes_TKP.square().mT / 5)
    torch.testing.assert_close(root.mT @ root, kept, rtol=1e-13, atol=1e-16)


def test_curvature_of_a_confident_choice_keeps_its_digits() -> None:
    """That of p = (1 - 2e, e, e) along the first axis is 2e (1 - 2e); here e is 1e-13."""
    z_TKP = torch.tensor([30.0, 0.0, 0.0], dtype=torch.float64)[None, :, None]
    along = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)[None, :, None]
    doubt = 2 / (mpmath.exp(30) + 2)
    expected = [float(x) for x in (doubt * (1 - doubt), -doubt * (1 - doubt) / 2, -doubt * (1 - doubt) / 2)]
    found = SoftmaxCrossEntropy().curvature(z_TKP, along[0], along)[0, :, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    root = SoftmaxCrossEntropy().curvature_root(z_TKP, along)
    assert root.square().sum().item() == pytest.approx(expected[0], rel=1e-14)


def test_curvature_of_a_confident_yes_keeps_its_digits() -> None:
    """p (1 - p) at z = 30 is 9.4e-14, which 1 - p in float64 knows to three digits only."""
    logit, one = torch.tensor([[[30.0]]], dtype=torch.float64), torch.ones(1, 1, 1, dtype=torch.float64)
    spread = float(mpmath.exp(-30) / (1 + mpmath.exp(-30)) ** 2)
    assert float(BinaryCrossEntropy().curvature(logit, one[0], one)) == pytest.approx(spread, rel=1e-14)
