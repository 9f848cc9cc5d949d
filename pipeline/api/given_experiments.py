"""Experiments as Python is given them: a YAML file, a dictionary or an ``Experiment``, with settings changed."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pipeline.config import YamlDocument, find_config, read_document
from pipeline.config.from_json import from_json
from pipeline.config.nodes import Source
from pipeline.config.overrides import set_values
from pipeline.definitions import canonical
from pipeline.errors import PipelineError, brief
from pipeline.experiment.experiment import Experiment
from pipeline.plans import Plan, make_plan

Given: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any] | Experiment"
"""What an experiment may be given as."""
UNNAMED = "experiment"
"""Name of what has no file."""


def plan(experiment: Given, *, name: str | None = None, **settings: Any) -> Plan:
    """Lay out the trials of an experiment in packs; nothing is trained or written.

    >>> xor = {"question": "Is two enough?", "target": "xor", "models": ["shallow"], "widths": [1, 2]}
    >>> plan(xor, learning_rates=[0.1, 1.0], seeds=5).num_trials
    20

    Args:
        experiment: Path of a YAML file or its name in ``configs/``, as of ``xor``; a dictionary of the same keys; or an
            ``Experiment``.
        name: Name of the configuration, with which the folder of its run begins; by default that of the file.
        settings: Keys of the experiment with their new values, as of YAML or as definitions:
            ``seeds=5``, ``optimizer="adam"``, ``models=[Shallow(Tanh())]``, ``**{"inputs.noise": 0.1}``. Arrays and
            ranges are lists.

    Returns:
        The plan: ``trials`` by id, ``packs``, ``num_trials``, ``trial_steps``.

    Raises:
        PipelineError: If the file cannot be read, or something impossible is asked for; it says where, and a hint.
    """
    if name and Path(name).name != name:
        raise PipelineError(f"{name!r} is no name of a folder", where="name", hint="say the folder with out=")
    planned = make_plan(name or name_of(experiment), experiment_of(experiment, settings))
    for warning in planned.experiment.warnings():
        warnings.warn(warning, stacklevel=2)
    return planned


def name_of(given: Given) -> str:
    """The name of a file without its ending; of what has no file ``experiment``."""
    return Path(given).stem if isinstance(given, str | os.PathLike) else UNNAMED


def experiment_of(given: Given, settings: Mapping[str, Any]) -> Experiment:
    """Construct an experiment.

    Args:
        given: A file, a dictionary, or the experiment itself.
        settings: Values by their places, such as ``seeds`` or ``inputs.noise``.

    Returns:
        The experiment, its defaults filled in.

    Raises:
        PipelineError: If it asks for something impossible.
    """
    if isinstance(given, Experiment) and not settings:
        return given
    document = _document(given)
    changed = set_values(document.root, {place: plain(value, place) for place, value in settings.items()})
    return dataclasses.replace(document, root=changed).experiment()


def _document(given: object) -> YamlDocument:
    if isinstance(given, str | os.PathLike):
        return read_document(find_config(Path(given)))
    if not isinstance(given, Mapping | Experiment):
        hint = "give the path of a YAML file, its name, a dictionary of the same keys, or an Experiment"
        raise PipelineError(f"{brief(repr(given))} is no experiment", where=UNNAMED, hint=hint)
    return YamlDocument(Path(UNNAMED), from_json(plain(given, UNNAMED), Source(UNNAMED, Path.cwd(), has_lines=False)))


def plain(value: Any, place: str) -> Any:
    """A value of Python as plain JSON types.

    Args:
        value: What YAML can say, definitions, paths, ranges, and arrays of NumPy, PyTorch or polars.
        place: Where it is written, for complaints.

    Returns:
        Dictionaries, lists, strings, numbers, truth values and ``None``.

    Raises:
        PipelineError: If it holds something else.
    """
    for listing in ("tolist", "to_list"):
        if hasattr(value, listing):
            value = getattr(value, listing)()
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(item, place) for item in value]
    try:
        return canonical(value)
    except TypeError:
        hint = "give what a YAML file can say, or a definition such as Shallow()"
        raise PipelineError(f"{value!r} cannot be written in an experiment", where=place, hint=hint) from None
