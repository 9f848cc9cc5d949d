"""Trust: a run that somebody else has sent holds their program, and to read it is no order to run that.

What a person names is theirs to run: the file under ``use:`` of an experiment that they plan, or one that they check.
Its digest is kept. A copy in the folder of a run is run only if its digest is known so, or in a job of that run.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.extensions.extension import Extension
from pipeline.extensions.places import shown
from pipeline.home import cache_folder

JOB_OF = "PIPELINE_JOB_OF"
"""Environment variable in a job: the folder of its run, whose copies it is there to run, whatever home it has."""

_trusted: set[str] = set()
"""Digests of what a person has named in this process: that is enough where no home keeps them."""


def trust(extension: Extension) -> None:
    """Remember that a person has named a file.

    Args:
        extension: The file, as it is now.
    """
    _trusted.add(extension.sha256)
    mark = _mark(extension)
    with suppress(OSError):  # a home that is full or missing: the next process asks again
        if not mark.exists():
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()


def check_trusted(extension: Extension, copy: Path) -> None:
    """Refuse to run a copy that nobody has named here.

    Args:
        extension: As the plan has it, which is what the copy holds.
        copy: In the folder of a run.

    Raises:
        PipelineError: If this user has never named a file of this content, and this is no job of the run.
    """
    if extension.sha256 in _trusted or _is_own_job(copy) or _is_marked(extension):
        return
    what = f"is a program that came with the run ({extension.sha256[:10]}); this user has never named such a file"
    hint = f"read it; python -m pipeline check {shown(copy)} then runs it, and from then on it is trusted"
    raise PipelineError(what, where=shown(copy), hint=hint)


def allow_copies_of(run: Path) -> None:
    """Let this process, and those that it starts, run the copies that a run keeps: it is a job of that run.

    Args:
        run: Its folder.
    """
    os.environ[JOB_OF] = str(run.resolve())


def _is_own_job(copy: Path) -> bool:
    run = os.environ.get(JOB_OF)
    return bool(run) and copy.resolve().is_relative_to(Path(str(run)).resolve())


def _is_marked(extension: Extension) -> bool:
    """Whether this user has kept the digest: among temporary files, where there is no home, others may write, too."""
    try:
        return _mark(extension).stat().st_uid == os.getuid()
    except OSError:
        return False


def _mark(extension: Extension) -> Path:
    return cache_folder() / "trusted" / extension.sha256
