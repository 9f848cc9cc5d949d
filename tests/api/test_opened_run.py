"""A run says in Python what its plan, its records and its page say."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import polars as pl
import pytest

import pipeline
from pipeline.api.opened_run import Run
from pipeline.cli import main
from pipeline.errors import PipelineError
from pipeline.experiment.trial import Trial
from pipeline.models.linear import Linear
from pipeline.plans import Plan
from pipeline.records.store import read_outcomes, read_records


def test_a_row_of_the_results_has_the_axes_of_its_trial(trained: Run) -> None:
    table = trained.results()
    assert table["trial"].to_list() == list(trained.plan.trials)
    for row in table.iter_rows(named=True):
        trial: Trial = trained.plan.trials[row["trial"]]
        model = trial.shape.model
        linear = isinstance(model, Linear)
        assert row["model"] == ("linear" if linear else "shallow")
        assert row["basis"] == ("cosine" if linear else None)
        assert (row["activation"] is None) == linear
        assert (row["activation_slope"] == 0.2) == (row["activation"] == "leaky_relu")
        assert (row["label"], row["width"], row["seed"]) == (model.label(), trial.shape.width, trial.seed)
        assert row["learning_rate"] == trial.learning_rate
        assert (row["steps"], row["batch_size"], row["optimizer"]) == (20, None, "gradient_descent")
    for name, dtype in {"width": pl.Int64, "steps": pl.Int64, "batch_size": pl.Int64, "loss": pl.Float64}.items():
        assert table.schema[name] == dtype


def test_results_are_asked_for_as_in_sql(trained: Run) -> None:
    found = trained.results(where='model == "shallow" and width >= 3', select="width, loss", sort="loss desc", top=3)
    assert found.columns == ["width", "loss"]
    assert found["width"].to_list() == [3, 3, 3]
    assert found["loss"].to_list() == sorted(found["loss"], reverse=True)


def test_records_are_those_of_the_folder(trained: Run) -> None:
    every = read_records(trained.folder)
    assert trained.records().equals(every.select("trial", "step", "diagnostic", "value"))
    loss = every.filter(pl.col("diagnostic") == "loss")
    assert trained.records("loss").equals(loss.select("trial", "step", "value"))
    assert set(trained.records("loss", "test_error")["diagnostic"]) == {"loss", "test_error"}
    wide = trained.records("loss", where="width = 3 and step = 0", select="trial, width, value")
    assert wide.height == sum(trial.shape.width == 3 for trial in trained.plan.trials.values())
    with pytest.raises(PipelineError, match=r"^no diagnostic 'los' is recorded\n  hint: did you mean 'loss'"):
        trained.records("los")


def test_the_command_line_prints_the_same(trained: Run, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    folder = str(trained.folder)
    assert main(["records", folder, "loss", "--where", "width = 3", "--sort", "value", "--format", "parquet"]) == 0
    printed = pl.read_parquet(io.BytesIO(capfdbinary.readouterr().out))
    assert printed.equals(trained.records("loss", where="width = 3", sort="value"))
    assert main(["results", folder, "--where", 'model == "shallow"', "--format", "parquet"]) == 0
    printed = pl.read_parquet(io.BytesIO(capfdbinary.readouterr().out))
    assert printed.equals(trained.results(where="model = 'shallow'"))


def test_verdicts_count_every_trial_once(trained: Run) -> None:
    table = trained.verdicts()
    assert table["trials"].sum() == trained.plan.num_trials
    counts = trained.results()["verdict"].value_counts(name="trials")
    summed = table.group_by("verdict").agg(pl.col("trials").sum())
    assert dict(summed.iter_rows()) == dict(counts.iter_rows())


def test_the_answer_prints_as_its_sentences(trained: Run) -> None:
    assert trained.answer.sentences
    assert str(trained.answer) == repr(trained.answer) == " ".join(trained.answer.sentences)


def test_a_notebook_shows_the_question_the_answer_and_a_figure(trained: Run) -> None:
    shown = trained._repr_html_()
    assert "Which &lt;b&gt;models&lt;/b&gt; &amp; bases learn |x|?" in shown
    assert trained.answer.sentences[0] in shown
    assert '<img src="data:image/png;base64,iVBOR' in shown
    assert f"{trained.plan.num_trials} trials: " in shown


def test_a_run_is_opened_by_its_folder_or_as_the_newest(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained.folder)
    again = pipeline.open(".")
    assert (again.folder.resolve(), repr(again)) == (trained.folder, "pipeline.open('.')")
    with pytest.raises(PipelineError, match=r"^there is no run in runs/ yet\n  hint: "):
        pipeline.open()
    with pytest.raises(
        PipelineError, match=rf"^{re.escape('records/plan.json')}: 'records' is not the folder of a run"
    ):
        pipeline.open("records")


def test_what_cannot_be_read_is_a_warning_and_the_rest_is_there(trained: Run, tmp_path: Path) -> None:
    run = pipeline.open(shutil.copytree(trained.folder, tmp_path / "run"))
    pack = run.plan.packs[0]
    next((run.folder / "records").glob(f"{pack.id}-*")).write_bytes(b"")
    unknown = pl.col("trial").is_in([trial.id for trial in pack.trials])
    whole = f"Nothing is known of {len(pack.trials)} of {run.plan.num_trials} trials, and no number"
    with pytest.warns(UserWarning, match=whole) as warned:
        results = run.results()
    assert {Path(one.filename).name for one in warned} == {Path(__file__).name}, "who asked is shown"
    assert set(results.filter(unknown)["status"]) == {"unreadable"}
    assert results.filter(~unknown)["loss"].equals(trained.results().filter(~unknown)["loss"])
    with pytest.warns(UserWarning, match=whole):
        assert run.records("loss").equals(trained.records("loss").join(results.filter(unknown), on="trial", how="anti"))
    assert run.verdicts().filter(verdict="unreadable")["trials"].sum() == len(pack.trials)
    assert run.answer.sentences


def test_status_counts_trials_by_state(trained: Run) -> None:
    counts = dict(read_outcomes(trained.folder)["status"].value_counts().iter_rows())
    assert trained.status().trials == counts


def test_what_was_read_is_kept_until_more_is_written(trained: Run, tmp_path: Path) -> None:
    run = pipeline.run(trained.plan.experiment, out=tmp_path / "run", models=["shallow"])
    answer = run.answer
    assert run.answer is answer
    (path, *_) = sorted((run.folder / "outcomes").iterdir())
    path.rename(tmp_path / "away.parquet")
    assert run.answer is not answer
    assert "pending" in set(run.results()["status"])
    assert isinstance(run.plan, Plan)
