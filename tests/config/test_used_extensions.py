"""What ``use:`` names can be written beside what is built in, and its source is in the ids of what is made with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import read_canonical, read_experiment
from pipeline.config.registry_lookup import definitions_of
from pipeline.definitions import canonical
from pipeline.errors import PipelineError
from pipeline.experiment.experiment import Experiment
from pipeline.plans import make_plan, read_plan, write_plan
from pipeline.problems.targets import Target

MINE = '''from dataclasses import dataclass
from typing import final
import numpy as np
from pipeline.problems.targets import Target

@final
@dataclass(frozen=True)
class {name}(Target):
    """A tent."""

    height: float = 1.0

    def __call__(self, inputs_PD):
        return self.height * np.maximum(1 - 2 * np.abs(inputs_PD[:, 0]), 0)
'''
QUESTION = """question: Which?
use: {use}
target: [sine, {{tent: {{height: 2}}}}]
models: linear
widths: 4
learning_rates: [0.1]
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(MINE.format(name="Tent") + f"# {tmp_path}\n")  # run anew in each test
    return path


@pytest.fixture
def question(tmp_path: Path, mine: Path) -> Path:
    path = tmp_path / "question.yaml"
    path.write_text(QUESTION.format(use="[mine.py]"))
    return path


def ids_by_target(experiment: Experiment) -> dict[str, str]:
    return {trial.shape.problem.label(): trial.id for trial in experiment.trials()}


def test_a_definition_of_ones_own_is_written_like_any_other_and_only_where_it_is_used(question: Path) -> None:
    experiment = read_experiment(question)
    assert list(ids_by_target(experiment)) == ["sine", "tent(height=2.0)"]
    assert "tent" not in definitions_of(Target)
    with pytest.raises(PipelineError, match="unknown target 'tent'"):
        read_canonical("tent", Target, "here")


def test_a_single_file_needs_no_brackets_and_may_be_set_on_the_command_line(
    question: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_experiment(question)
    question.write_text(QUESTION.format(use="mine.py"))
    assert read_experiment(question) == whole
    question.write_text(QUESTION.format(use=""))
    monkeypatch.chdir(question.parent)
    assert read_experiment(question, ["use=mine.py"]) == whole


def test_the_source_is_in_the_ids_of_its_trials_and_of_no_others(question: Path, mine: Path) -> None:
    before = read_experiment(question)
    mine.write_text(mine.read_text() + "# a remark\n")
    after = read_experiment(question)
    assert before.identity() != after.identity()
    (sine, tent), (same, other) = ids_by_target(before).values(), ids_by_target(after).values()
    assert sine == same
    assert tent != other


def test_what_is_used_of_nothing_changes_no_id(question: Path, tmp_path: Path) -> None:
    alone = question.with_name("alone.yaml")
    alone.write_text(QUESTION.format(use="").replace(", {tent: {height: 2}}", ""))
    used = question.with_name("used.yaml")
    used.write_text(QUESTION.format(use="mine.py").replace(", {tent: {height: 2}}", ""))
    assert read_experiment(alone).identity() == read_experiment(used).identity()
    assert "use" not in canonical(read_experiment(alone))
    assert canonical(read_experiment(used))["use"][0]["name"] == "mine.py"


def test_a_plan_is_read_with_the_copy_of_the_run_whatever_became_of_the_file(
    question: Path, mine: Path, tmp_path: Path
) -> None:
    plan, run = make_plan("question", read_experiment(question)), tmp_path / "run"
    write_plan(plan, run)
    kept = mine.read_bytes()
    mine.write_text("raise SystemExit('the old one is wanted')\n")
    assert (run / "definitions" / "mine.py").read_bytes() == kept
    again = read_plan(run)
    assert again.experiment == plan.experiment
    assert list(again.trials) == list(plan.trials)


def test_a_copy_that_was_changed_is_refused(question: Path, mine: Path, tmp_path: Path) -> None:
    mine.write_text(mine.read_text() + "# never loaded again\n")
    run = tmp_path / "run"
    write_plan(make_plan("question", read_experiment(question)), run)
    from pipeline.extensions import loading

    loading._loaded.clear()  # as in another process
    copy = run / "definitions" / "mine.py"
    copy.write_text("evil = True\n")
    message = f"{copy}: is another file than the one it was planned with (sha256 "
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}"):
        read_plan(run)


@pytest.mark.parametrize(
    ("name", "what"),
    [("Sine", "the target 'sine' is built in already"), ("Tent", "the target 'tent' is defined at {mine}:6 already")],
)
def test_a_name_that_is_taken_is_refused_with_its_line(question: Path, mine: Path, name: str, what: str) -> None:
    other = question.with_name("other.py")
    other.write_text(MINE.format(name=name) + "\n# another file\n")
    question.write_text(QUESTION.format(use="[mine.py, other.py]"))
    message = f"{other}:6: {what.format(mine=mine)}\n  hint: give the class another name"
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}$"):
        read_experiment(question)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("[[mine.py]]", ":2: use.0 must be a Python file or the name of an entry point, not a list"),
        ("[mine]", ":2: no installed package has definitions called 'mine'"),
        ("[{file: mine.py}]", ":2: unknown key 'file' in use.0"),
    ],
)
def test_what_names_no_extension_is_refused_at_its_line(question: Path, use: str, message: str) -> None:
    question.write_text(QUESTION.format(use=use))
    with pytest.raises(PipelineError, match=f"^{re.escape(f'{question}{message}')}"):
        read_experiment(question)


def test_a_solver_of_ones_own_is_refused_for_no_engine_has_its_iterations(question: Path, mine: Path) -> None:
    solver = "from pipeline.optimizers.rules import Optimizer\n\n@final\n@dataclass(frozen=True)\n"
    mine.write_text(f"{mine.read_text()}{solver}class Newton(Optimizer):\n    pass\n")
    with pytest.raises(PipelineError, match="class Newton is a solver, whose iterations no engine has"):
        read_experiment(question)


@pytest.mark.parametrize(
    ("annotation", "what"),
    [
        ("object", "field height has the type object, which no file can say"),
        ("list[float]", "field height has the type list[float], which no file can say"),
        ("tuple[float, list]", "field height has the type tuple[float, list], which no file can say"),
        ("'Nowhere'", "the types of its fields cannot be read: NameError: name 'Nowhere' is not defined"),
    ],
)
def test_a_field_that_no_file_can_say_is_refused_at_its_class(
    question: Path, mine: Path, annotation: str, what: str
) -> None:
    mine.write_text(mine.read_text().replace("height: float", f"height: {annotation}"))
    with pytest.raises(PipelineError, match=f"^{re.escape(f'{mine}:6: {what}')}\n"):
        read_experiment(question)


def test_a_file_that_is_not_there_is_told_by_its_path(question: Path, refused: Callable) -> None:
    question.write_text(QUESTION.format(use="mime.py"))
    hint = "did you mean 'mine.py'? known: mine.py"
    with refused(question.parent / "mime.py", None, "there is no such file", hint):
        read_experiment(question)


def test_only_an_experiment_uses_extensions(question: Path) -> None:
    from pipeline.config import read_file
    from pipeline.experiment.axes import LogSpaced

    question.write_text("use: mime.py\n")
    with pytest.raises(PipelineError, match="unknown key 'use'"):
        read_file(question, LogSpaced)
