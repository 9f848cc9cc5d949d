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
    usage = Usage(parser)
    before = ""
    for word in words[len(verb) > 0 :]:
        if word == "--":
            return
        _check_option(word, usage, verbs)
        if before in usage.choices and not word.startswith("-") and word not in usage.choices[before]:
            what = f"{before} cannot be {word!r}"
            raise PipelineError(what, where=usage.prog, hint=nearest(word, usage.choices[before]))
        if before not in usage.with_value and "--set" in usage.options:
            _check_field(word, usage.prog)
        before = word


class Usage:
    """The options of a parser, as its usage shows them.

    Args:
        parser: Of all, or of a verb.
    """

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        text = re.sub(r"\x1b\[[0-9;]*m", "", parser.format_usage())  # coloured since Python 3.14
        self.prog = parser.prog
        self.options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text)) | {"--help"}
        self.with_value = set(re.findall(r"(--[a-z-]+)\s+[A-Z{[]", text))
        self.choices = {name: listed.split(",") for name, listed in re.findall(r"(--[a-z-]+)\s+{([^}]+)}", text)}


def _check_option(word: str, usage: Usage, verbs: Mapping[str, argparse.ArgumentParser]) -> None:
    """Refuse an option that is none, nor the beginning of one."""
    name = word.partition("=")[0]
    if not OPTION.fullmatch(name) or any(option.startswith(name) for option in usage.options):
        return
    hint = nearest(name, (option for option in usage.options if option.startswith("--")))
    if having := sorted(verb for verb, parser in verbs.items() if name in Usage(parser).options):
        hint = f"only these have it: {', '.join(having)}"
    raise PipelineError(f"there is no option {name!r}", where=usage.prog, hint=hint)


def _check_field(word: str, where: str) -> None:
    """Refuse a field with its value in the place of a file."""
    if (found := FIELD.fullmatch(word)) and not Path(word).exists():
        from pipeline.config.nodes import as_list  # which loads the reader of YAML

        meant = shlex.quote(f"{found[1]}={as_list(found[2]) or found[2]}")
        raise PipelineError(
            f"{word!r} is neither an option nor a file", where=where, hint=f"did you mean --set {meant}?"
        )
