"""Logs: grouped by what they say, and found by trial and by job."""

import json
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.launch.notes.submission import Submission, folder_of
from pipeline.launch.state.history import Incident
from pipeline.launch.state.logs import groups, groups_table, logs_of

TRIALS = ["aaaa" + "0" * 60, "bbbb" + "0" * 60, "cccc" + "0" * 60]


def incident(what, at, pack="p1", kind="exception", job="12_0"):
    return Incident(kind, what, at, "xor-0a1b2c-1", 0, job, pack, None, Path(f"logs/{pack}.log"))


def test_errors_that_differ_in_numbers_and_places_only_are_one():
    found = groups(
        [
            incident("OSError: cannot read /scratch/a/b", 1.0),
            incident("OSError: cannot read /scratch/c", 5.0),
            incident("ValueError: 3 is not 4", 4.0),
            incident("ValueError: 10 is not 12", 3.0),
            incident("ValueError: 10 is not seven", 2.0),
            incident("worker killed on node1", 0.5, kind="killed"),
            incident("worker killed on node22", 0.7, kind="killed"),
        ]
    )
    assert [len(group.incidents) for group in found] == [2, 2, 1, 2]


def test_newest_group_comes_first_and_shows_its_newest():
    found = groups([incident("ValueError: 1", 1.0), incident("TypeError", 5.0), incident("ValueError: 2", 9.0)])
    assert [group.what for group in found] == ["ValueError: 2", "TypeError"]
    rows = groups_table(found).rows(named=True)
    assert [row["times"] for row in rows] == [2, 1]


def test_same_words_of_another_kind_are_another_group():
    assert len(groups([incident("x", 1.0), incident("x", 2.0, kind="killed")])) == 2


@pytest.fixture
def run(tmp_path):
    packs = [{"id": "p1", "trials": TRIALS[:2]}, {"id": "p2", "trials": TRIALS[2:]}]
    (tmp_path / "plan.json").write_text(json.dumps({"packs": packs}))
    folder = folder_of(tmp_path, "xor-0a1b2c-1")
    folder.mkdir(parents=True)
    for name in ("12_0_0_log.out", "12_0_0_log.err", "12_0_1_log.err", "12_1_0_log.err"):
        (folder / name).write_text(name)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "p1.log").write_text("ValueError")
    return tmp_path


def sent(job="12"):
    return Submission(
        "xor-0a1b2c-1", "soc", (), "slurm", None, (("p1",), ("p2",)), (1.0, 1.0), {}, 30, None, 60.0, 1, False, 0, None,
        "code", 0.0, job,
    )  # fmt: skip


def names(paths):
    return [path.name for path in paths]


def test_logs_of_a_job_are_those_of_its_workers(run):
    assert names(logs_of(run, [sent()], "12_0")) == ["12_0_0_log.out", "12_0_0_log.err", "12_0_1_log.err"]
    every = ["12_0_0_log.out", "12_0_0_log.err", "12_0_1_log.err", "12_1_0_log.err"]
    assert names(logs_of(run, [sent()], "12")) == every
    assert names(logs_of(run, [sent()], "xor-0a1b2c-1")) == every
    assert names(logs_of(run, [sent()], "12_[1]")) == names(logs_of(run, [sent()], "12_1.batch")) == every[-1:]


def test_logs_of_a_trial_are_those_of_its_pack_and_of_the_jobs_that_had_it(run):
    assert names(logs_of(run, [sent()], "bbbb0")) == ["p1.log", "12_0_0_log.out", "12_0_0_log.err", "12_0_1_log.err"]
    assert names(logs_of(run, [sent()], TRIALS[2])) == ["12_1_0_log.err"]


def test_logs_of_a_job_end_with_what_the_scheduler_kept_of_it(run):
    spool = folder_of(run, "xor-0a1b2c-1") / "spool"
    spool.mkdir()
    (spool / "12[1].pbs01.OU").write_text("=>> PBS: job killed")
    (spool / "12[0].pbs01.OU").write_text("")
    assert names(logs_of(run, [sent()], "12_1")) == ["12_1_0_log.err", "12[1].pbs01.OU"]
    assert "12[0].pbs01.OU" not in names(logs_of(run, [sent()], "12_0"))


@pytest.mark.parametrize("what", ["13", "13_0", "xor-0a1b2c-1"])
def test_job_that_waits_has_no_logs_and_is_not_unknown(run, what):
    assert logs_of(run, [sent("13")], what) == []


@pytest.mark.parametrize("what", ["12_7", "dddd0", "aa"])
def test_trial_and_job_that_are_not_there_are_told(run, what):
    with pytest.raises(PipelineError, match=rf"no trial and no job .* is called '{what}'\n  hint: .*known: 12"):
        logs_of(run, [sent()], what)
    with pytest.raises(PipelineError, match="nothing was sent of this run yet"):
        logs_of(run, [], what)
