"""What a run takes from others is what it would have trained, and nobody loses anything by it."""

import dataclasses
import io
import re
import shutil
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipeline.diagnostics.convergence import GradientNorm, TestError
from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import Tanh
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import Plan, make_plan, read_plan, write_plan
from pipeline.problems.targets import Sine
from pipeline.records.frame_store import read_frames
from pipeline.records.pack_locks import pack_lock
from pipeline.records.store import (
    finished_packs,
    read_fitted_samples,
    read_outcomes,
    read_records,
    write_outcomes,
    write_records,
)
from pipeline.reuse.request import Reuse
from pipeline.reuse.reusable_trials import ReusableTrials, planned_with_reuse
from pipeline.reuse.taking import take
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan

FOUR = Experiment(
    "?", (Linear(), Shallow(Tanh())), (2, 3), (Sine(),), inputs=Inputs(train=(16,), test=16),
    learning_rates=(0.1, 1e3), steps=20, seeds=4, record_at=(5, 10),
)  # fmt: skip
SIX = dataclasses.replace(FOUR, seeds=6)
OWN = ("seconds", "run", "pack")
"""Columns of outcomes in which a trial that was taken differs from one that was trained here."""


def trained(experiment: Experiment, run: Path, *, fresh: bool = False, said: list[str] | None = None) -> Plan:
    """Train into a folder what the runs beside it have not finished."""
    plan, reusable = planned_with_reuse(make_plan(run.name, experiment), run, Reuse(fresh=fresh))
    plan = write_plan(plan, run)
    progress = TrainingProgress(io.StringIO())
    if said is not None:
        progress.say = said.append  # type: ignore[method-assign]
    run_plan(plan, run, progress, reusable=reusable)
    assert finished_packs(run) == {pack.id for pack in plan.packs}
    return plan


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four seeds, and one of six that was trained from nothing."""
    folder = tmp_path_factory.mktemp("kept")
    trained(FOUR, folder / "four", fresh=True)
    trained(SIX, folder / "six", fresh=True)
    assert set(read_outcomes(folder / "six")["status"]) == {"done", "diverged"}
    return folder


@pytest.fixture
def four(kept: Path, tmp_path: Path) -> Path:
    """The run of four seeds, alone in a folder of runs."""
    return shutil.copytree(kept / "four", tmp_path / "runs" / "four")


def rows(table: pl.DataFrame) -> pl.DataFrame:
    return table.sort([name for name in ("trial", "step", "diagnostic", "x") if name in table.columns])


def assert_same(given: Path, expected: Path) -> None:
    """The same numbers, but for the last bits, which may depend on the pack that a trial is in."""
    records = [rows(read_records(run).drop("pack")) for run in (given, expected)]
    assert_frame_equal(*records, rel_tol=1e-5, abs_tol=1e-12)
    assert_frame_equal(*(rows(read_outcomes(run).drop(OWN)) for run in (given, expected)))


def content(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def test_more_seeds_train_the_new_ones_only_and_the_numbers_are_those_of_training_all(four: Path, kept: Path) -> None:
    before, six = content(four), four.parent / "six"
    plan = trained(SIX, six)
    assert_same(six, kept / "six")
    assert content(four) == before
    new = {trial.id for trial in plan.trials.values() if trial.shape.draws_from_seed and trial.seed >= 4}
    ends = read_outcomes(six)
    assert set(ends.filter(pl.col("run") == "")["trial"]) == new
    assert ends["run"].value_counts().sort("run").rows() == [("", len(new)), ("four", plan.num_trials - len(new))]
    assert [pack.id for pack in read_plan(six).packs] == [pack.id for pack in plan.packs]


def test_a_run_stays_whole_when_the_one_it_took_from_is_deleted_and_still_says_which_that_was(
    four: Path, kept: Path
) -> None:
    trained(SIX, four.parent / "six")
    shutil.rmtree(four)
    assert_same(four.parent / "six", kept / "six")
    trained(FOUR, four.parent / "again")
    assert_same(four.parent / "again", kept / "four")
    assert set(read_outcomes(four.parent / "again")["run"]) == {"four"}


def test_another_name_takes_everything_with_its_fitted_functions(four: Path) -> None:
    trained(FOUR, four.parent / "other")
    assert_same(four.parent / "other", four)
    assert set(read_outcomes(four.parent / "other")["run"]) == {"four"}
    assert_frame_equal(*(rows(read_fitted_samples(run)) for run in (four.parent / "other", four)))
    frames = [rows(read_frames(run)[0]) for run in (four.parent / "other", four)]
    assert_frame_equal(*frames)
    assert frames[0].height


def test_damaged_frames_are_not_taken_and_everything_else_is(four: Path) -> None:
    for path in (four / "frames").iterdir():
        path.write_bytes(path.read_bytes()[:-20])
    trained(FOUR, four.parent / "other")
    assert set(read_outcomes(four.parent / "other")["run"]) == {"four"}
    frames, damaged = read_frames(four.parent / "other")
    assert (frames.height, damaged) == (0, [])


def test_fewer_diagnostics_steps_and_seeds_are_taken_of_more(four: Path) -> None:
    fewer = dataclasses.replace(FOUR, seeds=(0, 3), diagnostics=(TestError(), GradientNorm()), record_at=(10,))
    trained(fewer, four.parent / "fewer")
    trained(fewer, four.parent / "fresh", fresh=True)
    assert_same(four.parent / "fewer", four.parent / "fresh")
    assert set(read_outcomes(four.parent / "fewer")["run"]) == {"four"}


def without_a_part(run: Path, pack: str) -> None:
    next((run / "records").glob(f"{pack}-*")).unlink()


def without_a_record(run: Path, pack: str) -> None:
    table = read_records(run).filter(pl.col("pack") == pack)
    write_records(run, pack, 0, table[:-1])


def with_a_part_cut_off(run: Path, pack: str) -> None:
    path = next((run / "records").glob(f"{pack}-*"))
    path.write_bytes(path.read_bytes()[:-20])


def failed_since(run: Path, pack: str) -> None:
    table = read_outcomes(run).filter(pl.col("pack") == pack)
    write_outcomes(run, pack, table.with_columns(status=pl.lit("failed")))


def trained_otherwise_since(run: Path, pack: str) -> None:
    table = read_outcomes(run).filter(pl.col("pack") == pack)
    write_outcomes(run, pack, table.with_columns(numerics=pl.lit("another")))


def without_outcomes(run: Path, pack: str) -> None:
    (run / "outcomes" / f"{pack}.parquet").unlink()


def gone(run: Path, pack: str) -> None:
    shutil.rmtree(run)


HARM = {
    without_a_part: "records are missing there",
    without_a_record: "records are missing there",
    with_a_part_cut_off: "what is there cannot be read: .*",
    failed_since: "not all is finished there any more",
    trained_otherwise_since: "trained by another version of the code that computes them",
    without_outcomes: "not all is finished there any more",
    gone: "not all is finished there any more",
}


@pytest.mark.parametrize("harm", HARM, ids=lambda harm: harm.__name__)
def test_what_was_harmed_since_it_was_found_is_trained_again(four: Path, kept: Path, harm) -> None:
    six = four.parent / "six"
    plan, reusable = planned_with_reuse(make_plan("six", SIX), six)
    pack = next(pack.id for pack in read_plan(four).packs if pack.shape.draws_from_seed)
    harm(four, pack)
    said: list[str] = []
    taken = take(write_plan(plan, six), six, reusable, said.append)
    number = sum(len(one.trials) for one in plan.packs if one.id in reusable.whole_packs(plan)) if harm is gone else 8
    assert number > 8 or harm is not gone, "several packs give one sentence"
    assert len(said) == 1
    assert re.fullmatch(f"{number} trials are trained again: {HARM[harm]}", said[0], re.DOTALL)
    assert taken == (0 if harm is gone else 2 * 2 + 8)
    trained(SIX, six)
    assert_same(six, kept / "six")


def test_a_command_that_was_killed_while_it_took_goes_on(four: Path, kept: Path) -> None:
    """Records were there, or a part of them, and no outcome."""
    six = four.parent / "six"
    plan, reusable = planned_with_reuse(make_plan("six", SIX), six)
    write_plan(plan, six)
    packs = reusable.whole_packs(plan)
    take(plan, six, reusable, print)
    for number, pack in enumerate(packs[1:]):
        (six / "outcomes" / f"{pack}.parquet").unlink()
        if number:
            record = next((six / "records").glob(f"{pack}-*"))
            record.rename(record.with_name(f".{record.name}.0.part"))
    before = content(four)
    said: list[str] = []
    trained(SIX, six, said=said)
    assert_same(six, kept / "six")
    assert content(four) == before
    assert not list(six.rglob("*.part"))
    assert len(read_outcomes(six).filter(pl.col("run") == "")) == 8
    assert not [line for line in said if "trained again" in line]


def test_of_a_run_that_was_begun_before_packs_that_are_whole_elsewhere_are_taken(four: Path, kept: Path) -> None:
    six = four.parent / "six"
    write_plan(make_plan("six", SIX), six)  # with packs of six seeds, of which no other run has all
    trained(SIX, six)
    assert set(read_outcomes(six).filter(pl.col("run") != "")["pack"]) == {
        pack.id for pack in read_plan(six).packs if not pack.shape.draws_from_seed
    }
    assert_same(six, kept / "six")


def test_a_pack_that_another_process_trains_is_left_to_it(four: Path) -> None:
    plan, reusable = planned_with_reuse(make_plan("other", FOUR), four.parent / "other")
    run = four.parent / "other"
    with pack_lock(run, plan.packs[0].id, print) as held:
        assert held
        taken = take(plan, run, reusable, print)
    assert taken == plan.num_trials - len(plan.packs[0].trials)
    assert take(plan, run, reusable, print) == len(plan.packs[0].trials)
    assert take(plan, run, reusable, print) == 0


def test_nothing_is_taken_where_nothing_is_reusable(tmp_path: Path) -> None:
    assert take(make_plan("four", FOUR), tmp_path, ReusableTrials(), print) == 0
    assert not list(tmp_path.iterdir())
