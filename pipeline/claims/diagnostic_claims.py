"""What is true of every diagnostic, and what a diagnostic says of itself."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from pipeline.claims.claim import Claim
from pipeline.claims.small_packs import small_snapshot
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.models import MODELS
from pipeline.models.model import Model


def gives_a_number_for_each_trial(diagnostic: Diagnostic) -> str:
    """values are [trials], floats, and not NaN for trials that have not diverged."""
    shown = list(_snapshots(diagnostic))
    if not shown:
        return f"it applies to none of {', '.join(MODELS)} under the square loss"
    for kind, snapshot in shown:
        numbers, model = diagnostic(snapshot), kind.label()
        if numbers.shape != snapshot.losses_T.shape:
            return f"the shape is {list(numbers.shape)} for {len(snapshot.losses_T)} trials of {model}"
        if not numbers.is_floating_point():
            return f"they are {numbers.dtype} for {model}"
        if numbers.isnan().any():
            return f"one is NaN for random weights of {model}"
    return ""


def is_signed_as_claimed(diagnostic: Diagnostic) -> str:
    """signed: no value is negative, unless that is claimed."""
    least = min(float(diagnostic(snapshot).min()) for _, snapshot in _snapshots(diagnostic))
    return "" if least >= 0 or diagnostic.signed else f"one is {least:.4g}"


def leaves_the_snapshot_as_it_was(diagnostic: Diagnostic) -> str:
    """it leaves weights, losses and gradients as they were."""
    for model, snapshot in _snapshots(diagnostic):
        tensors = (snapshot.weights_TN, snapshot.losses_T, snapshot.gradient_TN)
        before = [tensor.clone() for tensor in tensors]
        diagnostic(snapshot)
        if not all(torch.equal(one, other) for one, other in zip(before, tensors, strict=True)):
            return f"it changes them of {model.label()}"
    return ""


def bears_a_diverged_trial(diagnostic: Diagnostic) -> str:
    """a trial that diverged has a value, and changes no other's."""
    for model, healthy in _snapshots(diagnostic):
        expected = diagnostic(healthy)[[0, 2, 3]]
        for bad in (torch.nan, torch.inf, 1e200):
            weights = healthy.weights_TN.clone()
            weights[1] = bad
            numbers = diagnostic(small_snapshot(model, weights=weights))
            # Sums may be taken in another order.
            if not torch.allclose(numbers[[0, 2, 3]], expected, rtol=1e-12, atol=0):
                return f"beside weights of {bad:g}, trials of {model.label()} have other numbers"
    return ""


def is_constant_as_claimed(diagnostic: Diagnostic) -> str | None:
    """constant_for_linear_models, constant_for_quadratics: no weights change it under the square loss, if claimed."""
    for model, first in _snapshots(diagnostic):
        if not model.linear:
            continue
        other = small_snapshot(model, weights=first.weights_TN + 1)
        same = torch.equal(diagnostic(first), diagnostic(other))
        if same != diagnostic.constant(model, first.context.loss):
            return f"of {model.label()} other weights have {'the same number' if same else 'another one'}"
    return ""


def has_a_unit(diagnostic: Diagnostic) -> str:
    """unit: there is a title for its axis."""
    return "" if diagnostic.unit else "it is empty"


def _snapshots(diagnostic: Diagnostic) -> Iterator[tuple[Model, Snapshot]]:
    """A small pack of each model that the diagnostic applies to."""
    for kind in MODELS.values():
        snapshot = small_snapshot(kind())
        if diagnostic.applies(kind(), snapshot.context.loss, snapshot.context.optimizer):
            yield kind(), snapshot


DIAGNOSTIC_GRANTED: tuple[Claim, ...] = (gives_a_number_for_each_trial, leaves_the_snapshot_as_it_was)
"""What training takes for granted: where one fails, every number would be false."""

DIAGNOSTIC_CLAIMS: tuple[Claim, ...] = (
    *DIAGNOSTIC_GRANTED,
    is_signed_as_claimed,
    bears_a_diverged_trial,
    is_constant_as_claimed,
    has_a_unit,
)
