"""Checkpoints are written atomically: whole or not at all, beside the file that they replace."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from pipeline.records.atomic_writes import replacing


class UnbufferedWriter:
    """Writes to a file, and keeps the error that PyTorch replaces by its own.

    Args:
        file: Opened without a buffer, so that what does not fit is an error here and not when the file is closed.
    """

    def __init__(self, file: io.FileIO) -> None:
        self.file = file
        self.error: OSError | None = None

    def write(self, content: Any) -> int:
        """Write all bytes of a buffer.

        Args:
            content: ``bytes``, or another object with the buffer protocol.

        Returns:
            How many.

        Raises:
            OSError: If the file cannot be written, as on a full disk; it is kept in ``error``.
        """
        left = memoryview(content)
        try:
            while left:
                left = left[self.file.write(left) :]
        except OSError as error:
            self.error = error
            raise
        return len(content)

    def flush(self) -> None:
        """Do nothing: there is no buffer."""


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint to a temporary file in the folder of its place, then renames it.

    Lightning's own writer goes through the machine's temporary folder, which on a compute
    node is small, and leaves the file there when it does not fit. A full disk is an
    ``OSError`` here; the writer of PyTorch makes a ``RuntimeError`` of it, which looks like
    a failure of the pack.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        with replacing(Path(path)) as part, part.open("wb", buffering=0) as file:
            writer = UnbufferedWriter(file)
            try:
                torch.save(checkpoint, writer)  # type: ignore[arg-type]  # all that it needs of a file
            except RuntimeError:
                if writer.error is not None:
                    raise writer.error from None
                raise
