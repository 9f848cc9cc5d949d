"""The runs of trials on W&B, each made from the records of one trial."""

from __future__ import annotations

import functools
import hashlib
import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.definitions import canonical
from pipeline.diagnostics import DIAGNOSTICS
from pipeline.experiment.packing import Pack
from pipeline.plans import Plan
from pipeline.records.store import read_fitted_samples, read_records_of, scan_records
from pipeline.report.answer.answer import NO_ANSWER, Answer, answer_of
from pipeline.report.tables.approximation_rates import rates
from pipeline.report.tables.cells import PROBLEM, WORDS
from pipeline.report.tables.coordinate_check import coordinate_check
from pipeline.report.tables.excess_losses import predicted_and_measured
from pipeline.report.tables.printing import cell_text
from pipeline.report.tables.run_tables import RunTables
from pipeline.report.theory.own_code import unless_own_code_fails
from pipeline.report.theory.predicted_losses import predicted_curves
from pipeline.tracking.export.run_content import STEP, RunContent, with_extremes

PREDICTED = "predicted_loss"
"""The loss that theory predicts of a linear model, beside the measured one."""
SETTING, MODEL_AND_WIDTH, MODEL_AND_PROBLEM = "setting", "model_and_width", "model_and_problem"
"""Keys of the configuration by which panels group runs, W&B groups by one key: all but the seed, and less."""
SMALLEST = frozenset(name for name, kind in DIAGNOSTICS.items() if kind.section() == "convergence")
"""Diagnostics with their least value in the summary: measures of convergence."""


@dataclass(frozen=True)
class RecordedRun:
    """A recorded run of the pipeline: its plan, results and outcomes, from which everything on W&B is made.

    Args:
        folder: Of the run.
        plan: Its plan.
        results: One row for each trial, as the report has it.
        outcomes: One row for each finished trial.
    """

    folder: Path
    plan: Plan
    results: pl.DataFrame
    outcomes: pl.DataFrame

    @functools.cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        """The results of each trial, by id."""
        return {row["trial"]: row for row in self.results.iter_rows(named=True)}

    @functools.cached_property
    def outcome_by_trial(self) -> dict[str, dict[str, Any]]:
        """The outcome of each finished trial, by id."""
        return {row["trial"]: row for row in self.outcomes.iter_rows(named=True)}

    @functools.cached_property
    def answer(self) -> Answer:
        """What the report begins with."""
        records, samples = scan_records(self.folder), read_fitted_samples(self.folder)
        tables = RunTables(self.plan, self.results, records, samples, self.folder)
        return unless_own_code_fails("answer", lambda: answer_of(tables, self.outcomes), NO_ANSWER)

    @functools.cached_property
    def theory_tables(self) -> dict[str, pl.DataFrame]:
        """The report's tables of theory against measurement, by name; empty ones are left out."""
        records = scan_records(self.folder)
        of_names: dict[str, Callable[[], pl.DataFrame]] = {
            "rates": lambda: rates(self.plan, self.results).filter(pl.col("rate").is_not_null()),
            "descent": lambda: predicted_and_measured(self.plan, self.results, records, self.outcomes),
            "coordinates": lambda: coordinate_check(self.plan, self.results, records),
        }
        tables = {name: unless_own_code_fails(name, make, pl.DataFrame()) for name, make in of_names.items()}
        return {name: table for name, table in tables.items() if not table.is_empty()}

    @functools.cached_property
    def problem_axes(self) -> list[str]:
        """Axes, other than the label, in which problems differ."""
        return [name for name in PROBLEM if name != "problem" and self.results[name].n_unique() > 1]

    @property
    def group(self) -> str:
        """The group of its runs on W&B."""
        return self.plan.folder_name

    @functools.cached_property
    def plan_provenance(self) -> dict[str, Any]:
        """Provenance in the plan: the code and the machine that made it."""
        plan = json.loads((self.folder / "plan.json").read_bytes())
        return dict(plan.get("provenance") or {})

    @property
    def command(self) -> str:
        """The command that trains the sweep again."""
        return f"python -m pipeline run {shlex.quote(f'{self.plan.name}.yaml')}"

    @functools.cached_property
    def prefix(self) -> str:
        """The first part of the ids of its runs: 10 digits of the identity of the experiment."""
        return self.plan.experiment.identity()[:10]

    def run_id_of(self, trial: str) -> str:
        """The id of a trial's run: of experiment and trial, so the same whoever exports it.

        One that failed has another id for each failure: it may be tried again, and then has other records.

        Args:
            trial: Its id here.

        Returns:
            The first digits of both identities.
        """
        outcome = self.outcome_by_trial.get(trial)
        if outcome is None or outcome["status"] != "failed":
            return f"{self.prefix}-{trial[:16]}"
        which = json.dumps([outcome[name] for name in ("job", "attempt", "step", "reason")])
        return f"{self.prefix}-{trial[:16]}-failed-{hashlib.sha256(which.encode()).hexdigest()[:6]}"


def trial_runs(source: RecordedRun, trials: Sequence[str]) -> Iterator[RunContent]:
    """The runs of some finished trials, read pack by pack.

    Args:
        source: The recorded run.
        trials: Their ids.

    Yields:
        One run after the other, in the order of the plan.
    """
    wanted = set(trials)
    for pack in source.plan.packs:
        members = [trial.id for trial in pack.trials if trial.id in wanted]
        if members:
            yield from _of_pack(source, pack, members)


def _of_pack(source: RecordedRun, pack: Pack, trials: list[str]) -> Iterator[RunContent]:
    histories = _histories(source, pack, trials)
    finished_at = (source.folder / "outcomes" / f"{pack.id}.parquet").stat().st_mtime
    for trial in trials:
        row, outcome = source.rows[trial], source.outcome_by_trial[trial]
        seconds = len(pack.trials) * (outcome["seconds"] or 0.0)
        history = histories.get(trial, [])
        yield RunContent(
            id=source.run_id_of(trial),
            name=display_name(row),
            group=source.group,
            job_type=row["model"],
            tags=(row["problem"], row["status"], row["verdict"]),
            config=trial_config(source, pack, row, outcome),
            rows=history,
            summary=with_extremes(history, SMALLEST) | outcome_summary(row),
            smallest=SMALLEST & {name for entry in history for name in entry},
            calculated=frozenset({PREDICTED}),
            exit_code=int(row["status"] == "failed"),
            began_at=finished_at - seconds,
            seconds=seconds,
            steps=pack.shape.steps,
            commit=commit_of(source, outcome["code"]),
            notes=notes_of(source, outcome["reason"] if row["status"] == "failed" else ""),
        )


def commit_of(source: RecordedRun, code: str | None) -> str:
    """The commit of the code that trained a trial, else of that which planned it.

    Args:
        source: The recorded run.
        code: As in an outcome: a commit, with ``+`` and a hash where files differed from it.

    Returns:
        The commit alone; empty where neither is known.
    """
    return str(code or source.plan_provenance.get("code") or "").partition("+")[0]


def notes_of(source: RecordedRun, failed: str = "") -> str:
    """Notes in Markdown: the question, the command, and why a trial failed.

    Args:
        source: The recorded run.
        failed: The reason; empty if it did not fail.

    Returns:
        Some lines.
    """
    return f"{source.plan.experiment.question}\n\n    {source.command}" + (f"\n\nfailed: {failed}" if failed else "")


def _histories(source: RecordedRun, pack: Pack, trials: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The history of each trial, one mapping for each step, with the predicted loss beside the measured one."""
    records = read_records_of(source.folder, pack.id).filter(pl.col("trial").is_in(trials))
    histories: dict[str, dict[int, dict[str, Any]]] = {trial: {} for trial in trials}
    rows = records.sort("step", maintain_order=True).select("trial", "step", "diagnostic", "value")
    for trial, step, diagnostic, value in rows.iter_rows():
        histories[trial].setdefault(step, {STEP: step})[diagnostic] = value
    rates = {trial: source.outcome_by_trial[trial]["learning_rate"] for trial in trials}
    steps = sorted({step for history in histories.values() for step in history})
    for trial, curve in predicted_curves(pack.shape, rates, steps).items():
        for step, entry in histories[trial].items():
            if "loss" in entry:
                entry[PREDICTED] = curve[step]
    return {trial: list(history.values()) for trial, history in histories.items()}


def display_name(row: dict[str, Any]) -> str:
    """The name of a trial's run for people: model, width, learning rate, seed, problem."""
    return ", ".join([*_setting(row), f"seed {row['seed']}", row["problem"]])


def _setting(row: dict[str, Any]) -> list[str]:
    """Model, width and learning rate, which the seeds of a setting have in common."""
    rate = row.get("times_limit") or row["learning_rate"]
    unit = " x limit" if row.get("times_limit") else ""
    training = [words.format(row[name]) for name, words in WORDS.items() if name in row]
    model = ", ".join([row["model"], *training])
    return [model, f"width {row['width']}", *([f"rate {rate:.3g}{unit}"] if rate is not None else [])]


def groups_of(source: RecordedRun, row: dict[str, Any]) -> dict[str, str]:
    """The groups of a trial, by key; no two models or problems are in one.

    Args:
        source: The recorded run.
        row: The results of the trial.

    Returns:
        Names for people, by key.
    """
    setting = _setting(row)
    problem = [row["problem"], *(f"{name} {cell_text(row[name])}" for name in source.problem_axes)]
    return {
        SETTING: ", ".join([*setting, *problem]),
        MODEL_AND_WIDTH: ", ".join([*setting[:2], *problem]),
        MODEL_AND_PROBLEM: ", ".join([*setting[:1], *problem]),
    }


def trial_config(source: RecordedRun, pack: Pack, row: dict[str, Any], outcome: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a trial's run: flat, to group and filter by, then the whole experiment; and provenance.

    Args:
        source: The recorded run.
        pack: Of the trial.
        row: The results of the trial.
        outcome: Its outcome.

    Returns:
        By key.
    """
    axes = ("problem", "dimension", "train", "noise", "model", "width", "learning_rate", "times_limit", "seed")
    flat = {name: row[name] for name in axes if name in row}
    flat |= groups_of(source, row)
    shape = pack.shape
    flat |= {"optimizer": shape.optimizer.label(), "loss_function": shape.loss.name(), "steps": shape.steps}
    flat |= {"batch_size": shape.batch_size or "full", "dtype": shape.dtype, "weights": shape.num_weights}
    provenance = ("engine", "device", "host", "version", "code", "job", "attempt", "pack")
    flat |= {name: outcome[name] for name in provenance}
    flat |= {"training_seconds": outcome["seconds"], "command": source.command}
    return flat | {"trial": row["trial"], "experiment": canonical(source.plan.experiment)}


def outcome_summary(row: dict[str, Any]) -> dict[str, Any]:
    """The part of the summary that is not recorded by step: status, last step, verdict, reason of a failure."""
    said = {"status": row["status"], "last_step": row["step"], "verdict": row["verdict"]}
    said |= {"reason": row["reason"]} if row["status"] == "failed" else {}
    trusted = row.get("condition_number_trust")
    return said | ({"condition_number_trust": trusted} if trusted else {})
