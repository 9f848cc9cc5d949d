"""Every diagnostic turns a snapshot into one number per trial, whatever has become of the trials."""

import dataclasses
import functools

import pytest
import torch

from pipeline.claims.claim import Claim
from pipeline.claims.diagnostic_claims import DIAGNOSTIC_CLAIMS
from pipeline.claims.small_packs import small_snapshot
from pipeline.diagnostics import DEFAULT_DIAGNOSTICS, DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.models import MODELS
from pipeline.models.model import Model
from pipeline.optimizers import OPTIMIZERS
from pipeline.problems.losses import LOSSES, HalfMeanSquare, Loss, SoftmaxCrossEntropy, Task

PAIRS = [(kind(), task) for kind in LOSSES.values() for task in Task if task in kind.tasks]
LINEAR = [kind() for kind in MODELS.values() if kind.linear]


@functools.cache
def shared_snapshot(*of: object, dtype: torch.dtype = torch.float64) -> Snapshot:
    """A pack with random weights; what one diagnostic has computed of it, the next needs not compute again."""
    return small_snapshot(*of, dtype=dtype)


@pytest.fixture(params=DIAGNOSTICS.values(), ids=DIAGNOSTICS.keys())
def diagnostic(request: pytest.FixtureRequest) -> Diagnostic:
    return request.param()


@pytest.fixture(params=MODELS.values(), ids=MODELS.keys())
def model(request: pytest.FixtureRequest) -> Model:
    return request.param()


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0].name()}-{pair[1].value}")
def loss_and_task(request: pytest.FixtureRequest) -> tuple[Loss, Task]:
    return request.param


@pytest.mark.parametrize("claim", DIAGNOSTIC_CLAIMS, ids=lambda claim: claim.__name__)
def test_every_claim_holds_or_is_not_made(diagnostic: Diagnostic, claim: Claim) -> None:
    assert not claim(diagnostic)


def test_number_of_every_trial_is_a_float(diagnostic, model, loss_and_task) -> None:
    loss, task = loss_and_task
    for kind in OPTIMIZERS.values():
        optimizer = kind()
        if not diagnostic.applies(model, loss, optimizer):
            continue
        for dtype in (torch.float32, torch.float64):
            snapshot = shared_snapshot(model, loss, task, optimizer, dtype=dtype)
            numbers = diagnostic(snapshot)
            assert numbers.shape == snapshot.losses_T.shape
            assert numbers.is_floating_point()
            assert not numbers.isnan().any(), "a random pack is no diverged one"
            assert (numbers >= 0).all() or diagnostic.signed


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, 1e200, 1.7e308])
def test_diverged_trial_is_a_value_and_leaves_its_neighbours_alone(diagnostic, model, bad, snapshot_of) -> None:
    healthy = shared_snapshot(model)
    if not diagnostic.applies(model, healthy.context.loss, healthy.context.optimizer):
        return
    weights = healthy.weights_TN.clone()
    weights[1] = bad
    numbers = diagnostic(snapshot_of(model, weights=weights))
    others = [0, 2, 3]
    assert numbers.shape == (4,)
    # Sums may be taken in another order.
    torch.testing.assert_close(numbers[others], diagnostic(healthy)[others], rtol=1e-12, atol=0)


@pytest.mark.parametrize("linear_model", LINEAR, ids=Model.label)
def test_what_is_constant_for_linear_models_depends_on_no_weights(diagnostic, linear_model, snapshot_of) -> None:
    """And what is not called constant does depend on them, under the square loss."""
    first = shared_snapshot(linear_model)
    other = snapshot_of(linear_model, weights=first.weights_TN + 1)
    if diagnostic.applies(linear_model, first.context.loss, first.context.optimizer):
        numbers = diagnostic(first)
        constant = diagnostic.constant(linear_model, first.context.loss)
        assert torch.equal(numbers, diagnostic(other)) == constant
        assert (numbers == numbers[0]).all() == constant


def test_what_is_constant_for_quadratics_is_not_under_another_loss(diagnostic, snapshot_of) -> None:
    """The Hessian of a cross-entropy changes with the weights, of a linear model too."""
    model, loss = LINEAR[0], SoftmaxCrossEntropy()
    assert not diagnostic.constant_for_quadratics or not diagnostic.constant(model, loss)
    first = shared_snapshot(model, loss, Task.CLASSES)
    other = snapshot_of(model, loss, Task.CLASSES, weights=first.weights_TN.square())
    if diagnostic.applies(model, loss, first.context.optimizer):
        assert torch.equal(diagnostic(first), diagnostic(other)) == diagnostic.constant(model, loss)


def test_nothing_is_constant_for_networks(diagnostic) -> None:
    assert not any(diagnostic.constant(kind(), HalfMeanSquare()) for kind in MODELS.values() if not kind.linear)


def test_step_is_of_no_account(diagnostic, model) -> None:
    snapshot = shared_snapshot(model)
    if diagnostic.applies(model, snapshot.context.loss, snapshot.context.optimizer):
        later = dataclasses.replace(snapshot, step=1000)
        same = torch.equal(diagnostic(snapshot), diagnostic(later))
        assert same or diagnostic.name() == "lazy_index", "which compares with as many steps of another model"


def test_every_diagnostic_applies_to_some_pack(diagnostic) -> None:
    packs = [(model(), rule()) for model in MODELS.values() for rule in OPTIMIZERS.values()]
    assert any(diagnostic.applies(model, HalfMeanSquare(), rule) for model, rule in packs)


def test_all_that_cost_little_are_recorded_by_default() -> None:
    cheap = [kind for kind in DIAGNOSTICS.values() if kind.by_default]
    assert [type(diagnostic) for diagnostic in DEFAULT_DIAGNOSTICS if not diagnostic.only_at_ends()] == cheap
    assert {"loss", "test_error", "condition_number", "dead_unit_share"} <= {kind.name() for kind in cheap}
