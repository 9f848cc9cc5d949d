"""What is mistyped on a command line is told with what was meant, in one message."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.cli import main, parser
from pipeline.cli.arguments import parse


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("rnu xor", "python -m pipeline: there is no verb 'rnu'\n  hint: did you mean 'run'? known: "),
        ("STATUS", "python -m pipeline: there is no verb 'STATUS'\n  hint: did you mean 'status'? known: "),
        ("--vresion", "python -m pipeline: there is no option '--vresion'\n  hint: did you mean '--version'? "),
        (
            "submit x --clster soc",
            "python -m pipeline submit: there is no option '--clster'\n  hint: did you mean '--cl",
        ),
        (
            "results --Sort=loss",
            "python -m pipeline results: there is no option '--Sort'\n  hint: did you mean '--sort'",
        ),
        ("bench -quick", "python -m pipeline bench: there is no option '-quick'\n  hint: did you mean '--quick'? "),
        (
            "report --where x",
            "python -m pipeline report: there is no option '--where'\n  hint: only these have it: records",
        ),
        ("results --format CVS", "python -m pipeline results: --format cannot be 'CVS'\n  hint: did you mean 'csv'? "),
        ("plan x seeds=3", "python -m pipeline plan: 'seeds=3' is neither an option nor a file\n  hint: did you mean "),
        ("run x seeds=3", "--set seeds=3?"),
        ("run x seed=3", "--set seeds=3?"),
        ("run x seeds = 3", "--set seeds=3?"),
        ("run x --set seeds = 3", "--set seeds=3?"),
        ("run x widths=2,4", "--set 'widths=[2,4]'?"),
        ("run x --set steps=9 optimizer=adam,momentum", "--set 'optimizer=[adam,momentum]'?"),
        ("retry cluster.memory_gib=64", "--set cluster.memory_gib=64?"),
        ("run x widths=[2,4]", "--set 'widths=[2,4]'?"),
        ("run x --seeds 3", "--set seeds=3?"),
        ("plan x --learning-rates=0.1,1", "--set 'learning_rates=[0.1,1]'?"),
        ("run x --steps --fresh", "--set steps=VALUE?"),
        ("run x --set seeds 3", "--set seeds=3?"),
        ("run x --set seeds", "--set seeds=VALUE?"),
        ("help", "python -m pipeline: there is no verb 'help'\n  hint: did you mean python -m pipeline --help?"),
        (
            "help run",
            "python -m pipeline: there is no verb 'help'\n  hint: did you mean python -m pipeline run --help?",
        ),
        (
            "Version",
            "python -m pipeline: there is no verb 'Version'\n  hint: did you mean python -m pipeline --version?",
        ),
    ],
)
def test_what_was_meant_is_said(typed: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(typed.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message) if message.startswith("python") else err.endswith(f" hint: did you mean {message}\n")


@pytest.mark.parametrize(
    "typed",
    [
        ["plan", "a=b", "--set", "widths=[2,4]", "--clus", "soc", "--set=steps=3"],  # beginnings of options will do
        ["results", "--where", "a=b and -c < 1", "--select", "x=1", "--top", "3"],
        ["play", "--seed", "day=monday"],
        ["logs", "--", "4711_3"],
    ],
)
def test_what_is_right_is_left_to_the_verb(typed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a=b").touch()  # a file may be called so
    assert callable(parse(typed))


def test_who_types_nothing_is_shown_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main([])
    out, err = capsys.readouterr()
    assert (out, "Train experiments here" in err) == ("", True)


def test_every_option_of_every_verb_is_known_by_its_usage() -> None:
    verbs = next(action for action in parser()._actions if action.choices).choices
    assert verbs
    for name, verb in verbs.items():
        for option in (text for action in verb._actions for text in action.option_strings):
            with pytest.raises(SystemExit):  # argparse has help or a complaint, this module none
                main([name, option, "--help"])
