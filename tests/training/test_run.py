"""A run that is killed at any moment and run again leaves what one that was not killed leaves."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipeline.records.store import read_fits, read_outcomes, read_records

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
steps: 1500
seeds: 3
record_at: {log_spaced: 12}
checkpoint_seconds: 0.02
"""

# Imports once, then forks a child for each attempt: an attempt costs milliseconds, not the seconds of an import.
# The child is the whole of a run, from reading the YAML to the last file.
ATTEMPTS = """
import json, os, random, signal, sys, time
from pathlib import Path
import pipeline.cli, pipeline.config, pipeline.plan, pipeline.training.run, pipeline.training.progress
import pipeline.training.stretches
pipeline.training.stretches.OPERATIONS_OF_STRETCH = 5_000_000  # checkpoints between recorded steps, too

def attempt(config, folder):
    child = os.fork()
    if child == 0:
        sys.stdout = sys.stderr = open(os.devnull, "w")
        try:
            asked = pipeline.config.read_experiment(config)
            pipeline.cli.train(pipeline.plan.make_plan("killed", asked), folder)
            os._exit(0)
        except BaseException:
            os._exit(99)
    return child

config, whole, killed = map(Path, sys.argv[1:4])
kills, seed = int(sys.argv[4]), sys.argv[5]
started = time.monotonic()
_, status = os.waitpid(attempt(config, whole), 0)
length = time.monotonic() - started
codes, moments, rng = [os.waitstatus_to_exitcode(status)], [], random.Random(seed)
while len(moments) < kills:
    child = attempt(config, killed)
    moment = rng.uniform(0, 3 * length / kills)
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == -signal.SIGKILL:
        moments.append(moment)
    else:  # it came to its end before: the next attempts start from nothing again
        codes.append(os.waitstatus_to_exitcode(status))
        killed.rename(killed.with_name(f"{killed.name}-{len(codes)}"))
_, status = os.waitpid(attempt(config, killed), 0)
codes.append(os.waitstatus_to_exitcode(status))
print(json.dumps({"codes": codes, "moments": moments}))
"""


def sorted_rows(table: pl.DataFrame) -> pl.DataFrame:
    return table.sort([name for name in ("trial", "step", "diagnostic", "x") if name in table.columns])


def assert_same_run(given: Path, expected: Path) -> None:
    """The same numbers to the last bit; only the time that it took may differ."""
    for read in (read_records, read_fits):
        assert_frame_equal(sorted_rows(read(given)), sorted_rows(read(expected)), check_exact=True)
    assert_frame_equal(
        sorted_rows(read_outcomes(given)).drop("seconds"), sorted_rows(read_outcomes(expected)).drop("seconds")
    )
    assert not list(given.rglob("*.part"))


def test_killed_at_random_moments_and_run_again_gives_the_same_records(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    seed = str(random.SystemRandom().randrange(10**6))
    print("seed of the moments:", seed)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    given = subprocess.run(
        [sys.executable, "-c", ATTEMPTS, str(config), str(whole), str(killed), str(KILLS), seed],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(given.stdout)
    assert set(told["codes"]) == {0}
    assert len(told["moments"]) == KILLS
    assert set(read_outcomes(whole)["status"]) == {"done", "diverged"}
    for folder in tmp_path.glob("killed*"):
        assert_same_run(folder, whole)


LONGER = CONFIG.replace("steps: 1500", "steps: 6000")


@pytest.fixture(scope="module")
def longer(tmp_path_factory):
    """A configuration of a few seconds, and the folder of its whole run."""
    folder = tmp_path_factory.mktemp("longer")
    (folder / "config.yaml").write_text(LONGER)
    subprocess.run(command(folder / "config.yaml", folder / "whole"), check=True, capture_output=True)
    return folder / "config.yaml", folder / "whole"


def command(config, folder):
    return [sys.executable, "-m", "pipeline", "run", str(config), "--out", str(folder)]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
def test_command_that_was_stopped_goes_on(longer, tmp_path, how):
    config, whole = longer
    stopped = tmp_path / "stopped"
    first = subprocess.Popen(command(config, stopped), stderr=subprocess.PIPE, start_new_session=True)
    while not list(stopped.glob("checkpoints/*/last.ckpt")):
        time.sleep(0.02)
        assert first.poll() is None
    os.killpg(first.pid, how)
    _, said = first.communicate()
    assert first.returncode == {signal.SIGKILL: -9, signal.SIGTERM: 128 + 15, signal.SIGINT: 130}[how]
    assert (b"interrupted; the same command goes on" in said) == (how is signal.SIGINT)
    assert b"Traceback" not in said
    assert len(read_outcomes(stopped)) < 36
    subprocess.run(command(config, stopped), check=True, capture_output=True)
    assert_same_run(stopped, whole)
