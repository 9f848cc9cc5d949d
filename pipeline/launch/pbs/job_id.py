"""Ids of PBS: ``1234.server`` of a job, ``1234[].server`` of an array, ``1234[7].server`` of a subjob."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pipeline.errors import PipelineError

Parts = tuple[str, str | None]


@dataclass(frozen=True)
class JobId:
    """The parts of an id: ``11[2].pbs01`` is number 11, index 2 and server pbs01; ``11[]`` has an empty index."""

    number: str
    index: str | None
    server: str

    def __str__(self) -> str:
        index = "" if self.index is None else f"[{self.index}]"
        return f"{self.number}{index}" + (f".{self.server}" if self.server else "")

    @property
    def array(self) -> JobId:
        """The id of the whole array that a subjob is of; of other jobs their own."""
        return self if self.index is None else replace(self, index="")

    @property
    def parts(self) -> Parts:
        """The parts that two spellings of one id share: the server's name may be left out or cut."""
        return self.number, self.index


def parse_id(text: str) -> JobId:
    """Parse an id of PBS: ``1234.server``, ``1234[].server`` or ``1234[7].server``.

    Args:
        text: The id; the server may be left out.

    Returns:
        Its parts.

    Raises:
        PipelineError: If it is none.
    """
    match = re.fullmatch(r"(\d+)(?:\[(\d*)\])?(?:\.(.+))?", text.strip())
    if match is None:
        raise PipelineError(f"{text!r} is no job of PBS", hint="ids look like 1234.server or 1234[7].server")
    return JobId(match[1], match[2], match[3] or "")
