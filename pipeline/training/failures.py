"""What is left behind by a pack that failed: a line in its outcomes, the whole story in its log."""

from __future__ import annotations

import errno
import platform
import traceback
from datetime import datetime
from pathlib import Path

import torch

from pipeline.experiment.packing import Pack
from pipeline.records.atomic_writes import replacing
from pipeline.records.outcome_provenance import OutcomeProvenance
from pipeline.records.store import write_outcomes
from pipeline.training.fit import failed_outcomes

OUT_OF_MEMORY = "out of memory: "
"""How the reason of a pack begins that a smaller pack or a larger machine may train."""

SAID_OF_MEMORY = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
"""What PyTorch says when memory ends and it raises a plain ``RuntimeError``."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of the processor or of the GPU did not suffice."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error) for said in SAID_OF_MEMORY)


def reason(error: BaseException) -> str:
    """An error in one line."""
    said = " ".join(f"{type(error).__name__}: {error}".splitlines()[:1])
    return f"{OUT_OF_MEMORY}{said}" if is_out_of_memory(error) else said


def write_failure(run: Path, pack: Pack, error: BaseException, provenance: OutcomeProvenance) -> None:
    """Record why a pack failed: one line in its outcomes; in its log the traceback, after those of earlier attempts."""
    path = log_of(run, pack)
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(errors="replace") if path.exists() else ""
    with replacing(path) as part:
        part.write_text(before + heading(provenance) + "".join(traceback.format_exception(error)))
    write_outcomes(run, pack.id, failed_outcomes(pack, reason(error), provenance))


def forget_failures(run: Path, pack: Pack) -> None:
    """Remove the log of a pack that has succeeded."""
    log_of(run, pack).unlink(missing_ok=True)


def log_of(run: Path, pack: Pack) -> Path:
    """Where the failures of a pack are told."""
    return run / "logs" / f"{pack.id}.log"


def heading(provenance: OutcomeProvenance) -> str:
    """The line above one attempt in a log: when, where, and in which job."""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    job = f", job {provenance.job}, attempt {provenance.attempt}" if provenance.job else ""
    return f"--- {now}, {platform.node()}{job}\n"
