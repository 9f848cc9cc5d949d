"""Failures of packs: the reason in the outcomes, the traceback in the log of the pack."""

from __future__ import annotations

import errno
import platform
import traceback
from datetime import datetime
from pathlib import Path

import torch

from pipeline.experiment.packing import Pack
from pipeline.extensions.places import place_in, place_of, used_in
from pipeline.records.atomic_writes import replacing
from pipeline.records.outcome_provenance import OutcomeProvenance
from pipeline.records.store import write_outcomes
from pipeline.training.outcomes import failed_outcomes

OUT_OF_MEMORY = "out of memory: "
"""How the reason of a pack begins that a smaller pack or a larger machine may train."""

OUT_OF_MEMORY_MESSAGES = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
"""Messages of plain ``RuntimeError``s that PyTorch raises where memory ends."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of the processor or of the GPU did not suffice."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(message in str(error) for message in OUT_OF_MEMORY_MESSAGES)


def failure_reason(error: BaseException) -> str:
    """The reason that stands in the outcomes: type and first line of an error, and whether it was memory.

    An error in the code of an extension has the file and line of that in front, one on what its class gave the class.

    Args:
        error: As it was caught, with its traceback.

    Returns:
        One line.
    """
    first_line = " ".join(f"{type(error).__name__}: {error}".splitlines()[:1])
    if is_out_of_memory(error):
        return f"{OUT_OF_MEMORY}{first_line}"
    if place := place_in(error):
        return f"{place}: {first_line}"
    used = used_in(error)
    return f"{place_of(used.definition)}: class {used.definition.__name__}: {first_line}" if used else first_line


def write_failure(run: Path, pack: Pack, error: BaseException, provenance: OutcomeProvenance) -> None:
    """Write the outcomes of a pack that failed, and append the traceback to its log.

    Args:
        run: Folder of the run.
        pack: The pack.
        error: What stopped it.
        provenance: The job that trained it.
    """
    path = failure_log(run, pack)
    path.parent.mkdir(parents=True, exist_ok=True)
    earlier = path.read_text(errors="replace") if path.exists() else ""
    with replacing(path) as part:
        part.write_text(earlier + attempt_heading(provenance) + "".join(traceback.format_exception(error)))
    write_outcomes(run, pack.id, failed_outcomes(pack, failure_reason(error), provenance))


def forget_failures(run: Path, pack: Pack) -> None:
    """Remove the log of a pack that has succeeded."""
    failure_log(run, pack).unlink(missing_ok=True)


def failure_log(run: Path, pack: Pack) -> Path:
    """Path of the log of a pack, which is there only if it failed."""
    return run / "logs" / f"{pack.id}.log"


def attempt_heading(provenance: OutcomeProvenance) -> str:
    """The line above one attempt in a log: when, where, and in which job."""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    job = f", job {provenance.job}, attempt {provenance.attempt}" if provenance.job else ""
    return f"--- {now}, {platform.node()}{job}\n"
