"""What training leaves behind: records, outcomes and fits that say what happened."""

import contextlib
import os
import re
import signal

import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

from pipeline.errors import PipelineError
from pipeline.experiment.axes import Inputs
from pipeline.models import MODELS
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, LeastSquares
from pipeline.plans import make_plan
from pipeline.problems.losses import HalfMeanSquare
from pipeline.problems.targets import Xor
from pipeline.records.frame_store import read_frames
from pipeline.records.outcome_provenance import OutcomeProvenance
from pipeline.records.store import finished_packs, read_fitted_samples, read_outcomes, read_records
from pipeline.training import segments
from pipeline.training.deadline import Deadline, Stopped
from pipeline.training.failures import write_failure
from pipeline.training.fit import fit
from pipeline.training.module import PackModule
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import check_ready, run_lock, run_plan


def test_loss_that_is_infinite_from_the_start_is_a_divergence_at_step_zero(experiment, tmp_path, pack):
    whole = pack(models=(Linear(Cosine()),))
    module = PackModule(whole, [40])
    with torch.no_grad():
        module.weights[2] = torch.inf
    module.on_fit_start()
    assert module.diverged_at.tolist() == [-1, -1, 0, -1]


def test_exact_solver_ends_at_the_least_squares_error_with_zero_gradient(experiment, ran, tmp_path):
    ran(experiment(models=(Linear(Cosine()),), optimizer=LeastSquares(), learning_rates=None, seeds=1), tmp_path)
    records = read_records(tmp_path)
    end = dict(records.filter(pl.col("step") == 1).select("diagnostic", "value").iter_rows())
    start = dict(records.filter(pl.col("step") == 0).select("diagnostic", "value").iter_rows())
    assert end["distance_to_least_squares"] == 0
    assert end["gradient_norm"] < 1e-14
    assert end["test_error"] == pytest.approx(start["least_squares_error"], rel=1e-12)
    assert read_outcomes(tmp_path)["learning_rate"].to_list() == [None]


def test_linear_model_of_exclusive_or_ends_at_one_half_with_risk_one_quarter(experiment, tmp_path):
    requested = experiment(
        models=(Linear(Monomial()),), widths=(3,), target=(Xor(),), inputs=Inputs(), loss=HalfMeanSquare(),
        learning_rates=(0.5,), steps=500, seeds=1,
    )  # fmt: skip
    (pack,) = make_plan("xor", requested).packs
    fit(pack, requested, tmp_path, lambda trial_steps: None)
    module = PackModule(pack, [500])
    module.on_fit_start()
    optimizer = module.configure_optimizers()
    module._advance(next(iter(module.segments)), optimizer)
    # 500 steps contract the slowest mode by (1 - 0.5 * lambda_min)^500, lambda_min = (7 - sqrt(33)) / 8 / 2.
    torch.testing.assert_close(
        module.weights[0], torch.tensor([0.5, 0.0, 0.0], dtype=torch.float64), rtol=0, atol=1e-12
    )
    end = dict(read_records(tmp_path).filter(pl.col("step") == 500).select("diagnostic", "value").iter_rows())
    assert 2 * end["loss"] == pytest.approx(0.25, abs=1e-12)


def test_disk_that_is_full_stops_the_run_and_is_nobodys_failure(experiment, tmp_path, monkeypatch):
    import pipeline.training.run as run_module

    def full(*arguments, **named):
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(run_module, "fit", full)
    with pytest.raises(OSError, match=r"No space left on device: 'somewhere'$"):
        run_plan(make_plan("test", experiment()), tmp_path, TrainingProgress())
    assert read_outcomes(tmp_path).is_empty()


def test_one_failed_pack_does_not_stop_the_others_and_is_tried_again(experiment, tmp_path, monkeypatch):
    import pipeline.training.run as run_module

    plan = make_plan("test", experiment())
    real = run_module.fit

    def out_of_memory(pack, *rest, **named):
        if pack is plan.packs[0]:
            raise MemoryError("no room for 3 < 4\nsecond line")
        return real(pack, *rest, **named)

    monkeypatch.setattr(run_module, "fit", out_of_memory)
    counts = run_plan(plan, tmp_path, TrainingProgress())
    assert (counts.failed, counts.done) == (4, 12)
    failed = read_outcomes(tmp_path).filter(pl.col("status") == "failed")
    assert set(failed["reason"]) == {"out of memory: MemoryError: no room for 3 < 4"}
    assert "second line" in (tmp_path / "logs" / f"{plan.packs[0].id}.log").read_text()
    monkeypatch.setattr(run_module, "fit", real)
    assert run_plan(plan, tmp_path, TrainingProgress()).done == 4
    assert finished_packs(tmp_path) == {pack.id for pack in plan.packs}
    assert set(read_outcomes(tmp_path)["status"]) == {"done"}


def test_a_run_evaluates_no_losses_for_a_log_that_nobody_reads(experiment, ran, tmp_path, monkeypatch):
    def logged(module, values, **arguments):
        raise AssertionError("nobody reads it")

    monkeypatch.setattr(PackModule, "log_dict", logged)
    _, counts = ran(experiment(), tmp_path)
    assert counts.failed == 0


def test_running_again_trains_nothing(experiment, ran, tmp_path, capsys):
    plan, _ = ran(experiment(), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    counts = run_plan(plan, tmp_path, TrainingProgress())
    assert counts.done == counts.diverged == counts.failed == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")} == before
    assert re.search(r"^16 of 16 trials were finished before$", capsys.readouterr().err, re.MULTILINE)


@pytest.mark.parametrize("model", [definition() for definition in MODELS.values()], ids=MODELS.keys())
@pytest.mark.parametrize("batch_size", ["full", 5])
def test_pack_in_which_every_trial_diverges_is_a_result(experiment, ran, tmp_path, model, batch_size):
    _, counts = ran(experiment(models=(model,), learning_rates=(1e9,), steps=200, batch_size=batch_size), tmp_path)
    trials = 3 if model.draws_weights or batch_size != "full" else 1  # others do not depend on the seed
    assert (counts.done, counts.diverged, counts.failed) == (0, trials, 0)
    assert set(read_outcomes(tmp_path)["status"]) == {"diverged"}
    assert not read_records(tmp_path).is_empty()


def test_damaged_checkpoint_costs_time_but_no_result(experiment, tmp_path):
    requested = experiment(models=(Shallow(),))
    (pack,) = make_plan("test", requested).packs
    for content in (b"", b"junk", bytes(range(256)) * 40):
        (tmp_path / "checkpoints" / pack.id).mkdir(parents=True)
        (tmp_path / "checkpoints" / pack.id / "last.ckpt").write_bytes(content)
        assert fit(pack, requested, tmp_path, lambda trial_steps: None) == 0
        assert set(read_outcomes(tmp_path)["status"]) == {"done"}


def test_two_processes_do_not_train_in_one_folder(experiment, tmp_path):
    plan = make_plan("test", experiment())
    message = "^" + re.escape(f"{tmp_path}: another process is training in this folder")
    with run_lock(tmp_path, TrainingProgress()), pytest.raises(PipelineError, match=message):
        run_plan(plan, tmp_path, TrainingProgress())
    assert run_plan(plan, tmp_path, TrainingProgress()).done == 16


def test_missing_device_is_refused_before_anything_is_written(experiment):
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(PipelineError, match=r"^accelerator is cuda, but there is no CUDA device"):
        check_ready(make_plan("test", experiment(accelerator="cuda")))


def test_engine_that_cannot_train_a_pack_is_refused_before_anything_is_written(experiment):
    solved = experiment(models=(Linear(),), optimizer=LeastSquares(), learning_rates=None, engine="fused")
    with pytest.raises(PipelineError, match=r"^the fused engine has no steps of least_squares"):
        check_ready(make_plan("test", solved))
    check_ready(make_plan("test", experiment(engine="fused")))


def test_log_of_a_failure_goes_when_the_pack_succeeds(experiment, tmp_path):
    plan = make_plan("test", experiment())
    for pack in plan.packs:
        write_failure(tmp_path, pack, RuntimeError("once"), OutcomeProvenance())
    assert len(list((tmp_path / "logs").iterdir())) == 2
    run_plan(plan, tmp_path, TrainingProgress())
    assert list((tmp_path / "logs").iterdir()) == []


def test_nothing_but_results_is_left_in_the_folder(experiment, ran, tmp_path):
    ran(experiment(checkpoint_seconds=1e-9), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "records",
        "outcomes",
        "fits",
        "frames",
        "checkpoints",
        "locks",
        ".lock",
    }
    assert list((tmp_path / "locks").iterdir()) == []
    assert list((tmp_path / "checkpoints").iterdir()) == []


# The deadline.


@pytest.fixture
def long(experiment, monkeypatch):
    """An experiment of one pack whose training has many segments, and the pack."""
    monkeypatch.setattr(segments, "MOST_OPERATIONS", 200_000)
    requested = experiment(
        models=(Shallow(),), optimizer=Adam(), batch_size=5, steps=400, record_at=(0, 7, 100, 250, 400)
    )
    return requested, make_plan("test", requested).packs[0]


def stops(requested, pack, folder):
    """How often a training stops when the deadline has always passed already."""
    for number in range(50):
        with contextlib.suppress(Stopped):
            fit(pack, requested, folder, lambda trial_steps: None, deadline=Deadline(0))
            return number
        assert read_outcomes(folder).is_empty()
        assert not list(folder.rglob("*.part"))
    raise AssertionError("it does not get on")


def sorted_rows(table):
    return table.sort([name for name in ("trial", "step", "diagnostic", "x") if name in table.columns])


def assert_same_numbers(given, expected):
    for read in (read_records, read_fitted_samples):
        assert_frame_equal(sorted_rows(read(given)), sorted_rows(read(expected)), check_exact=True)
    assert_frame_equal(*(sorted_rows(read_frames(run)[0]) for run in (given, expected)), check_exact=True)
    columns = ("trial", "status", "step", "learning_rate", "pack")
    outcomes = (sorted_rows(read_outcomes(run).select(columns)) for run in (given, expected))
    assert_frame_equal(*outcomes, check_exact=True)


def test_training_stopped_after_every_segment_gives_the_same_numbers(long, tmp_path):
    requested, pack = long
    fit(pack, requested, tmp_path / "whole", lambda trial_steps: None)
    num_segments = len(PackModule(pack, requested.recorded_steps()).segments.partition)
    assert num_segments > 5
    assert stops(requested, pack, tmp_path / "stopped") == num_segments - 1
    assert_same_numbers(tmp_path / "stopped", tmp_path / "whole")
    assert not list((tmp_path / "stopped" / "checkpoints").iterdir())


@pytest.mark.parametrize("segment", [0, 1, 3, -1])
def test_sigterm_taken_as_a_deadline_stops_at_a_checkpoint_or_lets_the_last_segment_end(long, tmp_path, segment):
    """Lightning would end the training by itself, without a checkpoint, and the last segment without outcomes."""
    requested, pack = long
    fit(pack, requested, tmp_path / "whole", lambda trial_steps: None)
    every = PackModule(pack, requested.recorded_steps()).segments.partition
    deadline, trained = Deadline(), []

    def advanced(trial_steps):
        trained.append(trial_steps)
        if sum(trained) == every[segment].last * len(pack.trials):
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, lambda number, frame: deadline.bring_forward(0))
    ours = signal.getsignal(signal.SIGTERM)
    try:
        if segment == -1:
            fit(pack, requested, tmp_path / "stopped", advanced, deadline=deadline)
        else:
            with pytest.raises(Stopped, match=f"^at step {every[segment].last} of 400$"):
                fit(pack, requested, tmp_path / "stopped", advanced, deadline=deadline)
            fit(pack, requested, tmp_path / "stopped", lambda trial_steps: None)
        assert signal.getsignal(signal.SIGTERM) is ours
    finally:
        signal.signal(signal.SIGTERM, before)
    assert deadline.passed()
    assert_same_numbers(tmp_path / "stopped", tmp_path / "whole")


def test_what_goes_wrong_after_the_stop_does_not_hide_it(long, tmp_path, monkeypatch):
    requested, pack = long

    def broken(module):
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(PackModule, "cpu", broken)  # what Lightning does when it tears down
    with pytest.raises(Stopped, match="unspecified launch failure"):
        fit(pack, requested, tmp_path, lambda trial_steps: None, deadline=Deadline(0))
    monkeypatch.undo()
    assert len(list(tmp_path.glob("checkpoints/*/last.ckpt"))) == 1


def test_failure_before_the_stop_stays_a_failure(long, tmp_path):
    requested, pack = long

    def advanced(trial_steps):
        raise RuntimeError("no progress")

    with pytest.raises(RuntimeError, match=r"^no progress$"):
        fit(pack, requested, tmp_path, advanced, deadline=Deadline(0))
