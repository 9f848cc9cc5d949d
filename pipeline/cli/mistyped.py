"""Mistyped command lines: a verb or an option that there is none of, and a field that stands without ``--set``."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
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
            raise PipelineError(f"there is no verb {verb!r}", where=whole.prog, hint=_verb_hint(words, whole, verbs))
        parser = verbs[verb]
    usage = Usage(parser)
    before = ""
    rest = words[len(verb) > 0 :]
    for number, word in enumerate(rest):
        if word == "--":
            return
        after = "".join(rest[number + 1 : number + 2])
        if after == "=":  # seeds = 3, with spaces
            _refuse_field(word, "".join(rest[number + 2 : number + 3]), usage)
        _check_option(word, after, usage, verbs)
        _check_value(before, word, after, usage)
        if before not in usage.with_value and "--set" in usage.options:
            _check_field(word, usage)
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


def _verb_hint(
    words: Sequence[str], whole: argparse.ArgumentParser, verbs: Mapping[str, argparse.ArgumentParser]
) -> str:
    """What was probably meant by a verb that there is none of; ``help`` and ``version`` are options."""
    option = f"--{words[0].lower()}"
    if option not in Usage(whole).options:
        return nearest(words[0], verbs)
    of = f" {words[1]}" if words[1:] and words[1] in verbs else ""
    return f"did you mean {whole.prog}{of} {option}?"


def _set_hint(name: str, after: str) -> str:
    """How a field is given its value, which may stand in the next word."""
    value = "VALUE" if not after or after.startswith("-") else after
    return f"did you mean --set {_assigned(name, value)}?"


def _assigned(name: str, value: str) -> str:
    """A field with its value, as a shell takes it."""
    from pipeline.config.nodes import as_list  # which loads the reader of YAML

    return shlex.quote(f"{name}={as_list(value) or value}")


def _check_option(word: str, after: str, usage: Usage, verbs: Mapping[str, argparse.ArgumentParser]) -> None:
    """Refuse an option that is none, nor the beginning of one; that of a field's name says how the field is changed."""
    name, _, value = word.partition("=")
    if not OPTION.fullmatch(name) or any(option.startswith(name) for option in usage.options):
        return
    hint = nearest(name, (option for option in usage.options if option.startswith("--")))
    if having := sorted(verb for verb, parser in verbs.items() if name in Usage(parser).options):
        hint = f"only these have it: {', '.join(having)}"
    elif "--set" in usage.options and (field := name.strip("-").replace("-", "_")) in _fields():
        hint = _set_hint(field, value or after)
    raise PipelineError(f"there is no option {name!r}", where=usage.prog, hint=hint)


def _check_value(option: str, word: str, after: str, usage: Usage) -> None:
    """Refuse a value that an option cannot have."""
    if word.startswith("-"):
        return
    if option == "--set" and option in usage.options and "=" not in word:
        raise PipelineError(f"{word!r} has no value", where=f"{usage.prog} --set", hint=_set_hint(word, after))
    if option in usage.choices and word not in usage.choices[option]:
        what = f"{option} cannot be {word!r}"
        raise PipelineError(what, where=usage.prog, hint=nearest(word, usage.choices[option]))


def _check_field(word: str, usage: Usage) -> None:
    """Refuse a field with its value in the place of a file."""
    if (found := FIELD.fullmatch(word)) and not Path(word).exists():
        _refuse_field(found[1], found[2], usage)


def _refuse_field(name: str, value: str, usage: Usage) -> None:
    """Say how a field is given its value; a field that there is none of is taken for the nearest one."""
    if "--set" not in usage.options:
        return
    near = difflib.get_close_matches(name, _fields(), n=1) if "." not in name else []
    meant = _assigned(near[0] if near else name, value or "VALUE")
    what = f"'{name}={value}' is neither an option nor a file"
    raise PipelineError(what, where=usage.prog, hint=f"did you mean --set {meant}?")


def _fields() -> set[str]:
    """Names of the fields of an experiment."""
    from pipeline.experiment.experiment import Experiment  # takes seconds

    return {field.name for field in dataclasses.fields(Experiment)}
