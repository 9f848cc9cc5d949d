"""Ids of trials: the SHA-256 of the whole content of each, at the cost of its rate and seed alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence

from pipeline.definitions import canonical
from pipeline.experiment.trial import LearningRate, Shape, Trial

RateText = tuple[LearningRate, str]
"""A learning rate, and how it is written in what is hashed."""


def with_texts(rates: Sequence[LearningRate]) -> list[RateText]:
    """The learning rates of a shape, each with its text."""
    return [(rate, _json(rate)) for rate in rates]


def identified_trials(shape: Shape, rates: Sequence[RateText], seeds: Sequence[int]) -> Iterator[Trial]:
    """Trials of one shape with their ids.

    An id equals the hash of the whole content. The shape is written and hashed once for all its rates and seeds, so
    that planning 100,000 trials takes less than two seconds.

    Args:
        shape: What they have in common.
        rates: Their learning rates, by `with_texts`.
        seeds: The seeds of each rate.

    Yields:
        A trial for each rate and seed, those of one rate together.
    """
    prefix = hashlib.sha256(f'{{"shape":{_json(shape)},"learning_rate":'.encode())
    ends = [(seed, f"{seed}}}".encode()) for seed in seeds]
    for rate, rate_text in rates:
        with_rate = prefix.copy()
        with_rate.update(f'{rate_text},"seed":'.encode())
        for seed, end in ends:
            whole = with_rate.copy()
            whole.update(end)
            yield Trial(whole.hexdigest(), shape, rate, seed)


def _json(value: object) -> str:
    return json.dumps(canonical(value, identity=True), sort_keys=True, separators=(",", ":"))
