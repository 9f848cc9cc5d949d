"""The destination of an export on W&B, and whether it is online: allowed, with a key, and reachable."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from wandb_workspaces._graphql import get_app_url

from pipeline.experiment.wandb_tracking import NAMES, Tracking, is_name
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.reachability import clock_ahead_seconds, skew_in_words
from pipeline.tracking.retries import timeout_seconds
from pipeline.tracking.wandb_errors import RefusedError, UnreachableError

DEFAULT_PROJECT = "pipeline"
"""Project on W&B by default."""


@dataclass(frozen=True)
class Connectivity:
    """Whether W&B can be written to from here.

    Args:
        url: Of the server.
        offline_reason: Why not; empty if it is online.
        transient: Whether that may pass by itself, as a network that is down.
        warning: Of clock skew; empty if there is none.
    """

    url: str
    offline_reason: str = ""
    transient: bool = False
    warning: str = ""


def destination_of(tracking: Tracking, profile: Destination | None = None) -> Destination:
    """Entity and project: of the experiment, else of the cluster, else of the environment.

    Args:
        tracking: Of the experiment.
        profile: Of the cluster, empty where it names none.

    Returns:
        Entity and project.

    Raises:
        RefusedError: If what counts is no name on W&B.
    """
    said = profile or Destination("", "")
    entity = tracking.entity or _named("entity", said.entity) or ""
    project = tracking.project or _named("project", said.project) or DEFAULT_PROJECT
    return Destination(entity, project)


def _named(what: str, by_profile: str) -> str:
    """A project or an entity as the cluster's profile names it, else the environment."""
    variable = f"WANDB_{what.upper()}"
    name, where = (by_profile, f"cluster.wandb_{what}") if by_profile else (os.environ.get(variable, ""), variable)
    if name and not is_name(name):
        hint = f"--set tracking.{what}=... names another; {NAMES}"
        raise RefusedError(f"W&B has no {what} named {name!r}", where=where, hint=hint)
    return name


def connectivity(*, has_key: bool) -> Connectivity:
    """Whether W&B can be written to from here.

    Args:
        has_key: Whether there is an API key.

    Returns:
        Online, or the reason why not.

    Raises:
        TroubleError: If the server is there and does not answer.
        RefusedError: If its address is not one.
    """
    import wandb

    url, mode = base_url(), wandb.setup().settings.mode
    if mode not in ("online", "shared"):
        return Connectivity(url, f"W&B is told to be {mode} here (WANDB_MODE, or wandb offline)")
    if not has_key:
        return Connectivity(url, "there is no key for W&B here: wandb login, or WANDB_API_KEY")
    try:
        skew = clock_ahead_seconds(url, timeout_seconds())
    except UnreachableError as error:
        return Connectivity(url, str(error.where) + " " + error.what, transient=True)
    return Connectivity(url, warning=skew_in_words(skew))


def base_url() -> str:
    """Address of the server, from the environment or W&B's settings file."""
    import wandb

    return str(wandb.setup().settings.base_url)


def has_key() -> bool:
    """Whether there is an API key for the server, in the environment or in ``.netrc``; nobody is asked for one.

    Returns:
        True or false.

    Raises:
        RefusedError: If what is there is not a key.
    """
    os.environ["WANDB_SILENT"] = "true"  # what the client says would stand between our own words
    import wandb

    try:
        return bool(wandb.login(prompt=False, verify=False))
    except (wandb.Error, ValueError) as error:
        hint = "copy it again from the settings page of W&B"
        raise RefusedError(f"the key is not one: {error}", where="W&B", hint=hint) from None


def project_url(api: Any, entity: str, project: str) -> str:
    """The address of a project; that of a private server may have a path before it.

    Args:
        api: Of W&B's client.
        entity: Whose it is.
        project: Its name.

    Returns:
        The address.
    """
    return f"{get_app_url(api).rstrip('/')}/{quote(entity)}/{quote(project)}"
