"""What is true of every loss, and what a loss says of itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from pipeline.claims.claim import Claim
from pipeline.numerics.randomness import stream
from pipeline.problems.losses import Loss, Task

SCALES = (0.0, 0.5, 3.0)
"""Of random outputs: where networks of zero weights start, where answers are unsure, where they are sure."""


def targets_of(task: Task, num_outputs: int, num_points: int) -> Tensor:
    """Targets of a task, shape ``[K, P]``, float64."""
    rng = stream("targets", task.value, 0)
    if task is Task.REGRESSION:
        return torch.from_numpy(rng.standard_normal((num_outputs, num_points)))
    if task is Task.LABELS:
        return torch.from_numpy(rng.integers(0, 2, (num_outputs, num_points)).astype(float))
    return torch.from_numpy(np.eye(num_outputs)[rng.integers(0, num_outputs, num_points)].T.copy())


def outputs_of(num_trials: int, num_outputs: int, num_points: int, scale: float) -> Tensor:
    """Random outputs, shape ``[T, K, P]``, float64."""
    return scale * torch.from_numpy(stream("outputs").standard_normal((num_trials, num_outputs, num_points)))


def has_a_number_for_each_trial(loss: Loss) -> str:
    """values are [trials], gradients as the outputs, in the dtype of the outputs."""
    for dtype in (torch.float64, torch.float32):
        for z_TKP, y_KP in _samples(loss):
            z_TKP, y_KP = z_TKP.to(dtype), y_KP.to(dtype)
            value, gradient = loss(z_TKP, y_KP), loss.gradient(z_TKP, y_KP)
            if value.shape != (len(z_TKP),) or value.dtype != dtype:
                return f"values are {list(value.shape)}, {value.dtype} of outputs {list(z_TKP.shape)}, {dtype}"
            if gradient.shape != z_TKP.shape or gradient.dtype != dtype:
                return f"gradients are {list(gradient.shape)}, {gradient.dtype} of {list(z_TKP.shape)}, {dtype}"
            if not value.isfinite().all() or not gradient.isfinite().all():
                return "one is not finite"
    return ""


def is_a_mean_over_points(loss: Loss) -> str:
    """it is a mean over points: the same points twice have the same loss, and a trial has its own."""
    for z_TKP, y_KP in _samples(loss):
        value = loss(z_TKP, y_KP)
        twice = loss(torch.cat([z_TKP] * 2, dim=-1), torch.cat([y_KP] * 2, dim=-1))
        if not torch.allclose(twice, value, rtol=1e-12, atol=1e-14):
            return f"twice the points have {float(twice[0]):.6g} in place of {float(value[0]):.6g}"
        alone = torch.cat([loss(z_TKP[t : t + 1], y_KP) for t in range(len(z_TKP))])
        if not torch.allclose(alone, value, rtol=1e-12, atol=1e-14):
            return "a trial alone has another loss than beside others"
    return ""


def knows_its_gradient(loss: Loss) -> str:
    """gradient: it is that of autograd."""
    for z_TKP, y_KP in _samples(loss):
        z_TKP = z_TKP.requires_grad_()
        (exact,) = torch.autograd.grad(loss(z_TKP, y_KP).sum(), z_TKP)
        apart = float((loss.gradient(z_TKP.detach(), y_KP) - exact).abs().max())
        if not apart <= 1e-12 * max(1.0, float(exact.abs().max())):
            return f"it is off by {apart:.2g}"
    return ""


def knows_its_curvature(loss: Loss) -> str:
    """curvature: its product with a direction is that of autograd."""
    for z_TKP, y_KP in _samples(loss):
        directions = outputs_of(len(z_TKP), 4, 5, 1.0).flip(0)
        _, exact = torch.autograd.functional.hvp(lambda z, y=y_KP: loss(z, y).sum(), z_TKP, directions)
        apart = float((loss.curvature(z_TKP, y_KP, directions) - exact).abs().max())
        if not apart <= 1e-11 * max(1.0, float(exact.abs().max())):
            return f"it is off by {apart:.2g}"
    return ""


def knows_the_root_of_its_curvature(loss: Loss) -> str | None:
    """curvature_root: squared it is the curvature of a convex loss."""
    if not loss.convex:
        return None
    for z_TKP, y_KP in _samples(loss):
        directions = outputs_of(len(z_TKP), 4, 5, 1.0).flip(0)
        squared = loss.curvature_root(z_TKP, directions).square().sum()
        exact = (directions * loss.curvature(z_TKP, y_KP, directions)).sum()
        if not torch.isclose(squared, exact, rtol=1e-10, atol=1e-13):
            return f"d R^T R d is {float(squared):.6g}, and d Q d is {float(exact):.6g}"
    return ""


def is_curved_as_claimed(loss: Loss) -> str:
    """largest_curvature, convex, quadratic: no Hessian of a point is above, below zero, or another one."""
    hessians = [
        _hessian(loss, z_TKP[t, :, p], y_KP[:, p : p + 1])
        for z_TKP, y_KP in _samples(loss)
        for t in range(2)
        for p in range(3)
    ]
    eigenvalues = torch.stack([torch.linalg.eigvalsh(hessian) for hessian in hessians])
    if eigenvalues.max() > loss.largest_curvature * (1 + 1e-12):
        return f"an eigenvalue is {float(eigenvalues.max()):.6g}, above {loss.largest_curvature:.6g}"
    if loss.convex and eigenvalues.min() < -1e-12:
        return f"an eigenvalue is {float(eigenvalues.min()):.4g}, and convex is claimed"
    constant = all(torch.allclose(hessian, hessians[0], atol=1e-11) for hessian in hessians)
    return "" if constant == loss.quadratic else f"the Hessian is {'' if constant else 'not '}the same everywhere"


def _hessian(loss: Loss, z_K: Tensor, y_K1: Tensor) -> Tensor:
    return torch.autograd.functional.hessian(lambda z: loss(z[None, :, None], y_K1)[0], z_K)


def _samples(loss: Loss) -> Iterator[tuple[Tensor, Tensor]]:
    """Outputs ``[T, K, P]`` and targets ``[K, P]`` of every task that it is a loss of."""
    for task in Task:
        if task in loss.tasks:
            for scale in SCALES:
                yield outputs_of(2, 4, 5, scale), targets_of(task, 4, 5)


LOSS_GRANTED: tuple[Claim, ...] = (has_a_number_for_each_trial, knows_its_gradient)
"""What training takes for granted: where one fails, every number would be false."""

LOSS_CLAIMS: tuple[Claim, ...] = (
    *LOSS_GRANTED,
    is_a_mean_over_points,
    knows_its_curvature,
    knows_the_root_of_its_curvature,
    is_curved_as_claimed,
)
