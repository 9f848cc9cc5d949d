"""Entity and project are those of the experiment, else of the cluster, else of the environment."""

from __future__ import annotations

import re

import pytest

from pipeline.experiment.wandb_tracking import Tracking
from pipeline.tracking.export.destination import DEFAULT_PROJECT, destination_of
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.wandb_errors import RefusedError


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_ENTITY", "of-environment")
    monkeypatch.setenv("WANDB_PROJECT", "in-environment")


CLUSTER = Destination("of-cluster", "in-cluster")


@pytest.mark.parametrize(
    ("tracking", "profile", "expected"),
    [
        (Tracking(), None, Destination("of-environment", "in-environment")),
        (Tracking(), Destination("", ""), Destination("of-environment", "in-environment")),
        (Tracking(), CLUSTER, CLUSTER),
        (Tracking(entity="mine"), CLUSTER, Destination("mine", "in-cluster")),
        (Tracking(project="mine"), CLUSTER, Destination("of-cluster", "mine")),
        (Tracking(project="mine"), None, Destination("of-environment", "mine")),
    ],
)
def test_the_nearest_word_counts(
    environment: None, tracking: Tracking, profile: Destination | None, expected: Destination
) -> None:
    assert destination_of(tracking, profile) == expected


def test_where_nobody_names_a_project_there_is_one_and_the_entity_is_that_of_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("WANDB_ENTITY", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    found = destination_of(Tracking())
    assert found == Destination("", DEFAULT_PROJECT)
    assert found.label() == DEFAULT_PROJECT


@pytest.mark.parametrize("name", ["lab/proj", "p" * 129, "é" * 65, "\udcff", "two\nlines", " "])
def test_a_name_that_wandb_does_not_take_is_told_with_the_one_who_says_it(
    environment: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shown = re.escape(repr(name))
    with pytest.raises(
        RefusedError, match=rf"^cluster\.wandb_project: W&B has no project named {shown}\n  hint: --set"
    ):
        destination_of(Tracking(), Destination("", name))
    monkeypatch.setenv("WANDB_ENTITY", name)
    with pytest.raises(RefusedError, match=rf"^WANDB_ENTITY: W&B has no entity named {shown}\n  hint: --set"):
        destination_of(Tracking(project="mine"))
    assert destination_of(Tracking(project="mine", entity="me"), Destination("", name)) == Destination("me", "mine")
