"""Options of a verb are made once, and cannot be changed."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass

import pytest

from pipeline.cli.options import Overrides, options_from


@dataclass(frozen=True)
class Options:
    what: tuple[str, ...]
    overrides: Overrides
    seed: str | None


def test_lists_of_argparse_become_tuples_and_set_becomes_overrides() -> None:
    parsed = argparse.Namespace(what=["p1", "p2"], overrides=["steps=3"], seed="monday", verb=print)
    options = options_from(parsed, Options)
    assert options == Options(("p1", "p2"), Overrides(("steps=3",)), "monday")
    with pytest.raises(dataclasses.FrozenInstanceError, match="seed"):
        options.seed = None  # type: ignore[misc]


def test_what_begins_with_cluster_is_of_the_profile() -> None:
    overrides = Overrides(("steps=3", "cluster.queue=long", "seeds=2"))
    assert overrides.experiment == ("steps=3", "seeds=2")
    assert overrides.profile == ("queue=long",)
