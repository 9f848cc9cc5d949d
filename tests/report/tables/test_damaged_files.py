"""Without a file that cannot be read the rest of a run is known; what is not known is named, and nothing is deleted."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipeline.cli import main
from pipeline.config import read_document
from pipeline.errors import PipelineError
from pipeline.experiment.experiment import Experiment
from pipeline.plans import make_plan, write_plan
from pipeline.records import store
from pipeline.records.store import FORBIDDEN, read_fitted_samples, read_outcomes, scan_records
from pipeline.report.tables import trial_summaries
from pipeline.report.tables.damaged_files import MISSING, NO_DAMAGE, Damage, DamagedFile, damage_of, despite_damage
from pipeline.report.tables.results import read_results
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan


def empty(path: Path, other: Path) -> None:
    path.write_bytes(b"")


def half(path: Path, other: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def end_for_end(path: Path, other: Path) -> None:
    """Its first and last bytes are right, and what is between is not."""
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * (len(content) - 512) + content[-508:])


def folder(path: Path, other: Path) -> None:
    path.unlink()
    path.mkdir()


def loop(path: Path, other: Path) -> None:
    """It cannot be opened, whoever asks: a test may be run by root, who may read everything."""
    path.unlink()
    path.symlink_to(path)


def of_another_pack(path: Path, other: Path) -> None:
    shutil.copy(other, path)


def missing(path: Path, other: Path) -> None:
    path.unlink()


DAMAGES = {
    "records": (empty, half, end_for_end, folder, loop, of_another_pack, missing),
    "outcomes": (half, folder, of_another_pack),  # of a pack without one it is known that it is not finished
    "fits": (half, folder),
}
CASES = [
    pytest.param(kind, damage, id=f"{kind} {damage.__name__}") for kind, them in DAMAGES.items() for damage in them
]


class Known(NamedTuple):
    """What is read of a run."""

    results: pl.DataFrame
    records: pl.DataFrame
    fits: pl.DataFrame
    damage: Damage


def read(run: Path, plan) -> Known:
    def known(damage: Damage) -> Known:
        outcomes = read_outcomes(run, damage.packs)
        table = read_results(run, plan, outcomes, damage)
        fits = read_fitted_samples(run, damage.undrawn)
        return Known(table, scan_records(run, damage.packs).collect(), fits, damage)

    return despite_damage(run, known)


@pytest.fixture
def place(run, tmp_path) -> Path:
    return shutil.copytree(run.folder, tmp_path / "run", ignore=shutil.ignore_patterns("figures", "theory", "*.html"))


@pytest.mark.parametrize(("kind", "damage"), CASES)
def test_the_other_packs_are_known_as_before(run, place, kind, damage: Callable[[Path, Path], None]):
    pack, other = run.plan.packs[:2]
    path, whole = (next((place / kind).glob(f"{one.id}*")) for one in (pack, other))
    damage(path, whole)
    before = sorted(place.rglob("*"))
    found = read(place, run.plan)
    assert sorted(place.rglob("*")) == before, "nothing is deleted, and nothing written"
    of_pack = pl.col("trial").is_in([trial.id for trial in pack.trials])
    unknown = {"unreadable"} if kind != "fits" else set(run.results.filter(of_pack)["status"])
    assert set(found.results.filter(of_pack)["status"]) == unknown
    if kind != "fits":
        assert set(found.results.filter(of_pack)["verdict"]) == {"unreadable"}
        assert found.results.filter(of_pack)["loss"].is_null().all()
        assert set(found.damage.trials) == {trial.id for trial in pack.trials}
    assert_frame_equal(found.results.filter(~of_pack), run.results.filter(~of_pack))
    pick = ~of_pack if kind != "fits" else pl.lit(True)
    assert_frame_equal(found.records.filter(pick), run.records.filter(pick), check_row_order=False)
    assert found.records.filter(~pick).is_empty()
    assert set(found.fits["trial"]) == set(run.tables.fitted_samples.filter(~of_pack)["trial"])
    told = " ".join(found.damage.in_sentences())
    assert (f"records/{pack.id}-*.parquet ({MISSING})" if damage is missing else str(path.relative_to(place))) in told
    assert f"outcomes/{pack.id}.parquet, and run the same command again." in told
    assert ("Nothing is known of 2 of 24 trials" in told) == (kind != "fits")
    assert ("1 fit is not drawn" in told) == (kind == "fits")


def test_a_run_that_can_be_read_has_no_damage(run):
    assert damage_of(run.folder) == Damage(num_trials=24)
    assert NO_DAMAGE.in_sentences() == []
    assert read(run.folder, run.plan).damage is NO_DAMAGE


def test_many_damaged_files_are_counted(run, place):
    for path in (place / "records").iterdir():
        path.write_bytes(b"")
    told = read(place, run.plan).damage.in_sentences()
    assert told[0].endswith("(it is empty) and 2 more files.")
    assert told[1] == "Nothing is known of 24 of 24 trials, and no number, verdict or answer counts them."


def test_what_may_not_be_read_is_not_to_be_deleted():
    """A test may be run by root, who may read everything."""
    forbidden = DamagedFile("records/p-0.parquet", FORBIDDEN, "p")
    assert Damage((forbidden,), ("a",), 9).in_sentences()[2:] == ["Change the permissions of 1 file."]
    told = Damage((forbidden, DamagedFile("records/q-0.parquet", "it is empty", "q")), ("a", "b"), 9).in_sentences()
    assert told[2:] == [
        "Change the permissions of 1 file.",
        "To have the trials of the others trained again, delete records/q-0.parquet, outcomes/q.parquet, "
        "and run the same command again.",
    ]


def test_without_a_plan_nothing_is_known(place):
    (place / "plan.json").write_bytes(b"")
    next((place / "fits").iterdir()).write_bytes(b"")
    with pytest.raises(PipelineError, match=r"plan\.json: not a plan: "):
        damage_of(place)


QUESTION = """
question: Does it come back?
target: sine
models: [{linear: {basis: monomial}}]
widths: [1, 2]
learning_rates: [0.1]
steps: 4
seeds: 1
inputs: {train: 8, test: 8}
"""


def test_every_verb_says_what_it_cannot_read_and_what_is_deleted_as_told_is_trained_again(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    Path("q.yaml").write_text(QUESTION)
    document, run = read_document(Path("q.yaml")), Path("run")
    plan = make_plan("q", document.construct(Experiment))
    write_plan(plan, run)
    run_plan(plan, run, TrainingProgress(io.StringIO()))
    before, trial = read(run, plan), plan.packs[0].trials[0].id
    (path,) = (run / "records").glob(f"{plan.packs[0].id}-*")
    outcome = f"outcomes/{plan.packs[0].id}.parquet"
    half(path, path)
    for words in (
        ["run", "q.yaml", "--out", "run"],
        ["results", "run", "--format", "csv"],
        ["records", "loss", "run", "--format", "csv"],
        ["compare", "run", "run", "--json"],
    ):
        assert main(words) == 1, words
        out, said = capsys.readouterr()
        assert "Nothing is known of 1 of 2 trials, and no number, verdict or answer counts them." in said, words
        assert f"delete records/{path.name}, {outcome}, and run the same command again." in said, words
        assert out, words
        assert (trial in out) == (words[0] == "results"), words
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "it is cut off or overwritten" in page
    head = page[page.index("<header>") : page.index("</header>")]
    assert f'<p role="note">Not all can be read, and what was there is missing here: records/{path.name} (' in head
    assert "<b>1</b> unreadable" in head
    path.unlink()
    (run / outcome).unlink()
    run_plan(plan, run, TrainingProgress(io.StringIO()))
    for module in (store, trial_summaries):
        monkeypatch.setattr(module, "LEAST_BYTES_ALONE", 0)
    monkeypatch.setattr(store, "MOST_BYTES_READ", 0)
    after = read(run, plan)
    assert after.damage is NO_DAMAGE
    assert_frame_equal(after.results, before.results)
    was = path.stat()
    end_for_end(path, path)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert read_results(run, plan, read_outcomes(run)).equals(after.results), "what they say of each trial was kept"
    assert main(["report", "run"]) == 1
    assert "Nothing is known of 1 of 2 trials" in (run / "report.html").read_text(encoding="utf-8")
