"""Lookup of clusters by name: finding the file of a profile, reading it, and checking the folder of a run there."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config import read_file
from pipeline.errors import FieldError, PipelineError, nearest
from pipeline.home import home_folder, searched_folders, user_name
from pipeline.launch.clusters.placeholders import fill
from pipeline.launch.clusters.profile import PLACED, Profile

NODE_LOCAL = ("/tmp", "/var/tmp", "/dev/shm", "/run")
"""Folders that each node has for itself."""


@dataclass(frozen=True)
class Cluster:
    """A cluster that jobs can be sent to.

    Args:
        name: What it is called.
        profile: All that is known of it, with placeholders filled in.
        overrides: What was changed of the profile with ``--set cluster.``.
    """

    name: str
    profile: Profile
    overrides: tuple[str, ...] = ()


def profiles() -> dict[str, Path]:
    """The profile of each cluster, by name; one in the working directory or of the user comes before the package's."""
    found = {}
    for folder in reversed(searched_folders("slurm")):
        found.update({path.stem: path for path in sorted(folder.glob("*.yaml"))})
    return dict(sorted(found.items()))


def read_profile(name: str, overrides: Sequence[str] = ()) -> Profile:
    """Read the profile of a cluster as it is written.

    Args:
        name: Of the cluster, or the path of a YAML file.
        overrides: Fields to change, as ``path=value``.

    Returns:
        The profile, its placeholders not filled in.

    Raises:
        PipelineError: If there is no such cluster, or its file is not a profile.
    """
    try:
        return read_file(_path(name), Profile, overrides)
    except PipelineError as error:
        where = error.where.replace("--set ", "--set cluster.", 1)  # as the person wrote it
        raise PipelineError(error.what, where=where, hint=error.hint) from None


def read_cluster(name: str, overrides: Sequence[str] = ()) -> Cluster:
    """Read the profile of a cluster with all that a job needs filled in.

    Args:
        name: Of the cluster, or the path of a YAML file.
        overrides: Fields to change, as ``path=value``.

    Returns:
        The cluster.

    Raises:
        PipelineError: If there is no such cluster, its file is not a profile, something is missing in it, or its folder
            is one that other nodes would not see.
    """
    profile = read_profile(name, overrides)
    try:
        cluster = Cluster(Path(name).stem, filled_in(profile, Path(name).stem), tuple(overrides))
    except FieldError as error:
        raise PipelineError(error.what, where=str(_path(name)), hint=error.hint) from None
    check_folder(cluster, Path(cluster.profile.folder))
    return cluster


def folder_of_runs(cluster: Cluster) -> Path:
    """Where the runs of a cluster are kept.

    Args:
        cluster: The cluster.

    Returns:
        The folder, with ``~`` expanded.

    Raises:
        PipelineError: If it is said from a home that there is none of.
    """
    try:
        return Path(cluster.profile.folder).expanduser()
    except RuntimeError:
        what = f"there is no home for {cluster.profile.folder!r}"
        hint = f"export HOME=..., or --set cluster.folder=...; user {os.getuid()} has none on this machine"
        raise PipelineError(what, where=cluster.name, hint=hint) from None


def check_name(cluster: Cluster, run: Path) -> None:
    """Refuse a run folder in which a scheduler or submitit would look for, and write, something else.

    Args:
        cluster: Where the run is to be.
        run: Its folder.

    Raises:
        PipelineError: Naming what cannot be in its path.
    """
    path = str(run.resolve())
    wrong = [name for name, there in _misread(path, cluster.profile.scheduler).items() if there]
    if wrong:
        hint = "take a folder without, by --out or --set cluster.folder=..."
        what = f"jobs cannot run in a folder with {' and '.join(wrong)} in its path"
        raise PipelineError(what, where=path if path.isprintable() else repr(path), hint=hint)


def _misread(path: str, scheduler: str) -> dict[str, bool]:
    """Find parts of a path that are misread: submitit fills in ``%j``, and after a backslash SLURM fills in nothing."""
    return {
        "%": "%" in path,
        "a line break or another unprintable letter": not path.isprintable(),
        "a backslash": "\\" in path and scheduler in ("slurm", "pbs"),
        "a colon": ":" in path and scheduler == "pbs",  # qsub reads host:path
        "letters beyond ASCII": not path.isascii() and scheduler == "pbs",  # qsub of OpenPBS: isprint of each byte
    }


def check_folder(cluster: Cluster, run: Path) -> None:
    """Refuse a run folder that other nodes would not see.

    Args:
        cluster: Where the run is to be.
        run: Its folder.

    Raises:
        PipelineError: With a folder to take instead.
    """
    profile = cluster.profile
    if profile.one_machine:
        return
    usual = Path(profile.folder)
    hint = f"take a folder that all nodes see, such as {usual}"
    if _node_local(usual, profile):
        hint = "--set cluster.folder=... to one that all nodes see, in the home or on scratch"
    folder = _node_local(run, profile)
    if folder:
        raise PipelineError(f"{folder} is different on each node of {cluster.name}", where=str(run), hint=hint)


def _node_local(path: Path, profile: Profile) -> str:
    """The folder of one node only in which a path lies, or nothing."""
    local = [*NODE_LOCAL, *profile.node_local]
    return next((folder for folder in local if path.resolve().is_relative_to(Path(folder).resolve())), "")


def _path(name: str) -> Path:
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    known = profiles()
    if name not in known:
        raise PipelineError(f"unknown cluster {name!r}", hint=nearest(name, known))
    return known[name]


def filled_in(profile: Profile, name: str) -> Profile:
    """A profile with its placeholders replaced and all that a person has to give.

    Args:
        profile: As written.
        name: Of the cluster, for the message.

    Returns:
        The profile that jobs are sent with.

    Raises:
        FieldError: If something that the cluster needs is not given.
    """
    for field in profile.needed():
        if getattr(profile, field) in (None, "", ()):
            hint = f"--set cluster.{field}=... (or write it into the profile)"
            raise FieldError((field,), f"{name} needs a {field}", hint=hint)
    values: dict[str, str | None] = {
        "user": user_name(),
        "home": str(home) if (home := home_folder()) else None,
        "account": profile.account,
        "checkout": str(Path(__file__).parents[3]),
    }
    if profile.project is not None:
        values["project"] = fill(profile.project, "project", values, name)
    changes: dict[str, Any] = {}
    for field in PLACED:
        value = getattr(profile, field)
        if isinstance(value, tuple):
            changes[field] = tuple(fill(text, field, values, name) for text in value)
        elif value is not None:
            changes[field] = fill(value, field, values, name)
    return dataclasses.replace(profile, **changes)
