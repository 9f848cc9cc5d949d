"""What cannot be sent again is refused before a scheduler is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pipeline
from pipeline.cli import main
from pipeline.cli.experiments import plan_of
from pipeline.cli.options import Overrides
from pipeline.cli.submitting import RetryOptions, retry
from pipeline.config import read_document
from pipeline.errors import PipelineError
from pipeline.plans import write_plan
from pipeline.records.store import read_outcomes, read_records

XOR = Path(__file__).parents[2] / "configs" / "xor.yaml"


def test_a_run_of_which_nothing_was_sent_is_not_sent_again(tmp_path: Path) -> None:
    overrides = Overrides(("seeds=2", "steps=10"))
    write_plan(plan_of(read_document(XOR), overrides, on_cluster=False), tmp_path)
    options = RetryOptions((f"{tmp_path}",), Overrides(), quarantined=False, json=False, chain=0)
    with pytest.raises(PipelineError, match=r"nothing was sent of this run yet\n  hint: submit sends it"):
        retry(options)


def test_what_another_run_has_finished_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The dry run says so and writes nothing; then no job is needed, since every trial is taken."""
    monkeypatch.chdir(tmp_path)
    Path("here.yaml").write_text("description: Here.\nscheduler: debug\nfolder: runs\none_machine: true\ngpus: 0\n")
    few = ["--set", "seeds=2", "--set", "steps=10", "--set", "widths=[2]", "--set", "models=[shallow]"]
    assert main(["run", str(XOR), *few]) == 0
    (run,) = Path("runs").glob("xor-*")
    send = ["submit", str(XOR), *few, "--cluster", "here.yaml", "--out", "runs/other"]
    for more in (["--dry-run"], []):
        assert not Path("runs/other").exists()
        capsys.readouterr()
        assert main([*send, *more]) == 0
        said = capsys.readouterr().err
        number = len(read_outcomes(run))
        assert f"{number} of {number} trials are trained already and are taken: {number} in {run.name}, by " in said
        assert "1 pack finished, 0 in flight; nothing is left to send" in said
    assert set(read_outcomes(Path("runs/other"))["run"]) == {run.name}
    assert read_records(Path("runs/other")).equals(read_records(run))


def test_what_is_finished_there_and_was_trained_otherwise_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.yaml").write_text("description: Here.\nscheduler: debug\nfolder: runs\none_machine: true\ngpus: 0\n")
    few: dict[str, Any] = {"seeds": 1, "steps": 10, "widths": [2], "models": ["shallow"], "learning_rates": [0.1]}
    run = pipeline.run(XOR, **few, engine="fused", out="runs/one")
    assert run.plan.num_trials == 1
    told = "1 of 1 trial is finished here, trained by the engine fused, and reference is asked for"
    written = [part for key, value in few.items() for part in ("--set", f"{key}={value}")]
    send = ["submit", str(XOR), *written, "--cluster", "here.yaml", "--out", "runs/one"]
    for more in ([], ["--dry-run"]):
        for engine in ("fused", "reference"):
            capsys.readouterr()
            assert main([*send, "--set", f"engine={engine}", *more]) == 0
            assert capsys.readouterr().err.count(told) == (engine == "reference")
    pipeline.submit(XOR, cluster="here.yaml", out="runs/one", engine="reference", **few)
    assert "".join(capsys.readouterr()).count(told) == 1
