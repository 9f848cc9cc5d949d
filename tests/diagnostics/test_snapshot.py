"""A snapshot gives each diagnostic the same numbers, computed once, of a few trials at a time, or by an engine."""

import dataclasses

import pytest
import torch

from pipeline.diagnostics import snapshot as snapshots
from pipeline.diagnostics.snapshot import Shortcuts
from pipeline.models.activations import Tanh
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow


def test_features_are_computed_once(snapshot_of) -> None:
    snapshot = snapshot_of(Shallow())
    assert snapshot.features_TPF is snapshot.features_TPF
    assert snapshot.feature_shape == (20, 6)


def test_features_of_a_linear_model_are_those_of_all_trials(snapshot_of) -> None:
    snapshot = snapshot_of(Linear(), width=3)
    assert snapshot.features_TPF.shape == (1, 20, 3)
    assert snapshot.singular_values_TS.shape == (4, 3)


def test_trials_at_step_0_have_their_initial_weights(snapshot_of) -> None:
    snapshot = snapshot_of(Shallow(), dtype=torch.float32)
    start = snapshot.at_start
    assert start.step == 0
    torch.testing.assert_close(start.weights_TN, snapshot.draw_initial_weights().float(), rtol=0, atol=0)
    assert not torch.equal(start.features_TPF, snapshot.features_TPF)


def test_curvatures_come_in_the_order_of_the_trials(snapshot_of, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = snapshot_of(Shallow(Tanh()))
    (whole,) = snapshot.curvatures()
    monkeypatch.setattr(snapshots, "CURVED_ELEMENTS", 1)
    one_by_one = [curved.outputs_TKP for curved in snapshot.curvatures()]
    assert len(one_by_one) == 4
    torch.testing.assert_close(torch.cat(one_by_one), whole.outputs_TKP)


def test_what_an_engine_computes_takes_the_place_of_stacked_tensors(snapshot_of) -> None:
    snapshot, asked = snapshot_of(Shallow(), dtype=torch.float32), []

    def features(weights_TN: torch.Tensor) -> torch.Tensor:
        asked.append(weights_TN.dtype)
        return torch.zeros(4, 20, 6, dtype=torch.float64)

    by_engine = dataclasses.replace(snapshot, shortcuts=Shortcuts(features=features))
    assert not by_engine.singular_values_TS.any()
    assert by_engine.features_TPF.shape == snapshot.features_TPF.shape
    assert asked == [torch.float64]


def test_singular_values_of_a_jacobian_that_is_too_large_are_nan(snapshot_of, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = snapshot_of(Shallow())
    assert snapshot.jacobian_shape == (5 * 3 + 3 * 6, 3 * 20)
    monkeypatch.setattr(snapshots, "MOST_JACOBIAN_ELEMENTS", 33 * 60 - 1)
    assert snapshot.jacobian_singular_values_TS.shape == (4, 33)
    assert snapshot.jacobian_singular_values_TS.isnan().all()
