"""Fields of an experiment by their place in its YAML file, to be held against those of another one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pipeline.definitions import canonical
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.identity import HOW_IT_RUNS
from pipeline.experiment.ways import TRAINING_AXES

ONE_OR_SEVERAL = ("loss", *TRAINING_AXES)
"""Fields that are written as one value or as a list; one value is the list of it alone."""


def written_fields(experiment: Experiment) -> dict[str, str]:
    """Every field of an experiment, defaults included, by its place, such as ``inputs.noise``.

    Args:
        experiment: The experiment.

    Returns:
        Values as JSON, those of ``ONE_OR_SEVERAL`` as one list each.
    """
    content = canonical(experiment)
    for name in ONE_OR_SEVERAL:
        if content[name] is not None and not isinstance(content[name], list):
            content[name] = [content[name]]
    return dict(_leaves(content))


def differing_fields(first: Experiment, second: Experiment) -> list[str]:
    """Places in which two experiments differ, but for those that no record depends on.

    Args:
        first: An experiment.
        second: Another one.

    Returns:
        Such as ``learning_rates``, in the order of the fields; empty where they are the same experiment.
    """
    there, here = written_fields(first), written_fields(second)
    every = (place for place in dict.fromkeys([*there, *here]) if there.get(place) != here.get(place))
    differing = [place for place in every if place.partition(".")[0] not in ("question", *HOW_IT_RUNS)]
    return [place for place in differing if not any(place.startswith(f"{other}.") for other in differing)]


def _leaves(content: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(content, dict) and content:
        for name, value in content.items():
            yield from _leaves(value, f"{place}.{name}".removeprefix("."))
    else:
        yield place, json.dumps(content, ensure_ascii=False)
