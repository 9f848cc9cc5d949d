"""Mistyped command lines: a verb or an option that there is none of, and a field that stands without ``--set``."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.errors import PipelineError, nearest

OPTION = re.compile(r"--?[A-Za-z][^\s=]*")
FIELD = re.compile(r"([A-Za-z_][\w.]*)=(.*)", re.DOTALL)


def refuse_mistyped(
    words: Sequence[str], whole: argparse.ArgumentParser, verbs: Mapping[str, argparse.ArgumentParser]
) -> None:
    """Refuse a verb or an option that there is none of, which argparse would list all others for, or call missing.

    Args:
        words: Of the command line.
        whole: The parser of all of it.
        verbs: The parser of each verb.

    Raises:
        PipelineError: With what was probably meant.
    """
    verb, parser = "", whole
    if words and not words[0].startswith("-"):
        verb = words[0]
        if verb not in verbs:
            raise PipelineError(f"there is no verb {verb!r}", where=whole.prog, hint=nearest(verb, verbs))
        parser = verbs[verb]
    usage = re.sub(r"\x1b\[[0-9;]*m", "", parser.format_usage())
    known = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", usage)) | {"--help"}
    with_value = set(re.findall(r"(--[a-z-]+)\s+[A-Z{[]", usage))
    before = ""
    for word in words[len(verb) > 0 :]:
        if word == "--":
            return
        _check_option(word, known, parser.prog)
        if before not in with_value and "--set" in known:
            _check_field(word, parser.prog)
        before = word


def _check_option(word: str, known: set[str], where: str) -> None:
    """Refuse an option that is none, nor the beginning of one."""
    name = word.partition("=")[0]
    if OPTION.fullmatch(name) and not any(option.startswith(name) for option in known):
        listed = [option for option in known if option.startswith("--")]
        raise PipelineError(f"there is no option {name!r}", where=where, hint=nearest(name, listed))


def _check_field(word: str, where: str) -> None:
    """Refuse a field with its value in the place of a file."""
    from pipeline.config.nodes import as_list

    if (found := FIELD.fullmatch(word)) and not Path(word).exists():
        meant = shlex.quote(f"{found[1]}={as_list(found[2]) or found[2]}")
        raise PipelineError(
            f"{word!r} is neither an option nor a file", where=where, hint=f"did you mean --set {meant}?"
        )
