"""The panels of a dashboard, by section and name: those of diagnostics are made from the table of diagnostics."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl
from wandb_workspaces.reports.v2 import interface as wr

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.report.tables import CELL, CRITERIA, best_of_each_model
from pipeline.tracking.content import STEP
from pipeline.tracking.markdown import as_markdown
from pipeline.tracking.sweep_run import VERDICT, counts
from pipeline.tracking.trial_runs import PREDICTED, SMALLEST, Exportable

Panels = dict[str, wr.PanelTypes]
"""The panels of a section, in order, each under a name that it keeps when the dashboard is made again."""

FIRST = ("convergence", "conditioning")
"""Sections of diagnostics that come before any other."""
PREDICTED_BESIDE = {"loss": PREDICTED}
"""What is drawn into the panel of a diagnostic beside it."""
LIMIT = "largest_stable_learning_rate"
MOST_LINES = 200
"""Lines, points or bars that a panel shows; W&B's own default is ten."""
MOST_FAILURES = 20
"""Failed trials that are named with their reason."""
COLOURS = ("#440154", "#31688e", "#35b779", "#fde725")
"""Viridis, as in the report: the best is dark."""


def sections(source: Exportable, diagnostics: Mapping[str, type[Diagnostic]]) -> dict[str, Panels]:
    """Every section of the dashboard of a sweep, in order.

    Args:
        source: The sweep.
        diagnostics: The table; one that is added to it has its panels by that, and its section too.
    """
    rate = rate_of(source)
    found: dict[str, Panels] = {name: {} for name in FIRST}
    for name, kind in diagnostics.items():
        found.setdefault(kind.section(), {}).update(_of_diagnostic(name, kind, rate))
    for name, panels in (("sweep", _sweep(source, rate)), ("theory", _theory(source)), ("runs", _runs(source))):
        found.setdefault(name, {}).update(panels)
    return {name: panels for name, panels in found.items() if panels}


def with_ids(section: str, panels: Panels) -> list[wr.PanelTypes]:
    """The panels of a section, each with an id that is the same whenever it is made; it would be drawn by lot."""
    for name, panel in panels.items():
        assert isinstance(panel, wr.Panel)
        panel._id = hashlib.sha256(f"{section}/{name}".encode()).hexdigest()[:12]
    return list(panels.values())


def rate_of(source: Exportable) -> str:
    """The axis of learning rates: multiples of the limit where those were asked for, which all seeds have in common."""
    return "times_limit" if "times_limit" in source.results.columns else "learning_rate"


def criterion_of(source: Exportable) -> str:
    """The diagnostic that the best is best in."""
    recorded = [name for name in CRITERIA if name in source.results.columns and source.results[name].count()]
    return recorded[0] if recorded else CRITERIA[0]


def in_summary(name: str, value: str = "last") -> str:
    """Where the summary of a run has a diagnostic; of those that fall it has the last and the least value."""
    return f"{name}.{value}" if name in SMALLEST else name


# Diagnostics.


def _of_diagnostic(name: str, kind: type[Diagnostic], rate: str) -> Panels:
    """A diagnostic against the step, by width and by learning rate; what is no measure of progress, against width."""
    panels: Panels = {f"{name} by {axis}": _lines(name, kind, axis) for axis in ("width", rate)}
    if name not in SMALLEST:
        panels[f"{name} against width"] = wr.ScatterPlot(
            title=f"{kind.unit or name} against width",
            x=wr.Config("width"),
            y=wr.SummaryMetric(in_summary(name)),
            z=wr.Config(rate),
            log_x=True,
            log_y=not kind.signed,
        )
    return panels


def _lines(name: str, kind: type[Diagnostic], axis: str) -> wr.LinePlot:
    """The median of each group of runs with its range, over seeds and whatever else differs."""
    return wr.LinePlot(
        title=f"{kind.unit or name} by {_words(axis)}",
        x=STEP,
        y=[name, PREDICTED_BESIDE[name]] if name in PREDICTED_BESIDE else [name],
        title_x="step",
        title_y=kind.unit or name,
        log_y=not kind.signed,
        groupby=wr.Config(axis),
        groupby_aggfunc="median",
        groupby_rangefunc="minmax",
        max_runs_to_show=MOST_LINES,
    )


# The sweep as a whole.


def _sweep(source: Exportable, rate: str) -> Panels:
    """Where in the plane of learning rate and width a sweep does well."""
    score = criterion_of(source)
    least = in_summary(score, "min")
    return {
        "map": wr.ScatterPlot(
            title=f"least {_words(score)} by {_words(rate)} and width",
            x=wr.Config(rate),
            y=wr.Config("width"),
            z=wr.SummaryMetric(least),
            log_x=True,
            log_y=True,
            log_z=True,
            gradient=_gradient(),
        ),
        "limit": wr.ScatterPlot(
            title="predicted limit of the learning rate by width",
            x=wr.SummaryMetric(in_summary(LIMIT)),
            y=wr.Config("width"),
            log_x=True,
            log_y=True,
        ),
        "parallel coordinates": wr.ParallelCoordinatesPlot(
            title=f"from what is asked to the least {_words(score)}",
            columns=[
                wr.ParallelCoordinatesPlotColumn(wr.Config("model"), display_name="model"),
                wr.ParallelCoordinatesPlotColumn(wr.Config(rate), display_name=_words(rate), log=True),
                wr.ParallelCoordinatesPlotColumn(wr.Config("width"), display_name="width", log=True),
                wr.ParallelCoordinatesPlotColumn(
                    wr.SummaryMetric(least), display_name=f"least {_words(score)}", log=True
                ),
            ],
            gradient=_gradient(),
        ),
        "best per width": wr.BarPlot(
            title=f"least {_words(score)} per width",
            metrics=[least],
            orientation="v",
            groupby=wr.Config("width"),
            groupby_aggfunc="min",
            groupby_rangefunc="none",
            max_runs_to_show=MOST_LINES,
            max_bars_to_show=MOST_LINES,
        ),
        "aggregates": wr.WeavePanelSummaryTable(table_name="aggregates"),
    }


def _gradient() -> list[wr.GradientPoint]:
    last = len(COLOURS) - 1
    return [wr.GradientPoint(color=colour, offset=100 * place / last) for place, colour in enumerate(COLOURS)]


def _theory(source: Exportable) -> Panels:
    """What theory says: verdicts on the learning rates, the largest rate that is stable, and the report's tables."""
    verdicts = {name: _words(name).capitalize() for name in counts(source) if name.startswith(VERDICT)}
    return {
        **{name: _number(name, title) for name, title in verdicts.items()},
        "verdicts in words": wr.MarkdownPanel(markdown=_verdicts(source)),
        "predicted limits": wr.MarkdownPanel(markdown=_limits(source)),
        "rate against its limit": wr.ScatterPlot(
            title="learning rate against its predicted limit",
            x=wr.SummaryMetric(in_summary(LIMIT)),
            y=wr.Config("learning_rate"),
            z=wr.SummaryMetric(in_summary("loss")),
            log_x=True,
            log_y=True,
            log_z=True,
            gradient=_gradient(),
        ),
        "verdicts": wr.WeavePanelSummaryTable(table_name="verdicts"),
        **{name: wr.WeavePanelSummaryTable(table_name=name) for name in source.beside_theory},
    }


def _runs(source: Exportable) -> Panels:
    """How the trials have ended, what failed, and what it has cost."""
    numbers = {name: _words(name) for name in counts(source) if not name.startswith(VERDICT)}
    return {
        **{name: _number(name, title) for name, title in numbers.items()},
        "failures": wr.MarkdownPanel(markdown=_failures(source)),
        "report": wr.MediaBrowser(title="report", media_keys=["report"], num_columns=1),
        "comparison": wr.RunComparer(diff_only="split"),
    }


def _number(name: str, title: str) -> wr.ScalarChart:
    """A number that only the run of the sweep has in its summary."""
    return wr.ScalarChart(title=title, metric=name, groupby_aggfunc="max", groupby_rangefunc="none")


# Words.


def _words(name: str) -> str:
    return name.replace("_", " ")


def _verdicts(source: Exportable) -> str:
    table = best_of_each_model(source.results)
    columns = [name for name in ("problem", "model", "trials", "diverged", "verdict") if name in table.columns]
    return f"### Learning rates against theory\n\n{as_markdown(table.select(columns))}"


def _limits(source: Exportable) -> str:
    """The predicted limit of each problem, model and width: the least and the most over seeds."""
    title = "### Limits of the learning rate that theory predicts"
    if LIMIT not in source.results.columns or not source.results[LIMIT].fill_nan(None).count():
        return f"{title}\n\nNone is recorded."
    limit = pl.col(LIMIT)
    known = source.results.filter(limit.fill_nan(None).is_not_null())
    cells = known.group_by(*CELL, "limit", maintain_order=True)
    bounds = cells.agg(limit.min().alias("least"), limit.max().alias("most"))
    axes = ("problem", "model", "width", "limit")
    return f"{title}\n\n{as_markdown(bounds.select(*axes, 'least', 'most').sort(axes))}"


def _failures(source: Exportable) -> str:
    failed = source.results.filter(pl.col("status") == "failed")
    if not failed.height:
        return "### Failures\n\nNone."
    first = failed.head(MOST_FAILURES).select(pl.col("trial").str.head(16), "model", "width", "seed", "reason")
    more = failed.height - first.height
    return f"### Failures\n\n{as_markdown(first)}" + (f"\n\nand {more} more" if more else "")
