"""The page of a run, made from the plan and the records alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.config import as_yaml
from pipeline.definitions import canonical
from pipeline.errors import number_of
from pipeline.numerics.threads import threads_of_operation
from pipeline.plans import Plan, read_plan, read_provenance
from pipeline.records.atomic_writes import replacing
from pipeline.records.store import naming_damage, read_fitted_samples, read_outcomes, scan_records
from pipeline.report.answer.answer import NO_ANSWER, Answer, answer_of
from pipeline.report.figures.catalogue import ORDER, draw
from pipeline.report.figures.figure import FigureSpec
from pipeline.report.figures.png_process import MOST_AT_ONCE
from pipeline.report.html.explored_run import run_data
from pipeline.report.html.explorer_data import RunData
from pipeline.report.html.page_tables import (
    PageTable,
    columns_that_fit,
    page_table,
    page_table_or_none,
    verdict_class,
)
from pipeline.report.html.rendering import render_page
from pipeline.report.html.run_provenance import facts
from pipeline.report.html.wandb_links import read_wandb_links
from pipeline.report.playground.playground_page import write_playground
from pipeline.report.playground.trial_settings import why_not
from pipeline.report.tables.approximation_rates import rates
from pipeline.report.tables.cells import curve_of
from pipeline.report.tables.coordinate_check import coordinate_check
from pipeline.report.tables.critical_rates import critical_rates, order_sentence, phases, wide_rates
from pipeline.report.tables.departures import departures
from pipeline.report.tables.error_fractions import error_parts, in_percent, sentences
from pipeline.report.tables.excess_losses import predicted_and_measured
from pipeline.report.tables.infinite_widths import infinite_widths, infinite_widths_on_the_way
from pipeline.report.tables.network_ratios import network_ratios, with_network_ratios
from pipeline.report.tables.results import read_results, tolerance_of
from pipeline.report.tables.run_tables import RunTables
from pipeline.report.tables.summary import summary
from pipeline.report.tables.surrogate_losses import slopes, steps_to_accuracy
from pipeline.report.tables.yardstick_ratios import yardstick_ratios
from pipeline.report.theory.best_network_brackets import Brackets
from pipeline.report.theory.own_code import in_sentences, parts_left_out, unless_own_code_fails
from pipeline.report.theory.proved_descent import unproved_kinks
from pipeline.report.theory.stable_rates import not_measured
from pipeline.report.theory.trial_verdicts import PENDING, UNREADABLE, silences
from pipeline.report.theory.verdicts import CANNOT_SAY, decided, verdict_counts

LEADING = 1
"""Sentences of the answer that stand out; the others follow in small."""
MOST_REASONS = 20
LONG_TEXTS = ("grounds", "limit")
"""Columns of trials that are left out first where there is no room for all."""
LONGEST_REASON = 4000
STATUSES = ("done", "diverged", "failed", "pending", UNREADABLE)


@dataclass(frozen=True)
class Comparisons:
    """Tables of a run that hold its results against theory, each ``None`` or empty where there is nothing to compare.

    Args:
        excess_losses: Curves of descent beside their predictions.
        error_parts: What test errors come from.
        steps_to_accuracy: How soon few answers are wrong by each of several losses.
        coordinates: How the change of hidden units goes with the width.
        departures: How far networks went from their linearised ones.
        not_linearised: Why some have none, as sentences.
        critical_rates: Learning rates at which the phases of networks change, by width.
        wide_rates: Those of wide networks, beside theory.
        answer: What the run answers.
        infinite_widths: Networks beside their limit of infinite width.
        infinite_widths_on_the_way: The same at recorded steps.
        rates: How fast errors fall with the width, beside bounds.
        networks: Networks beside the best of their width.
        yardsticks: Errors beside those that are known exactly.
        slopes: Of each of several losses at a right and a wrong answer.
        left_out: Parts in which code of a user's own fails, and the reasons, as sentences.
        damaged: What of the run cannot be read, as sentences.
    """

    excess_losses: pl.DataFrame | None = None
    error_parts: pl.DataFrame | None = None
    steps_to_accuracy: pl.DataFrame | None = None
    coordinates: pl.DataFrame | None = None
    departures: pl.DataFrame | None = None
    not_linearised: Sequence[str] = ()
    critical_rates: pl.DataFrame | None = None
    wide_rates: pl.DataFrame | None = None
    answer: Answer | None = None
    infinite_widths: pl.DataFrame | None = None
    infinite_widths_on_the_way: pl.DataFrame | None = None
    rates: pl.DataFrame | None = None
    networks: pl.DataFrame | None = None
    yardsticks: pl.DataFrame | None = None
    slopes: pl.DataFrame | None = None
    left_out: Sequence[str] = ()
    damaged: Sequence[str] = ()


@dataclass(frozen=True)
class Failure:
    """Trials that failed for the same reason, and the reason."""

    trials: str
    reason: str


@dataclass(frozen=True)
class RunPage:
    """What ``run.html`` shows of a run; a table is ``None`` where there is nothing to show in it."""

    folder: str
    name: str
    progress: str
    counts: dict[str, int]
    lead: Sequence[str]
    rest: Sequence[str]
    answer_figure: FigureSpec | None
    explored: Mapping[str, Any] | None
    about: str
    verdict: str
    verdict_class: str
    diverged: str
    verdicts: PageTable | None
    silences: Sequence[str]
    tolerance: str
    excess_losses: PageTable | None
    rates: PageTable | None
    networks: PageTable | None
    departures: PageTable | None
    not_linearised: Sequence[str]
    critical_rates: PageTable | None
    wide_rates: PageTable | None
    order_of_rates: str
    infinite_widths: PageTable | None
    infinite_widths_on_the_way: PageTable | None
    yardsticks: PageTable | None
    error_parts: PageTable | None
    error_sentences: Sequence[str]
    slopes: PageTable | None
    steps_to_accuracy: PageTable | None
    coordinates: PageTable | None
    figures: Sequence[FigureSpec]
    cells: PageTable
    trials: PageTable
    columns_without_room: Sequence[str]
    failures: Sequence[Failure]
    more_failures: str
    left_out: Sequence[str]
    damaged: Sequence[str]
    playable: bool


def write_report(run: Path) -> Path:
    """Write ``report.html`` into the folder of a run, its figures into ``figures/``, and its playground beside it.

    Works at any time: what has not run yet is counted as pending.

    Returns:
        Path of the page.

    Raises:
        PipelineError: If the folder holds no plan, or a file in it is damaged: W&B gets all of a run or nothing.
    """
    plan, outcomes = read_plan(run), read_outcomes(run)
    with parts_left_out():
        table = read_results(run, plan, outcomes)
        table = unless_own_code_fails("best networks", lambda: with_network_ratios(plan, table, run), table)
        return write_report_of(run, RunTables(plan, table, scan_records(run), read_fitted_samples(run), run), outcomes)


def write_report_of(run: Path, tables: RunTables, outcomes: pl.DataFrame, answer: Answer | None = None) -> Path:
    """Write the same of a run of which the tables were read already, or the answer, too.

    Args:
        run: Folder of the run.
        tables: Its plan, its results with the ratios to the best networks, and its records.
        outcomes: How its trials ended.
        answer: Of the run; made here if it was not before.

    Returns:
        Path of the page.

    Raises:
        PipelineError: If a file in the folder is damaged.
    """
    folder, path = run / "figures", run / "report.html"
    plan, table = tables.plan, tables.results
    folder.mkdir(exist_ok=True)
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool, threads_of_operation(1), parts_left_out() as left_out:
        figures, pictures = [], []
        with naming_damage(run):
            answer = answer or unless_own_code_fails("answer", lambda: answer_of(tables, outcomes), NO_ANSWER)
            nothing = bool((table["status"] == "failed").all())  # there is nothing to hold theory against
            for spec in () if nothing else draw(tables):
                figures.append(spec)
                pictures.append(pool.submit(spec.write_png, folder))
            figures.sort(key=lambda spec: ORDER.index(spec.figure.name))
            comparisons = Comparisons(answer=answer) if nothing else _comparisons(tables, outcomes, answer)
            explored = None if nothing else unless_own_code_fails("explorer", lambda: run_data(tables), None)
        for spec in figures:
            spec.write_json(folder)
        comparisons = replace(comparisons, left_out=in_sentences(left_out), damaged=tables.damage.in_sentences())
        text = page(run, plan, table, outcomes, figures, comparisons, explored)
        for picture in pictures:
            picture.result()
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
    write_playground(run, plan, () if explored is None else explored.trials.id)
    return path


def _comparisons(tables: RunTables, outcomes: pl.DataFrame, answer: Answer) -> Comparisons:
    plan, table, records = tables.plan, tables.results, tables.records
    told = unless_own_code_fails
    brackets: Brackets = told("best networks", lambda: tables.brackets, {})
    phases_of_trials = told("critical learning rates", lambda: phases(plan, table, records), None)
    return Comparisons(
        excess_losses=told(
            "descent as predicted", lambda: predicted_and_measured(plan, table, records, outcomes), None
        ),
        error_parts=told("parts of the error", lambda: error_parts(tables), None),
        steps_to_accuracy=told("steps to accuracy", lambda: steps_to_accuracy(plan, table, records), None),
        coordinates=told("coordinate check", lambda: coordinate_check(plan, table, records), None),
        departures=told("linearised networks", lambda: departures(tables), None),
        not_linearised=told("linearised networks", lambda: tables.linearised.left_out, ()),
        critical_rates=None if phases_of_trials is None else critical_rates(phases_of_trials),
        wide_rates=None if phases_of_trials is None else wide_rates(phases_of_trials),
        answer=answer,
        infinite_widths=told("infinite width", lambda: infinite_widths(tables), None),
        infinite_widths_on_the_way=told("infinite width", lambda: infinite_widths_on_the_way(tables), None),
        rates=told("rates of approximation", lambda: rates(plan, table), None),
        networks=told("best networks", lambda: network_ratios(plan, table, brackets), None),
        yardsticks=told("yardsticks", lambda: yardstick_ratios(plan, table, brackets), None),
        slopes=told("slopes of the losses", lambda: slopes(plan), None),
    )


def page(
    run: Path,
    plan: Plan,
    table: pl.DataFrame,
    outcomes: pl.DataFrame,
    figures: Sequence[FigureSpec],
    comparisons: Comparisons = Comparisons(),
    explored: RunData | None = None,
) -> str:
    """The whole page as text.

    Args:
        run: Folder of the run.
        plan: Its experiment and trials.
        table: The results.
        outcomes: Where they come from.
        figures: What is drawn.
        comparisons: Tables made from the records.
        explored: What the page lets a reader explore; ``None`` for nothing.

    Returns:
        HTML.
    """
    return render_page(
        "run.html",
        plan.experiment.question,
        charts=bool(figures),
        entries=["explorer/explorer.js"],
        styles=["explorer.css"],
        page=run_page(run, plan, table, outcomes, figures, comparisons, explored),
        links=read_wandb_links(run),
        facts=list(facts(plan, read_provenance(run), outcomes)),
        configuration=as_yaml(canonical(plan.experiment)),
    )


def run_page(
    run: Path,
    plan: Plan,
    table: pl.DataFrame,
    outcomes: pl.DataFrame,
    figures: Sequence[FigureSpec],
    comparisons: Comparisons,
    explored: RunData | None = None,
) -> RunPage:
    """What the page shows; arguments as those of ``page``."""
    counts = dict(table["status"].value_counts().iter_rows())
    cells, failures, parts = summary(table), _failures(table), comparisons.error_parts
    answer = comparisons.answer or Answer((), (), "", "", "")
    shown, of_trials = _answer_figure(answer, figures), table.drop("reason")
    shown_of_trials = of_trials.select(columns_that_fit(of_trials, LONG_TEXTS))
    return RunPage(
        folder=str(run),
        name=plan.name,
        progress=_progress(table),
        counts={word: counts[word] for word in STATUSES if word in counts},
        lead=answer.sentences[:LEADING],
        rest=answer.sentences[LEADING:],
        answer_figure=shown,
        explored=None if explored is None else explored.as_json(),
        about=answer.about,
        verdict=answer.verdict,
        verdict_class=verdict_class(answer.verdict),
        diverged=answer.diverged,
        verdicts=_verdicts(table),
        silences=[text for text in (not_measured(outcomes), *silences(table), unproved_kinks(plan)) if text],
        tolerance=f"{tolerance_of(plan):g}",
        excess_losses=_excess_losses(comparisons.excess_losses),
        rates=_rates(comparisons.rates),
        networks=page_table_or_none(comparisons.networks, keep=("model", "width", "verdict")),
        departures=page_table_or_none(comparisons.departures, keep=("model", "power", "verdict")),
        not_linearised=comparisons.not_linearised,
        infinite_widths=page_table_or_none(comparisons.infinite_widths, keep=("model", "width", "limit")),
        infinite_widths_on_the_way=page_table_or_none(
            comparisons.infinite_widths_on_the_way, keep=("model", "width", "step")
        ),
        yardsticks=page_table_or_none(comparisons.yardsticks, keep=("model", "yardstick", "verdict")),
        error_parts=_error_parts(parts),
        error_sentences=[] if parts is None or parts.is_empty() else list(sentences(parts)),
        slopes=page_table_or_none(comparisons.slopes, keep=("logit", "verdict")),
        steps_to_accuracy=page_table_or_none(comparisons.steps_to_accuracy, keep=("problem", "model", "verdict")),
        critical_rates=page_table_or_none(comparisons.critical_rates, keep=("model", "event", "width")),
        wide_rates=page_table_or_none(comparisons.wide_rates, keep=("model", "event", "verdict")),
        order_of_rates="" if comparisons.critical_rates is None else order_sentence(comparisons.critical_rates),
        coordinates=page_table_or_none(comparisons.coordinates, keep=("model", "exponent", "verdict")),
        figures=[spec for spec in figures if spec is not shown],
        cells=page_table(cells),
        trials=page_table(shown_of_trials),
        columns_without_room=[
            name.replace("_", " ") for name in of_trials.columns if name not in shown_of_trials.columns
        ],
        failures=failures[:MOST_REASONS],
        left_out=comparisons.left_out,
        damaged=comparisons.damaged,
        more_failures=number_of(len(failures) - MOST_REASONS, "more reason") if len(failures) > MOST_REASONS else "",
        playable=not all(why_not(pack.shape) for pack in plan.packs),
    )


def _progress(table: pl.DataFrame) -> str:
    ended = (~table["status"].is_in([PENDING, UNREADABLE])).sum()
    trials = number_of(table.height, "trial")
    return trials if ended == table.height else f"{ended} of {trials} so far"


def _answer_figure(answer: Answer, figures: Sequence[FigureSpec]) -> FigureSpec | None:
    """The figure that shows the answer: the first of those that may, or of all; ``None`` where none is drawn."""
    by_name = {spec.figure.name: spec for spec in figures}
    chosen = [by_name[name] for name in answer.figures if name in by_name]
    return chosen[0] if chosen else None


def _verdicts(table: pl.DataFrame) -> PageTable | None:
    by_model = table.group_by(curve_of(table), maintain_order=True).agg(
        verdict_counts(pl.col("verdict")).alias("verdict"), decided(pl.col("verdict")).any().alias("decided")
    )
    return page_table_or_none(by_model.filter("decided").drop("decided"), keep=("model", "verdict"))


def _excess_losses(table: pl.DataFrame | None) -> PageTable | None:
    return None if table is None else page_table_or_none(table.drop("trial"), keep=("model", "verdict"))


def _error_parts(parts: pl.DataFrame | None) -> PageTable | None:
    if parts is None or parts.is_empty():
        return None
    return page_table(in_percent(parts), keep=("model", "mostly", "what lowers it"))


def _rates(fitted: pl.DataFrame | None) -> PageTable | None:
    """The rates, ``None`` where no verdict is possible on any."""
    if fitted is None or not fitted["against the bound"].str.starts_with(CANNOT_SAY).not_().any():
        return None
    return page_table(fitted, keep=("model", "rate", "against the bound"))


def _failures(table: pl.DataFrame) -> list[Failure]:
    """The reasons of trials that failed, the most frequent first."""
    failed = table.filter(pl.col("status") == "failed")
    counts = failed.group_by("reason", maintain_order=True).agg(pl.len().alias("trials"))
    counts = counts.sort("trials", descending=True, maintain_order=True)
    return [Failure(number_of(trials, "trial"), reason[:LONGEST_REASON]) for reason, trials in counts.iter_rows()]
