"""A run that is killed at any moment and run again leaves what one that was not killed leaves."""

import contextlib
import errno
import gc
import io
import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import polars as pl
import preloaded
import pytest
from polars.testing import assert_frame_equal

from pipeline.errors import PipelineError
from pipeline.models.activations import Tanh
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.records import locks
from pipeline.records.outcome_provenance import OutcomeProvenance
from pipeline.records.pack_locks import pack_lock
from pipeline.records.store import finished_packs, read_fitted_samples, read_outcomes, read_records
from pipeline.training import run, segments
from pipeline.training.deadline import Deadline
from pipeline.training.fit import fit
from pipeline.training.module import PackModule
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import TrialCounts, run_plan, train_packs

KILLS = 24

CONFIG = """
question: What survives?
target: absolute_value
inputs: {train: 64, test: 64}
models:
  - linear: {basis: cosine}
  - shallow: {activation: relu}
widths: [4, 8]
optimizer: adam
learning_rates: [0.01, 0.1, 1e30]
batch_size: 16
steps: 2000
seeds: 3
record_at: {log_spaced: 12}
checkpoint_seconds: 0.02
"""

# The whole of a run, from reading the YAML to the last file of its training; what is killed has no report.
TRAIN = """
import sys
from pathlib import Path
import pipeline.cli.running, pipeline.config, pipeline.plans, pipeline.training.segments
from pipeline.reuse.request import Reuse
pipeline.training.segments.MOST_OPERATIONS = 5_000_000  # checkpoints between recorded steps, too
config, folder = map(Path, sys.argv[1:])
made = pipeline.plans.make_plan("killed", pipeline.config.read_experiment(config))
pipeline.cli.running.train(made, folder, Reuse(fresh=True))
"""


def begun(config: Path, folder: Path) -> preloaded.Command:
    """A process that trains into a folder."""
    return preloaded.begin(str(config), str(folder), cwd=config.parent, stderr=subprocess.DEVNULL, program=TRAIN)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A configuration, the folder of its whole run, and the seconds that it took."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "config.yaml").write_text(CONFIG)
    started = time.monotonic()
    with contextlib.closing(begun(folder / "config.yaml", folder / "run")) as process:
        assert process.wait() == 0
    assert set(read_outcomes(folder / "run")["status"]) == {"done", "diverged"}
    return folder / "config.yaml", folder / "run", time.monotonic() - started


def sorted_rows(table: pl.DataFrame) -> pl.DataFrame:
    return table.sort([name for name in ("trial", "step", "diagnostic", "x") if name in table.columns])


def assert_same_run(given: Path, expected: Path) -> None:
    """The same numbers to the last bit; only the time that it took may differ, and the code if somebody edits it."""
    for read in (read_records, read_fitted_samples):
        assert_frame_equal(sorted_rows(read(given)), sorted_rows(read(expected)), check_exact=True)
    given_rows, expected_rows = (sorted_rows(read_outcomes(run)).drop("seconds", "code") for run in (given, expected))
    assert_frame_equal(given_rows, expected_rows)
    assert not list(given.rglob("*.part"))


def test_killed_at_random_moments_and_run_again_gives_the_same_records(whole, tmp_path):
    config, expected, seconds = whole
    seed = random.SystemRandom().randrange(10**6)
    print("seed of the moments:", seed)
    killed, ended, rng, kills = tmp_path / "killed", [], random.Random(seed), 0
    while kills < KILLS:
        with contextlib.closing(begun(config, killed)) as process:
            time.sleep(rng.uniform(0, 3 * seconds / KILLS))
            process.kill()
            if process.wait() == -signal.SIGKILL:
                kills += 1
            else:  # it came to its end before: the next attempts start from nothing again
                ended.append(process.returncode)
                killed.rename(tmp_path / f"ended-{len(ended)}")
    with contextlib.closing(begun(config, killed)) as process:
        ended.append(process.wait())
    assert set(ended) == {0}
    for folder in tmp_path.iterdir():
        assert_same_run(folder, expected)


def words(config, folder):
    return ["run", str(config), "--out", str(folder)]


# The command as it is, but that it goes no further once there is a checkpoint: it is stopped there, however late.
WAITS_AT_A_CHECKPOINT = """
import runpy, sys, time
from pathlib import Path
from pipeline.training.segments import RemainingSegments
left = RemainingSegments.__iter__

def until_a_checkpoint(self):
    for segment in left(self):
        while any(Path(sys.argv[-1]).glob("checkpoints/*/last.ckpt")):
            time.sleep(0.01)
        yield segment

RemainingSegments.__iter__ = until_a_checkpoint
runpy.run_module("pipeline", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
def test_command_that_was_stopped_goes_on(whole, tmp_path, how):
    config, expected, _ = whole
    stopped = tmp_path / "stopped"
    first = preloaded.begin(*words(config, stopped), cwd=tmp_path, new_session=True, program=WAITS_AT_A_CHECKPOINT)
    while not list(stopped.glob("checkpoints/*/last.ckpt")):
        time.sleep(0.01)
        assert first.poll() is None
    os.killpg(first.pid, how)
    _, said = first.communicate()
    assert first.returncode == {signal.SIGKILL: -9, signal.SIGTERM: 128 + 15, signal.SIGINT: 130}[how]
    assert ("interrupted; the same command goes on" in said) == (how is signal.SIGINT)
    assert "Traceback" not in said
    assert len(read_outcomes(stopped)) < 36
    again = preloaded.run(*words(config, stopped), cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert_same_run(stopped, expected)


# Some packs of a plan, trained by a worker beside others.


@pytest.fixture
def plan(experiment):
    """Four packs of 12 trials."""
    return make_plan("test", experiment(widths=(6, 7), models=(Shallow(Tanh()), Shallow())))


def quiet():
    return TrainingProgress(io.StringIO())


def trained(plan, folder, packs=None, **fields):
    """What a worker counts that was given some packs."""
    arguments = {"progress": quiet(), "provenance": OutcomeProvenance(), "deadline": Deadline()} | fields
    return train_packs(plan.packs if packs is None else packs, plan.experiment, folder, **arguments)


def test_worker_trains_its_packs_and_no_others(plan, tmp_path):
    first, second, *_ = plan.packs
    assert trained(plan, tmp_path, [second]) == TrialCounts(done=12)
    assert finished_packs(tmp_path) == {second.id}
    assert trained(plan, tmp_path, [first, second], provenance=OutcomeProvenance("9_1", 2, "abc")) == TrialCounts(
        done=12
    )
    outcomes = read_outcomes(tmp_path).select("pack", "job", "attempt", "code").unique().sort("job")
    assert outcomes.rows() == [(second.id, "", 1, ""), (first.id, "9_1", 2, "abc")]


def test_run_says_which_code_trained(plan, tmp_path, monkeypatch):
    import pipeline.training.run as run_module

    monkeypatch.setattr(run_module, "code_version", lambda: "0123456789ab")
    run_plan(plan, tmp_path, quiet())
    assert read_outcomes(tmp_path).select("job", "attempt", "code").unique().rows() == [("", 1, "0123456789ab")]


def test_run_says_which_engines_train_and_the_outcomes_name_them(experiment, tmp_path):
    plan, log = make_plan("p", experiment(steps=2, models=(Shallow(),), widths=(6, 50_000))), io.StringIO()
    run_plan(plan, tmp_path, TrainingProgress(log))
    why = "the fused one takes 131072 weights at most, not 150001"
    assert log.getvalue().startswith(f"engine: one_input for 1 pack, reference for 1 pack ({why})\n")
    engines = {pack.id: "one_input" if pack.shape.width == 6 else "reference" for pack in plan.packs}
    assert dict(read_outcomes(tmp_path).select("pack", "engine").iter_rows()) == engines


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full"), SystemExit(143)], ids=repr)
def test_bar_is_taken_off_the_terminal_when_training_ends_early(plan, tmp_path, monkeypatch, error):
    """What is said of the error then stands on a line of its own."""
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    progress = TrainingProgress(terminal)

    def interrupted(*arguments, **named):
        progress.draw()
        raise error

    monkeypatch.setattr(run, "fit", interrupted)
    with pytest.raises(type(error), match=f"^{re.escape(str(error))}$"):
        run_plan(plan, tmp_path, progress)
    assert not progress.display.live.is_started
    assert re.search(r"0/48 trials, [^\n]* 0 failed\n$", terminal.getvalue())


def test_no_pack_is_begun_after_the_deadline(plan, tmp_path):
    assert trained(plan, tmp_path, deadline=Deadline(0)) == TrialCounts(stopped=True)
    assert {path.name for path in tmp_path.iterdir()} == {"locks"}


def test_deadline_that_passes_when_all_is_done_has_stopped_nothing(plan, tmp_path):
    trained(plan, tmp_path)
    assert trained(plan, tmp_path, deadline=Deadline(0)) == TrialCounts()


def test_worker_that_stops_inside_a_pack_keeps_what_it_did(plan, tmp_path, monkeypatch):
    trained(plan, tmp_path / "whole")
    monkeypatch.setattr(segments, "MOST_OPERATIONS", 100_000)
    deadline = Deadline()

    class Watch(TrainingProgress):
        def advance(self, trial_steps):
            super().advance(trial_steps)
            if self.pack is plan.packs[1] and self.pack_steps > 12 * 12:
                deadline.bring_forward(0)

    counts = trained(plan, tmp_path / "stopped", progress=Watch(io.StringIO()), deadline=deadline)
    assert counts == TrialCounts(done=12, stopped=True)
    assert [path.parent.name for path in tmp_path.glob("stopped/checkpoints/*/last.ckpt")] == [plan.packs[1].id]
    assert trained(plan, tmp_path / "stopped") == TrialCounts(done=36)
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")


def test_pack_that_another_has_is_left_to_it(plan, tmp_path):
    with pack_lock(tmp_path, plan.packs[0].id, print):
        assert trained(plan, tmp_path) == TrialCounts(done=36, held_elsewhere=12)
    assert finished_packs(tmp_path) == {pack.id for pack in plan.packs[1:]}
    assert trained(plan, tmp_path) == TrialCounts(done=12)


def test_pack_that_another_gave_up_is_trained_at_the_end(plan, tmp_path):
    other = pack_lock(tmp_path, plan.packs[0].id, print)
    order = []

    class Watch(TrainingProgress):
        def finish_pack(self, pack, **ended):
            super().finish_pack(pack, **ended)
            order.append(pack)
            if len(order) == 2:
                other.__exit__(None, None, None)

    other.__enter__()
    progress = Watch(io.StringIO())
    assert trained(plan, tmp_path, progress=progress) == TrialCounts(done=48)
    assert order == [*plan.packs[1:], plan.packs[0]]
    assert progress.text().startswith("48/48 trials, ")


def test_pack_that_another_has_just_finished_is_not_trained_again(plan, tmp_path):
    class Late(TrainingProgress):
        """Between the look at the folder and the first pack another worker is through with two."""

        def start(self, packs, left, **before):
            super().start(packs, left, **before)
            trained(plan, tmp_path, plan.packs[:2], provenance=OutcomeProvenance("other"))

    progress = Late(io.StringIO())
    assert trained(plan, tmp_path, progress=progress, provenance=OutcomeProvenance("this")) == TrialCounts(done=24)
    assert dict(read_outcomes(tmp_path)["job"].value_counts().rows()) == {"other": 24, "this": 24}
    assert progress.text().startswith("48/48 trials, ")
    assert " in " in progress.text()


WORKER = """
import io, sys, time
from pathlib import Path
from pipeline.config import read_experiment
from pipeline.plans import make_plan
from pipeline.records.outcome_provenance import OutcomeProvenance
from pipeline.training import run
from pipeline.training.deadline import Deadline
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import train_packs
config, folder, job = sys.argv[1:]
fit, here = run.fit, Path(config).parent

def beside_the_others(*arguments, **named):
    (here / f"{job} trains").touch()
    while len(list(here.glob("? trains"))) < 3:
        time.sleep(0.01)
    return fit(*arguments, **named)

run.fit = beside_the_others
plan = make_plan("shared", read_experiment(Path(config)))
counts = train_packs(
    plan.packs, plan.experiment, Path(folder), TrainingProgress(io.StringIO()),
    provenance=OutcomeProvenance(job), deadline=Deadline(),
)
print(counts.done + counts.diverged)
"""


def test_three_workers_given_the_same_packs_train_each_once(tmp_path):
    config, run = tmp_path / "config.yaml", tmp_path / "run"
    text = CONFIG.replace("widths: [4, 8]", "widths: [2, 3, 4, 5]").replace("steps: 2000", "steps: 200")
    config.write_text(text.replace("checkpoint_seconds: 0.02", "checkpoint_seconds: 60"))
    workers = [preloaded.begin(str(config), str(run), job, cwd=tmp_path, program=WORKER) for job in "abc"]
    said = [worker.communicate() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0], said
    assert sum(int(trained) for trained, _ in said) == 72
    outcomes = read_outcomes(run)
    assert len(outcomes) == outcomes["trial"].n_unique() == 72
    assert outcomes["job"].n_unique() == 3
    assert not read_records(run).select("trial", "step", "diagnostic").is_duplicated().any()
    assert not list((run / "locks").iterdir())


@pytest.mark.parametrize("number", [errno.ENOLCK, 524])
def test_folder_without_locks_is_warned_of_once_and_trained_in(plan, tmp_path, monkeypatch, number):
    def refused(file, operation):
        raise OSError(number, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", refused)
    said = io.StringIO()
    assert run_plan(plan, tmp_path, TrainingProgress(said)).done == 48
    assert sum(str(tmp_path / "locks") in line for line in said.getvalue().splitlines()) == 1


def test_folder_whose_lock_fails_is_not_trained_in(plan, tmp_path, monkeypatch):
    def broken(file, operation):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(locks.fcntl, "flock", broken)
    message = re.escape(f"{tmp_path / '.lock'}: cannot be locked: input/output error\n  hint: ")
    with pytest.raises(PipelineError, match=f"^{message}"):
        run_plan(plan, tmp_path, quiet())


# A disk that is full.


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs to mount a file system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(disk, left):
    """Leave so many bytes of a disk."""
    (disk / "filler").write_bytes(b"")
    free = os.statvfs(disk)
    (disk / "filler").write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - left))


def test_disk_full_at_any_write_stops_the_run_and_costs_no_trial(experiment, tmp_path, small_disk):
    requested = experiment(
        models=(Shallow(),), widths=(6, 60), checkpoint_seconds=1e-9, record_at=tuple(range(0, 41, 5))
    )
    plan, run = make_plan("test", requested), small_disk / "run"
    run_plan(plan, tmp_path / "whole", quiet())
    met = set()
    page = 4096
    for left in (page * number for number in range(1, 64)):
        fill(small_disk, left)
        with contextlib.suppress(OSError):
            run_plan(plan, run, quiet())
            break
        with pytest.raises(OSError) as full:
            run_plan(plan, run, quiet())
        assert full.value.errno == errno.ENOSPC
        met.add(Path(full.value.filename).relative_to(run).parts[0])
        assert not list(run.rglob("*.part"))
        assert set(read_outcomes(run)["status"]) <= {"done"}
    assert met >= {"records", "checkpoints"}
    (small_disk / "filler").unlink()
    run_plan(plan, run, quiet())
    assert_same_run(run, tmp_path / "whole")


def test_nothing_of_a_pack_is_in_memory_when_the_next_begins(experiment, tmp_path, monkeypatch):
    modules = []

    def watched(*arguments, **named):
        modules.append([thing for thing in gc.get_objects() if isinstance(thing, PackModule)])
        return fit(*arguments, **named)

    monkeypatch.setattr(run, "fit", watched)
    run_plan(make_plan("test", experiment(widths=(3, 4, 5))), tmp_path, TrainingProgress(io.StringIO()))
    assert modules == [[]] * 6
