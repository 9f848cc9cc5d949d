"""The configurations that ship: each runs here with one command, and says what its question promises."""

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from pipeline.config import read_experiment
from pipeline.plan import make_plan
from pipeline.records.store import read_outcomes, read_records

ROOT = Path(__file__).parent.parent
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))


def cpu_seconds_of_children():
    """What the processes that have ended have taken so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Finished:
    """A configuration that was run by the command a user types."""

    def __init__(self, config, folder):
        spent = cpu_seconds_of_children()
        command = [sys.executable, "-m", "pipeline", "run", str(config), "--out", str(folder)]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        self.cpu_seconds = cpu_seconds_of_children() - spent
        self.config, self.folder, self.stdout, self.stderr = config, folder, told.stdout, told.stderr
        self.code = told.returncode

    def results(self):
        """One row per trial."""
        command = [sys.executable, "-m", "pipeline", "results", str(self.folder), "--json"]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return pl.DataFrame(json.loads(told.stdout), infer_schema_length=None)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The finished run of a configuration by name; each is run once."""
    runs = {}

    def run(name):
        if name not in runs:
            (config,) = [path for path in CONFIGS if path.stem == name]
            runs[name] = Finished(config, tmp_path_factory.mktemp("runs") / name)
        return runs[name]

    return run


@pytest.mark.parametrize("name", [path.stem for path in CONFIGS])
def test_configuration_runs_to_its_report(finished, name):
    run = finished(name)
    assert run.code == 0, run.stderr
    assert run.cpu_seconds < 150  # about a minute on two quiet cores; a busy machine's cores do less in a second
    planned = make_plan(name, read_experiment(run.config)).trials
    outcomes = read_outcomes(run.folder)
    assert sorted(outcomes["trial"]) == sorted(planned)
    assert set(outcomes["status"]) <= {"done", "diverged"}
    assert set(read_records(run.folder)["trial"]) <= set(planned)
    assert (run.folder / "report.html").stat().st_size > 100_000
    assert list((run.folder / "figures").glob("*.png"))
    assert f"report: {run.folder / 'report.html'}" in run.stderr
    counted = rf"^{len(planned)}/{len(planned)} trials, .* trial-steps/s, in .* failed$"
    assert re.search(counted, run.stderr, re.MULTILINE)


def test_default_experiment_has_hundreds_of_trials_and_the_learned_basis_wins_on_a_kink(finished):
    results = finished("fixed_vs_learned_basis").results()
    assert len(results) >= 300
    assert set(results["problem"]) == {"absolute_value", "sine(frequency=1.0)"} or results["problem"].n_unique() == 2
    done = results.filter((pl.col("status") == "done") & (pl.col("problem") == "absolute_value"))
    medians = done.group_by("model", "width", "learning_rate").agg(pl.col("test_error").cast(pl.Float64).median())
    best = medians.group_by("model").agg(pl.col("test_error").min())
    error = dict(best.iter_rows())
    fixed = [value for model, value in error.items() if model.startswith("linear")]
    assert error["shallow(relu)"] < min(fixed)


def test_linear_model_cannot_tell_exclusive_or_and_networks_can_for_some_seeds(finished):
    run = finished("xor")
    results = run.results()
    linear = results.filter(pl.col("model") == "linear(monomial)")
    assert set(linear["width"]) == {2, 3, 4}
    converged = linear.filter(pl.col("learning_rate") >= 0.3)
    risk = 2 * converged["loss"].cast(pl.Float64)  # the loss is half the mean square
    assert ((risk - 0.25).abs() < 1e-6).all()
    assert (linear["test_error"].cast(pl.Float64) >= 0.25).all()
    for model in ("shallow(relu)", "shallow(tanh)"):
        for width in (2, 3, 4):
            networks = results.filter((pl.col("model") == model) & (pl.col("width") == width))
            solved = (networks["test_error"].cast(pl.Float64) == 0).fill_null(False).mean()
            assert 0 < solved < 1, (model, width)
    identity = results.filter((pl.col("model") == "shallow(identity)") & (pl.col("status") == "done"))
    assert (identity["test_error"].cast(pl.Float64) >= 0.25).all()


def test_digits_are_learned_at_some_rates(finished):
    results = finished("digits_width_vs_learning_rate").results()
    wide = results.filter((pl.col("width") == 128) & (pl.col("status") == "done"))
    by_rate = wide.group_by("learning_rate").agg(pl.col("test_error").cast(pl.Float64).median()).sort("test_error")
    assert by_rate["test_error"][0] < 0.04  # logistic regression misses 3 to 4 of 100 digits
    assert by_rate["test_error"][-1] > 0.1


def parsed(text):
    """What is said above the table of a summary, and its rows by problem and model."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not set(line.strip()) <= {"─"}]
    (header,) = [index for index, line in enumerate(lines) if line.startswith("problem ")]
    columns, *rows = (re.split(r" {2,}", line) for line in lines[header:])
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    return lines[:header], {(row["problem"], row["model"]): row for row in found}


def shown_wrongly(shown, printed, widths, rates):
    """Cells of the table that is shown which a run on another processor could not print.

    Another processor rounds otherwise, and 3000 steps of float32 on a network spread that: a trial more or less
    diverges, an error moves, and of two rates that are about as good the other one may win.
    """
    places = {f"{rate:.4g}": place for place, rate in enumerate(sorted(rates))}

    def possible(column, cell, real):
        match column:
            case "diverged":
                return abs(int(cell) - int(real)) <= 12
            case "best_width":
                return {int(cell), int(real)} <= set(widths)
            case "best_learning_rate":
                return {cell, real} <= places.keys() and abs(places[cell] - places[real]) <= 1
            case "median_test_error":
                return float(cell) == pytest.approx(float(real), rel=0.6, abs=0)
        return cell == real

    said, rows = parsed(shown)
    real_said, real_rows = parsed(printed)
    wrong = [] if said == real_said else [said]
    if list(rows) != list(real_rows) or any(rows[key].keys() != real_rows[key].keys() for key in rows):
        return [*wrong, sorted(rows)]
    for key, row in rows.items():
        wrong += [
            (*key, column, cell) for column, cell in row.items() if not possible(column, cell, real_rows[key][column])
        ]
    return wrong


def readme_table():
    """The table that README shows as the output of ``make run``, and what is said above it."""
    (shown,) = re.findall(r"```\n\$ make run\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    told = (r"Does a learned basis", r"\d+ trials in ", r"\d+/\d+ trials, ", r"report: ")
    return "\n".join(line for line in shown.splitlines() if not re.match("|".join(told), line))


def axes_of_default():
    """The widths and the learning rates of the experiment that README shows."""
    trials = make_plan("default", read_experiment(ROOT / "configs" / "fixed_vs_learned_basis.yaml")).trials.values()
    return {trial.shape.width for trial in trials}, {trial.learning_rate for trial in trials}


def test_readme_shows_the_real_output_of_make_run(finished):
    run = finished("fixed_vs_learned_basis")
    assert shown_wrongly(readme_table(), run.stdout, *axes_of_default()) == []
    (shown,) = re.findall(r"```\n\$ make run\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    plan = make_plan(run.config.stem, read_experiment(run.config))
    trials, folder = len(plan.trials), f"runs/{plan.folder_name}"
    start = f"{plan.experiment.question}\n{trials} trials in {len(plan.packs)} packs, into {folder}\n"
    assert shown.startswith(f"{start}{trials}/{trials} trials, ")
    assert shown.endswith(f"\nreport: {folder}/report.html\n")


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [
        ("diverged", "25", "53"),
        ("best_width", "8", "7"),
        ("best_learning_rate", "0.3162", "0.1"),
        ("median_test_error", "0.0003", "0.0009"),
        ("verdict", "cannot say", "agrees (175 of 175 trials)"),
    ],
)
def test_cell_that_no_run_prints_is_found(column, good, bad):
    real = readme_table()
    _, rows = parsed(real)
    key = ("absolute_value", "shallow(relu)")
    (line,) = [line for line in real.splitlines() if line.split()[:2] == list(key)]
    for cell, wrong in ((good, []), (bad, [(*key, column, bad)])):
        row = "   ".join((rows[key] | {column: cell}).values())
        assert shown_wrongly(real.replace(line, row), real, *axes_of_default()) == wrong


def test_every_rate_below_the_limit_converges_and_none_above_it_to_a_tenth_of_a_percent(finished):
    results = finished("learning_rate_limit").results()
    assert results.filter(pl.col("times_limit") < 1)["status"].unique().to_list() == ["done"]
    assert results.filter(pl.col("times_limit") > 1)["status"].unique().to_list() == ["diverged"]
    assert (results["times_limit"] - 1).abs().min() == pytest.approx(0.001)
    assert set(results["verdict"]) == {"agrees"}


def test_no_fixed_basis_is_best_everywhere(finished):
    results = finished("approximation_efficiency").results()
    widest = results.filter(pl.col("width") == results["width"].max()).with_columns(
        pl.col("test_error").cast(pl.Float64)
    )
    best = widest.sort("test_error").group_by("problem", maintain_order=True).first()
    assert best["model"].n_unique() > 1
    assert (widest.filter(pl.col("model") == best["model"][0])["test_error"] > 1e-3).any()


def test_a_basis_chosen_from_a_dictionary_finds_the_two_monomials_of_the_target(finished):
    results = finished("nonlinear_approximation").results().filter(pl.col("width") == 2)
    error = dict(results.select("model", pl.col("test_error").cast(pl.Float64)).iter_rows())
    chosen = {model: value for model, value in error.items() if model.startswith("greedy(monomial")}
    assert len(chosen) == 1
    assert next(iter(chosen.values())) < 1e-12
    assert error["linear(monomial)"] > 0.1


def test_descent_on_a_network_settles_at_the_edge_of_stability(finished):
    run = finished("edge_of_stability")
    records = read_records(run.folder).filter(pl.col("diagnostic") == "stability_index", pl.col("step") >= 10_000)
    rates = read_outcomes(run.folder).select("trial", "learning_rate")
    means = records.join(rates, on="trial").group_by("trial", "learning_rate").agg(pl.col("value").mean())
    assert len(means) == 24
    settled = means.filter(pl.col("learning_rate") > 0.1)["value"]
    assert ((settled - 1).abs() <= 0.03).all()
    assert (means.filter(pl.col("learning_rate") < 0.1)["value"] < 0.6).all()
    assert (run.folder / "figures" / "stability_by_step.png").exists()
