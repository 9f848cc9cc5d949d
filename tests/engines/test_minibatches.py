"""Minibatches are drawn without replacement, for each trial by its own id, whoever else is trained."""

import torch

from pipeline.engines.minibatches import Minibatches


def test_minibatches_visit_every_point_once_an_epoch_in_an_order_of_the_trial():
    prepared_AP, targets_KP = torch.arange(12.0)[None], torch.arange(12.0)[None] + 100
    batches = Minibatches(prepared_AP, targets_KP, 4)
    drawn = [batches.at(("a", "b"), step) for step in range(3)]
    seen_TP = torch.cat([inputs_TCB[:, 0] for inputs_TCB, _ in drawn], dim=1)
    assert torch.equal(seen_TP.sort(dim=1).values, torch.arange(12.0).expand(2, 12))
    assert not torch.equal(seen_TP[0], seen_TP[1])
    for inputs_TCB, targets_TKB in drawn:
        assert torch.equal(inputs_TCB + 100, targets_TKB)
    again = Minibatches(prepared_AP, targets_KP, 4).at(("b",), 1)[0]
    assert torch.equal(again[0], drawn[1][0][1])
    assert not torch.equal(batches.at(("a", "b"), 3)[0], drawn[0][0])


def test_a_remainder_too_small_for_a_batch_is_left_out():
    batches = Minibatches(torch.arange(10.0)[None], torch.zeros(1, 10), 4)
    assert batches.per_epoch == 2
    seen = torch.cat([batches.at(("a",), step)[0].flatten() for step in range(2)])
    assert len(seen.unique()) == 8
    assert torch.equal(batches.permutations(("a",), 0)[0, :8].double(), seen.double())


def test_processes_take_parts_of_the_same_batch():
    points = torch.arange(12.0)[None]
    whole = Minibatches(points, points, 4).at(("a", "b"), 5)[0]
    parts = [Minibatches(points, points, 4, part).at(("a", "b"), 5)[0] for part in (slice(0, 3), slice(3, 4))]
    assert torch.equal(torch.cat(parts, dim=2), whole)
