"""Every exception raised on purpose, and how its message is worded.

A message has three parts: ``where: what`` on the first line, then ``hint:`` with
the nearest right name or the thing to do. Lower case, the offending value by ``repr``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class PipelineError(Exception):
    """A mistake that the person at the keyboard can mend; shown without a traceback.

    Args:
        what: What is wrong, in lower case, naming the offending value.
        hint: What to do about it.
        where: A file and line, a command-line option, or a row and column.
    """

    def __init__(self, what: str, *, hint: str = "", where: str = "") -> None:
        self.what, self.hint, self.where = what, hint, where
        first = f"{where}: {what}" if where else what
        super().__init__(f"{first}\n  hint: {hint}" if hint else first)


class FieldError(PipelineError):
    """An impossible value of one field, raised by the dataclass that owns the field.

    The class that owns a field knows what is impossible but not where it was written;
    the configuration reader turns ``path`` into a file and a line.

    Args:
        path: Field names and list positions from the outermost object inwards.
        what: What is wrong.
        hint: What to do about it.
    """

    def __init__(self, path: tuple[str | int, ...], what: str, *, hint: str = "") -> None:
        super().__init__(what, hint=hint, where=".".join(str(part) for part in path))
        self.path = path


class ArgumentError(PipelineError):
    """An impossible value of one argument, which Python calls by its name and the command line by the option of it.

    Args:
        name: Of the argument, such as ``where``.
        what: What is wrong.
        hint: What to do about it.
    """

    def __init__(self, name: str, what: str, *, hint: str = "") -> None:
        super().__init__(what, hint=hint, where=name)
        self.name = name

    def of_option(self) -> PipelineError:
        """The same as the command line says it."""
        return PipelineError(self.what, hint=self.hint, where=f"--{self.name}")


ENOTSUPP = 524
"""What Linux says to itself of what a file system cannot do; Cray DVS and autofs let programs see it."""

KERNEL_WORDS = {
    521: "the server does not know the file any more",
    ENOTSUPP: "not supported by the file system",
    526: "the server of the file system has failed",
    528: "the server of the file system is busy",
}
"""Numbers that are Linux's own, for which the C library has no words."""


def reason_of(error: OSError) -> str:
    """The system's reason for an error, in its words, or in ours where the C library has none.

    Args:
        error: As Python raised it; of a Linux-internal number glibc says "Unknown error 524".

    Returns:
        Words for a complaint; of Linux's own numbers with the number.
    """
    words = error.strerror or str(error)
    number = error.errno or 0
    if number in KERNEL_WORDS or words.startswith("Unknown error"):
        words = f"{KERNEL_WORDS.get(number, 'the system has no words for it')} (error {number})"
    return words


MOST_NAMES = 64
"""Names that a hint lists; of more it shows the nearest."""

NEAREST_NAMES = 5

OTHER_NAMES = {"gpu": "cuda", "sgd": "gradient_descent", "lr": "learning_rates", "mse": "half_mean_square"}
"""What others call things that have another name here, which no spelling is near to."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that lists the known names and asks whether the nearest was meant.

    Nearest by the similarity of Ratcliff and Obershelp, as ``difflib`` computes it, with its usual cutoff of 0.6; small
    and capital letters are alike.

    Args:
        name: What was written.
        known: The names; of more than 64 only the nearest few are listed.

    Returns:
        The hint, for ``PipelineError``.
    """
    names = sorted(known)
    few = len(names) <= MOST_NAMES
    spelled = {known.lower(): known for known in names} | {known: known for known in names}
    near = difflib.get_close_matches(name.lower(), spelled, n=2 * NEAREST_NAMES, cutoff=0.6)
    others = [other for other in (OTHER_NAMES.get(name.lower()),) if other in names]
    close = list(dict.fromkeys(others + [spelled[found] for found in near]))[: 1 if few else NEAREST_NAMES]
    if few:
        listed = f"known: {', '.join(map(brief, names))}"
    else:
        listed = f"{len(names)} are known, such as {', '.join(map(brief, close[1:] or names[:NEAREST_NAMES]))}"
    return f"did you mean {brief(close[0])!r}? {listed}" if close else listed


def brief(text: str, most: int = 60) -> str:
    """A text for a complaint, the middle left out if it is longer than ``most`` characters."""
    return text if len(text) <= most else f"{text[: most // 2]}...{text[-(most // 2) + 3 :]}"


OF_ONE = {"are": "is", "were": "was", "have": "has"}
"""Verbs of several things, and what they are of one."""


def number_of(number: int, noun: str, verb: str = "", *, whole: int | None = None) -> str:
    """A number of things, such as ``1 trial``, ``2 trials``, ``1 trial is`` or ``1 of 3 trials is``.

    Args:
        number: How many.
        noun: In the singular; its plural ends in s.
        verb: What they do in the plural, one of ``OF_ONE``; empty: nothing is said of that.
        whole: Of how many; none: nothing is said of that.

    Returns:
        All of it in words.
    """
    nouns = noun if (number if whole is None else whole) == 1 else f"{noun}s"
    counted = f"{number} {nouns}" if whole is None else f"{number} of {whole} {nouns}"
    return f"{counted} {OF_ONE[verb] if number == 1 else verb}" if verb else counted


def enumerated(names: Sequence[str], most: int = 5) -> str:
    """The first names of a list, and how many more there are.

    Args:
        names: The names.
        most: How many are named.

    Returns:
        The names, with commas in between.
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(brief(name) for name in names[:most]) + more
