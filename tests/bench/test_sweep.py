"""The bench of whole sweeps runs what a user types and sets it beside one process per trial."""

import math

import pytest

from pipeline.bench import sweep
from pipeline.bench.sweep import SweepTiming, exponent, rows
from pipeline.config import read_experiment
from pipeline.errors import PipelineError
from pipeline.plans import make_plan


def test_configuration_is_a_thousand_trials_of_ten_thousand_steps_at_sixty_points():
    experiment = read_experiment(sweep.CONFIG)
    (pack, *_) = make_plan("bench", experiment).packs
    assert len(make_plan("bench", experiment).trials) == 1000
    assert experiment.num_steps == 10_000
    assert len(experiment.recorded_steps()) == pytest.approx(60, abs=10)
    assert (pack.shape.problem.train, pack.shape.problem.num_inputs, pack.shape.width) == (256, 2, 64)


def test_a_part_of_the_sweep_is_run_from_the_command_line_to_its_results():
    swept = sweep.sweep(("seeds=1", "steps=3", "record_at=[3]"))
    assert (swept.trials, swept.steps) == (10, 3)
    assert swept.values >= 10 * 2 * 5  # of ten trials, at steps 0 and 3
    assert swept.seconds > 0.1
    assert 2e8 < swept.peak_bytes < 2 << 30


def test_command_that_fails_is_told_with_what_it_said():
    with pytest.raises(PipelineError, match="pipeline run failed"):
        sweep.finished_command(["run", "configs/no_such.yaml"])


def test_start_of_a_process_and_step_of_a_trial_are_measured(monkeypatch):
    monkeypatch.setattr(sweep, "STARTUP", "import time; time.sleep(0.2)")
    assert sweep.startup_seconds() >= 0.2
    assert sweep.step_seconds() > 1e-5  # a Lightning Trainer cannot make a step in less


def test_rows_say_how_time_grows_and_what_processes_would_take(monkeypatch):
    monkeypatch.setattr(sweep, "CORES", 2)
    every = [
        SweepTiming(1000, 10_000, 5, 50.0, 2 << 30),
        SweepTiming(100, 100, 5, 8.0, 1 << 30),
        SweepTiming(1000, 100, 5, 40.0, 1 << 30),
    ]
    table = rows(every, startup_s=4.0, step_s=1e-3)
    assert table["exponent in trials"].to_list() == [None, None, pytest.approx(math.log10(5))]
    assert table["one process per trial, hours"][0] == pytest.approx(1000 * (4 + 10) / 2 / 3600)
    assert table["faster by"][0] == pytest.approx(1000 * 14 / 2 / 50)
    assert table["peak GiB"].to_list() == [2, 1, 1]


def test_time_of_so_much_for_each_trial_grows_with_the_power_one():
    assert exponent(SweepTiming(100, 7, 0, 3.0, 0), SweepTiming(100_000, 7, 0, 3000.0, 0)) == pytest.approx(1)


def test_rate_of_writing_is_that_of_all_rows(monkeypatch):
    written = []
    monkeypatch.setattr(sweep, "ROWS_WRITTEN", 5000)
    monkeypatch.setattr(sweep, "write_records", lambda run, pack, step, table: written.append(table))
    assert sweep.values_per_second() > 0
    (table,) = written
    assert table.select("trial", "step").n_unique() == 5000
