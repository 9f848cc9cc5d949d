"""Subprocess wrapper for every command of a scheduler: a time limit, and one wording for what fails.

It runs in an environment in which nothing that a person has set for their own use changes what
it says: ``SQUEUE_STATES=RUNNING`` would hide what waits, and ``SCANCEL_STATE`` spare it. What
says *which* cluster is asked stays: ``SLURM_CONF`` and ``SLURM_CLUSTERS``, and what stands for
lines of ``pbs.conf``, such as ``PBS_SERVER``.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence

from pipeline.errors import PipelineError

Settings = Mapping[str, str | None]
"""Variables for a command; one without a value is taken away."""

SECONDS_TO_ANSWER = 60.0
"""How long a command may take."""
NO_ANSWER = "the scheduler may be down, and nothing was concluded from its silence; try again later"


class SilenceError(PipelineError):
    """A scheduler that does not answer: what it was asked to do, it may have done."""


HABITS = re.compile(
    r"(SQUEUE|SINFO|SACCT|SACCTMGR|SCANCEL|SCONTROL|SPRIO|SSHARE)_\w+"  # their man pages of SLURM 22.05 and 24.11
    r"|SLURM_(TIME_FORMAT|BITSTR_LEN|TOPO_LEN|DEBUG_FLAGS|EXIT_ERROR|CONF_OUT)"
    r"|PBS_DPREFIX"  # of qsub: what marks an option in a script
    r"|PS_(FORMAT|PERSONALITY)|CMD_ENV|I_WANT_A_BROKEN_PS"  # of procps
)
"""Variables that stand for an option of a command, or for how it prints."""


NO_HABITS = {"QSTATRCHOME": os.devnull}
"""In its stead there would be ``~/.qstatrc``, with which a qstat that has Tcl prints what a person likes to see."""


def environment(settings: Settings) -> dict[str, str]:
    """The variables of this process without those that change what a scheduler's command says or does.

    Args:
        settings: Variables that have another value, or none.

    Returns:
        The variables of a command, by name.
    """
    own = {name: value for name, value in os.environ.items() if not HABITS.fullmatch(name)} | NO_HABITS
    return {name: value for name, value in {**own, **settings}.items() if value is not None}


def run(
    command: Sequence[str],
    *,
    settings: Settings | None = None,
    seconds: float | None = None,
    cluster: str = "the cluster",
    contact: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a command of a scheduler to its end, whatever its exit status.

    Args:
        command: Its words.
        settings: Variables of the cluster, such as ``SLURM_CONF``.
        seconds: How long it may take; none: as long as any.
        cluster: Whose login node has it, for the message.
        contact: Who helps there, for the hint.

    Returns:
        What it printed, as text, and its exit status.

    Raises:
        PipelineError: If there is no such command, or it cannot be run.
        SilenceError: If it takes too long.
    """
    seconds = seconds or SECONDS_TO_ANSWER
    try:
        return subprocess.run(
            command,
            env=environment(settings or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        what = f"{command[0]} is not on PATH: this is not a login node of {cluster}"
        hint = f"log in there first{f' ({contact})' if contact else ''}, or take another --cluster"
    except OSError as error:
        what, hint = f"{command[0]} cannot be run: {error.strerror}", "look at its file, and at PATH"
    except subprocess.TimeoutExpired:
        what = f"{command[0]} has not answered for {seconds:g} s"
        raise SilenceError(what, hint=NO_ANSWER) from None
    raise PipelineError(what, hint=hint)


def answer(
    command: Sequence[str], scheduler: str, *, settings: Settings | None = None, cluster: str = "", sign: str = ""
) -> str:
    """Run a command of a scheduler that has to succeed.

    Args:
        command: Its words.
        scheduler: Name of the scheduler, for the message.
        settings: Variables of the cluster.
        cluster: Whose login node has it; empty: one of that scheduler.
        sign: Pattern without which what it says is no answer, whatever its exit status.

    Returns:
        What it printed on standard output.

    Raises:
        PipelineError: If it cannot be run, fails, or does not answer in time; with its own words.
    """
    done = run(command, settings=settings, cluster=cluster or f"a {scheduler} cluster")
    speaks = (done.stdout + done.stderr).strip()
    if done.returncode or (speaks and not re.search(sign, done.stdout, re.MULTILINE)):
        hint = "the scheduler may be down; try again later"
        raise PipelineError(f"{scheduler} could not be asked: {own_words(done)}", hint=hint)
    return done.stdout


def own_words(done: subprocess.CompletedProcess[str]) -> str:
    """The error message of a command that failed, in one line."""
    said = done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}"
    return " ".join(said.split())
