"""A profile is changed only where there is a cluster."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import experiments, main
from pipeline.cli.experiments import announce, large_records, plan_of
from pipeline.cli.options import Overrides
from pipeline.config import read_document
from pipeline.errors import PipelineError
from pipeline.records.store import read_records
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan

XOR = Path(__file__).parents[2] / "configs" / "xor.yaml"
FEW = ("seeds=2", "steps=10")


def planned(*overrides: str) -> Any:
    return plan_of(read_document(XOR), Overrides((*FEW, *overrides)), on_cluster=False)


def test_a_profile_is_changed_only_where_there_is_a_cluster() -> None:
    with pytest.raises(PipelineError, match=r"^--set cluster\.queue=long: nothing is sent to a cluster here\n  hint: "):
        planned("cluster.queue=long")


@pytest.mark.parametrize(("change", "where"), [("", "wide.yaml:4"), ("widths=[2, 2e8]", "--set widths=[2, 2e8]")])
def test_a_width_that_no_pack_can_hold_is_refused_where_it_is_written(tmp_path: Path, change: str, where: str) -> None:
    path = tmp_path / "wide.yaml"
    path.write_text("question: Wide?\ntarget: sine\nmodels: [shallow]\nwidths: [2, 1e8]\nlearning_rates: [0.1]\n")
    overrides = Overrides((change,) if change else ())
    told = rf"{re.escape(where)}: one trial of shallow\(relu\) of width [12]00000000 takes .* GiB, more than 1\n"
    with pytest.raises(PipelineError, match=told):
        plan_of(read_document(path), overrides, on_cluster=False)


def test_what_is_trained_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = planned()
    announce(first, tmp_path)
    assert f"trials in {len(first.packs)} pack" in capsys.readouterr().err


def test_records_that_take_much_of_the_disk_are_said_before_and_as_many_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert large_records(planned()) == []
    monkeypatch.setattr(experiments, "MUCH_GIB", 0)
    plan = planned("learning_rates=[0.001]")  # at which none diverges
    told = re.search(r"warning: (\S+) records will take about 0\.0 GiB of the disk", capsys.readouterr().err)
    run_plan(plan, tmp_path, TrainingProgress(io.StringIO()))
    assert told is not None
    assert int(told[1].replace(",", "")) == read_records(tmp_path).height


MINE = '''from dataclasses import dataclass
from typing import ClassVar, final
import numpy as np
from pipeline.optimizers.rules import UpdateRule
from pipeline.problems.targets import Target

@final
@dataclass(frozen=True)
class Tent(Target):
    """A tent."""

    def __call__(self, inputs_PD):
        return np.maximum(1 - 2 * np.abs(inputs_PD[:, 0]), 0)

@final
@dataclass(frozen=True)
class Tired(UpdateRule):
    """Gradient descent that gives up at the third step of networks."""

    slots: ClassVar[int] = 0

    def __call__(self, weights_TN, gradient_TN, slots, learning_rates_T1, step):
        if step == 3 and weights_TN.shape[1] == 7:
            raise RuntimeError("so many steps")
        weights_TN.addcmul_(learning_rates_T1, gradient_TN, value=-1)
'''
OWN = """question: Does it go on?
use: mine.py
target: tent
inputs: {train: 16, test: 16}
models: [linear, {shallow: {activation: tanh}}]
optimizer: tired
widths: 2
learning_rates: [0.1]
steps: 5
seeds: 3
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A question with definitions of its own; one of them fails in a step of training."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MINE + f"# {tmp_path}\n")
    Path("own.yaml").write_text(OWN)
    return tmp_path


def test_an_error_in_a_step_is_told_with_its_line_and_its_traceback_is_in_the_log_of_the_trials(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "own.yaml"]) == 1
    _, err = capsys.readouterr()
    assert re.search(r"^uses mine\.py \([0-9a-f]{10}\)$", err, re.MULTILINE)
    assert "3 trials failed: mine.py:24: RuntimeError: so many steps\n" in err
    assert "Traceback" not in err
    (run,) = Path("runs").glob("own-*")
    (log,) = (run / "logs").iterdir()
    assert "Traceback (most recent call last):" in log.read_text()

    # The run is reported from its copy: the file may be gone.
    Path("mine.py").unlink()
    assert main(["report"]) == 1
    assert "tent" in capsys.readouterr().out


def test_a_changed_file_is_another_experiment_and_says_so(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    linear = ["--set", "models=linear"]
    assert main(["run", "own.yaml", *linear]) == 0
    (first,) = Path("runs").glob("own-*")
    Path("mine.py").write_text(Path("mine.py").read_text().replace("1 - 2", "1 - 3"))
    capsys.readouterr()
    assert main(["run", "own.yaml", *linear, "--out", str(first)]) == 2
    assert f"{first}: holds the run of another experiment, which differs in use\n" in capsys.readouterr().err
    assert main(["run", "own.yaml", *linear]) == 0
    said = f"mine.py has changed since {first}: what uses it is another experiment, and trained anew\n"
    assert said in capsys.readouterr().err
    assert len(list(Path("runs").glob("own-*"))) == 2


def test_what_only_watches_a_run_executes_nothing_of_it(
    own: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.extensions import loading

    assert main(["run", "own.yaml", "--set", "models=linear"]) == 0
    (copy,) = Path("runs").glob("own-*/definitions/mine.py")
    copy.write_text("raise SystemExit('not the file of the plan')\n")
    monkeypatch.setattr(loading, "_loaded", {})  # as in another process
    assert main(["status"]) == 0
    assert main(["logs"]) == 0
    capsys.readouterr()
    assert main(["report"]) == 2
    assert f"{copy}: is another file than the one it was planned with (sha256 " in capsys.readouterr().err


def test_a_value_of_another_shape_and_an_error_are_one_message_before_anything_is_trained(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path("mine.py").read_text()
    Path("mine.py").write_text(text.replace("inputs_PD[:, 0]", "inputs_PD"))
    assert main(["run", "own.yaml"]) == 2
    assert capsys.readouterr().err.startswith("mine.py:7: tent: the shape is [10, 1] for points [10, 1] (of every")
    Path("mine.py").write_text(text.replace("inputs_PD[:, 0]", "inputs_PD[:, 1]"))
    assert main(["plan", "own.yaml"]) == 2
    assert "mine.py:13: IndexError: index 1 is out of bounds for axis 1 with size 1" in capsys.readouterr().err
    assert not Path("runs").exists()
