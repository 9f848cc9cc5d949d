"""The panels of a dashboard, by section and name: those of diagnostics are made from the table of diagnostics."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import polars as pl
from wandb_workspaces.reports.v2 import interface as wr

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.report.tables.cells import relative_rates
from pipeline.report.tables.results import CRITERIA
from pipeline.tracking.dashboard.panel_texts import LIMIT, failures_text, in_words, limits_text, verdicts_text
from pipeline.tracking.dashboard.recorded_metrics import MetricCoverage, RecordedMetrics, recorded_metrics
from pipeline.tracking.export.run_content import STEP
from pipeline.tracking.export.sweep_content import VERDICT, counts
from pipeline.tracking.export.trial_runs import (
    MODEL_AND_PROBLEM,
    MODEL_AND_WIDTH,
    PREDICTED,
    SETTING,
    SMALLEST,
    RecordedRun,
)

Panels = dict[str, wr.PanelTypes]
"""The panels of a section, in order, each under a name that it keeps when the dashboard is made again."""

FIRST = ("convergence", "conditioning")
"""Sections of diagnostics that come before any other."""
PREDICTED_BESIDE = {"loss": PREDICTED}
"""What is drawn into the panel of a diagnostic beside it."""
MOST_LINES = 200
"""Lines, points or bars that a panel shows; W&B's own default is ten."""
COLOURS = ("#440154", "#31688e", "#35b779", "#fde725")
"""Viridis, as in the report: the best is dark."""


def sections(
    source: RecordedRun, diagnostics: Mapping[str, type[Diagnostic]], trials: Sequence[str] | None = None
) -> dict[str, Panels]:
    """The sections of a dashboard that have something to show, in order.

    Args:
        source: The recorded run.
        diagnostics: The table; each has its panels, in the section that it names, and so has each of the experiment.
        trials: Those that have a run of their own on W&B; by default all that have ended.

    Returns:
        The panels of each, by its name.
    """
    there = recorded_metrics(source, list(source.outcome_by_trial) if trials is None else trials)
    found: dict[str, Panels] = {name: {} for name in FIRST}
    observed = {one.name(): type(one) for one in source.plan.experiment.diagnostics}
    own = {name: kind for name, kind in observed.items() if name not in diagnostics}  # of a user's own, in no table
    for name, kind in {**diagnostics, **own}.items():
        panels = found.setdefault(kind.section(), {})
        if name in there.diagnostics:
            panels.update(_of_diagnostic(name, kind, there))
    for name, panels in (("sweep", _sweep(there)), ("theory", _theory(source, there)), ("runs", _runs(source, there))):
        found.setdefault(name, {}).update(panels)
    return {name: panels for name, panels in found.items() if panels}


def with_ids(section: str, panels: Panels) -> list[wr.PanelTypes]:
    """The panels of a section, each with a reproducible id; that of wandb-workspaces is random.

    Args:
        section: Its name.
        panels: By name.

    Returns:
        In order.
    """
    for name, panel in panels.items():
        assert isinstance(panel, wr.Panel)
        panel._id = hashlib.sha256(f"{section}/{name}".encode()).hexdigest()[:12]
    return list(panels.values())


def rate_of(results: pl.DataFrame) -> str:
    """The axis of learning rates: multiples of the stability limit, which seeds share, where the experiment has those.

    Args:
        results: One row for each trial.

    Returns:
        Name of a column.
    """
    return "times_limit" if relative_rates(results) else "learning_rate"


def criterion_of(there: RecordedMetrics) -> str:
    """The diagnostic by which trials are ranked; empty if none of them is recorded.

    Args:
        there: The metrics of the trials.

    Returns:
        Its name.
    """
    return next((name for name in CRITERIA if name in there.diagnostics), "")


def in_summary(name: str, value: str = "last") -> str:
    """The key of a diagnostic in the summary of a run.

    Args:
        name: Of the diagnostic.
        value: ``last`` or ``min``; only measures of convergence have both.

    Returns:
        The key, with a dot where there are both.
    """
    return f"{name}.{value}" if name in SMALLEST else name


# Diagnostics.


def _of_diagnostic(name: str, kind: type[Diagnostic], there: RecordedMetrics) -> Panels:
    """A diagnostic against the step and against the width.

    No line goes over models or problems that differ: it is that of a setting, over its seeds; or, of what says how far
    training has come, the best of a model, whatever its width, learning rate and seed.

    Returns:
        By name; none against the step where there is only one.
    """
    shown, panels = there.diagnostics[name], Panels()
    if shown.steps > 1:
        panels[f"{name} by {SETTING}"] = _lines(name, kind, there)
        if name in SMALLEST:
            panels[f"least {name} by {MODEL_AND_PROBLEM}"] = _least_lines(name, kind, there)
    if name not in SMALLEST or shown.steps == 1:
        panels[f"{name} against width"] = wr.ScatterPlot(
            title=f"{kind.unit or name} against width",
            x=wr.Config("width"),
            y=wr.SummaryMetric(in_summary(name)),
            z=_rate(there),
            log_x=True,
            log_y=_is_log(kind, shown),
        )
    return panels


def _lines(name: str, kind: type[Diagnostic], there: RecordedMetrics) -> wr.LinePlot:
    """The median over the seeds of each setting, with its range."""
    beside = [PREDICTED_BESIDE[name]] if name in PREDICTED_BESIDE and there.predicted else []
    return wr.LinePlot(
        title=f"{kind.unit or name} of each setting, median over seeds",
        x=STEP,
        y=[name, *beside],
        title_x="step",
        title_y=kind.unit or name,
        log_y=_is_log(kind, there.diagnostics[name]),
        groupby=wr.Config(SETTING),
        groupby_aggfunc="median",
        groupby_rangefunc="minmax",
        max_runs_to_show=MOST_LINES,
    )


def _least_lines(name: str, kind: type[Diagnostic], there: RecordedMetrics) -> wr.LinePlot:
    """The least of each model and problem, over widths, learning rates and seeds."""
    return wr.LinePlot(
        title=f"least {kind.unit or name} of each model",
        x=STEP,
        y=[name],
        title_x="step",
        title_y=kind.unit or name,
        log_y=_is_log(kind, there.diagnostics[name]),
        groupby=wr.Config(MODEL_AND_PROBLEM),
        groupby_aggfunc="min",
        groupby_rangefunc="none",
        max_runs_to_show=MOST_LINES,
    )


def _is_log(kind: type[Diagnostic], shown: MetricCoverage) -> bool:
    return shown.positive and not kind.signed


def _rate(there: RecordedMetrics) -> wr.Config | None:
    """The learning rate as a colour, where there is one."""
    rate = rate_of(there.results)
    return wr.Config(rate) if there.has(rate) else None


# The sweep as a whole.


def _sweep(there: RecordedMetrics) -> Panels:
    """Where in the plane of learning rate and width a sweep does well."""
    panels, score, rate = Panels(), criterion_of(there), rate_of(there.results)
    if score and there.has(rate):
        panels["map"] = wr.ScatterPlot(
            title=f"least {in_words(score)} by {in_words(rate)} and width",
            x=wr.Config(rate),
            y=wr.Config("width"),
            z=wr.SummaryMetric(in_summary(score, "min")),
            log_x=True,
            log_y=True,
            log_z=True,
            gradient=_gradient(),
        )
    if LIMIT in there.diagnostics:
        panels["limit"] = wr.ScatterPlot(
            title="predicted largest stable learning rate by width",
            x=wr.SummaryMetric(in_summary(LIMIT)),
            y=wr.Config("width"),
            log_x=True,
            log_y=True,
        )
    if score:
        panels |= _of_score(score, rate if there.has(rate) else "")
    return panels | {"aggregates": wr.WeavePanelSummaryTable(table_name="aggregates")}


def _of_score(score: str, rate: str) -> Panels:
    """What leads to a low error, and the lowest of each model and width."""
    least, words = wr.SummaryMetric(in_summary(score, "min")), f"least {in_words(score)}"
    axes = [("model", False), (rate, True), ("width", True)]
    columns = [
        wr.ParallelCoordinatesPlotColumn(wr.Config(axis), display_name=in_words(axis), log=log or None)
        for axis, log in axes
        if axis
    ]
    return {
        "parallel coordinates": wr.ParallelCoordinatesPlot(
            title=f"from what is asked to the {words}",
            columns=[*columns, wr.ParallelCoordinatesPlotColumn(least, display_name=words, log=True)],
            gradient=_gradient(),
        ),
        "best per width": wr.BarPlot(
            title=f"{words} per model and width",
            metrics=[in_summary(score, "min")],
            orientation="v",
            groupby=wr.Config(MODEL_AND_WIDTH),
            groupby_aggfunc="min",
            groupby_rangefunc="none",
            max_runs_to_show=MOST_LINES,
            max_bars_to_show=MOST_LINES,
        ),
    }


def _gradient() -> list[wr.GradientPoint]:
    last = len(COLOURS) - 1
    return [wr.GradientPoint(color=colour, offset=100 * place / last) for place, colour in enumerate(COLOURS)]


def _theory(source: RecordedRun, there: RecordedMetrics) -> Panels:
    """What theory says: verdicts on the learning rates, the largest rate that is stable, and the report's tables."""
    verdicts = {name: in_words(name).capitalize() for name in counts(source) if name.startswith(VERDICT)}
    panels: Panels = {name: _number(name, title) for name, title in verdicts.items()}
    panels["verdicts in words"] = wr.MarkdownPanel(markdown=verdicts_text(source))
    if source.results.filter(pl.col(LIMIT).is_not_null()).height if LIMIT in source.results.columns else 0:
        panels["predicted stable rates"] = wr.MarkdownPanel(markdown=limits_text(source))
    if {LIMIT, "loss"} <= there.diagnostics.keys() and there.has("learning_rate"):
        panels["rate against its limit"] = wr.ScatterPlot(
            title="learning rate against the largest stable one",
            x=wr.SummaryMetric(in_summary(LIMIT)),
            y=wr.Config("learning_rate"),
            z=wr.SummaryMetric(in_summary("loss")),
            log_x=True,
            log_y=True,
            log_z=True,
            gradient=_gradient(),
        )
    tables = ("verdicts", *source.theory_tables)
    return panels | {name: wr.WeavePanelSummaryTable(table_name=name) for name in tables}


def _runs(source: RecordedRun, there: RecordedMetrics) -> Panels:
    """How the trials have ended, what failed, and what it has cost."""
    numbers = {name: in_words(name) for name in counts(source) if not name.startswith(VERDICT)}
    panels: Panels = {name: _number(name, title) for name, title in numbers.items()}
    if (source.results["status"] == "failed").any():
        panels["failures"] = wr.MarkdownPanel(markdown=failures_text(source))
    panels["report"] = wr.MediaBrowser(title="report", media_keys=["report"], num_columns=1)
    if there.results.height > 1:
        panels["comparison"] = wr.RunComparer(diff_only="split")
    return panels


def _number(name: str, title: str) -> wr.ScalarChart:
    """A number that only the run of the sweep has in its summary."""
    return wr.ScalarChart(title=title, metric=name, groupby_aggfunc="max", groupby_rangefunc="none")
