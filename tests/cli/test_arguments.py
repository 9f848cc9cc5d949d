"""Every verb comes with the dataclass of its options, and each field is one of its arguments."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pipeline import __version__
from pipeline.cli.arguments import parse, parser
from pipeline.cli.options import Overrides
from pipeline.cli.submitting import SubmitOptions

VERBS = next(action for action in parser()._actions if action.choices).choices


@pytest.mark.parametrize("name", VERBS)
def test_fields_of_the_options_are_the_arguments_of_the_verb(name: str) -> None:
    verb = VERBS[name]
    arguments = {action.dest for action in verb._actions} - {"help"}
    assert {field.name for field in dataclasses.fields(verb.get_default("options"))} == arguments


def test_a_command_line_is_a_verb_bound_to_its_options() -> None:
    verb = parse(["submit", "xor.yaml", "--cluster", "soc", "--set", "steps=3", "--chain", "2"])
    assert verb.args == (  # type: ignore[attr-defined]
        SubmitOptions(Path("xor.yaml"), Overrides(("steps=3",)), "soc", None, False, False, 2),
    )


def test_version_says_the_commit_where_there_is_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for code, known in (("", ""), ("1a2b", ", commit 1a2b"), ("1a2b+99", ", commit 1a2b and changes since")):
        monkeypatch.setattr("pipeline.provenance.code_version", lambda code=code: code)
        with pytest.raises(SystemExit, match="0"):
            parse(["--version"])
        assert capsys.readouterr().out == f"pipeline {__version__}{known}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["submit", "x.yaml", "--cluster", "soc", "--chain", "many"], "'many' is not an integer of at least 0"),
        (["results", "--top", "-1"], "'-1' is not an integer of at least 0"),
        (["sync", "--watch", "0"], "'0' is not a number of seconds above 0"),
        (["run", "x.yaml", "--out", ""], "the folder has no name"),
    ],
)
def test_an_argument_that_cannot_be_is_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(words)
    assert message in capsys.readouterr().err


def test_help_of_every_verb_fits_a_terminal_but_for_its_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    (verbs,) = (action.choices for action in parser()._actions if action.choices)
    for name, verb in verbs.items():
        told, _, _ = verb.format_help().partition("Example:")
        assert max(map(len, told.splitlines())) <= 80, name
