"""The report of a sweep on W&B: its question, what was best, the figures of the local report, and live panels.

All but its last part, which is people's own, is made again each time.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl
from wandb_workspaces.reports.v2 import interface as wr

from pipeline.diagnostics import DIAGNOSTICS
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.errors import number_of
from pipeline.report.tables.cells import training_in_words
from pipeline.report.tables.printing import cell_text
from pipeline.report.tables.summary import best_of_each_model
from pipeline.tracking.dashboard.custom_charts import CustomChart
from pipeline.tracking.dashboard.markdown import as_markdown, as_text
from pipeline.tracking.dashboard.panels import Panels, sections, with_ids
from pipeline.tracking.dashboard.run_filters import FILTER_TEXT, runs_of
from pipeline.tracking.export.name_lengths import LONGEST_NAME, shortened
from pipeline.tracking.export.sweep_content import counts, provenance
from pipeline.tracking.export.trial_runs import RecordedRun

NOTES = "Notes"
"""The heading of what is people's own."""
YOURS = "What is written below this heading stays when the report is made again; all above it is made from the records."
COLUMNS, PIXELS_A_ROW = 24, 30
"""Columns of a panel grid, and the height of its rows as it is taken here: too low leaves a chart room, not less."""

Blocks = list[Any]


@dataclass(frozen=True)
class OnlineReport:
    """A report as it is sent.

    Args:
        title: By which it is found again.
        description: Stands below the title.
        spec: Its content, in W&B's words.
    """

    title: str
    description: str
    spec: dict[str, Any]


def online_report(
    source: RecordedRun,
    charts: Sequence[CustomChart],
    presets: Mapping[str, str],
    diagnostics: Mapping[str, type[Diagnostic]] = DIAGNOSTICS,
    trials: Sequence[str] | None = None,
    links: Mapping[str, str] = MappingProxyType({}),
) -> OnlineReport:
    """The report of a sweep, made without W&B: the same whenever it is made of the same records.

    Args:
        source: The recorded run.
        charts: The figures of its local report.
        presets: Ids of their presets on W&B, by name; charts without one are left out.
        diagnostics: The table.
        trials: Those that have a run of their own on W&B; by default all that have ended.
        links: Addresses of the workspace and of the run of the sweep, by their titles.

    Returns:
        Title, description and content.
    """
    question = source.plan.experiment.question
    blocks: Blocks = [
        wr.H1(question),
        wr.P(source.answer.text),
        *_best(source),
        *_provenance(source, links),
        *_figures(source, [chart for chart in charts if chart.preset in presets], presets),
    ]
    for name, panels in sections(source, diagnostics, trials).items():
        blocks += [wr.H1(name.capitalize()), _grid(name, panels, runs_of(source.group))]
    blocks += [wr.H1(NOTES), wr.P(YOURS)]
    title = shortened(f"{source.group} (report)", LONGEST_NAME)
    view = wr.Report(project="", entity="", title=title, description=question, blocks=blocks, width="fluid")
    spec = json.loads(view._to_model().spec.model_dump_json(by_alias=True, exclude_none=True))
    return OnlineReport(title, question, spec)


# What it says.


def _best(source: RecordedRun) -> Blocks:
    """The best trial of each model, and numbers of trials by status."""
    said = counts(source)
    ended = ", ".join(f"{said[word]} {word}" for word in ("done", "diverged", "failed", "pending") if said[word])
    table = best_of_each_model(source.results)
    constant = [name for name in ("dimension", "train", "noise") if table[name].n_unique() == 1]
    table = table.drop(constant).rename({name: name.replace("_", " ") for name in table.drop(constant).columns})
    words = f"{number_of(said['trials'], 'trial')}: {ended}.\n\n{as_markdown(table)}"
    return [wr.H1("The best of each model"), wr.MarkdownBlock(words)]


def _provenance(source: RecordedRun, links: Mapping[str, str]) -> Blocks:
    """Provenance: plan, command, code, packages, hosts."""
    said = provenance(source)
    planned, trained = said["planned"], said["trained"]
    facts = {
        "plan": source.group,
        "command": source.command,
        "planned with": f"Python {planned.get('python', '?')}, commit {planned.get('code', '?')}",
        "packages": ", ".join(f"{name} {version}" for name, version in planned.get("packages", {}).items()),
        **{f"trained by {name}": ", ".join(trained[name]) for name in ("version", "code", "engine", "device", "host")},
        "training time": f"{cell_text(counts(source)['training_seconds'])} s, added over packs",
        "optimizer": training_in_words(source.plan, "optimizer"),
        "numbers": training_in_words(source.plan, "dtype"),
    }
    rows = [(name, value) for name, value in facts.items() if value]
    table = as_markdown(pl.DataFrame(rows, schema=["what", "which"], orient="row"))
    words = "The records of the run are the truth; all of this is made from them."
    beside = "".join(f"\n\n[{name}]({address})" for name, address in links.items())
    return [wr.H1("Where the numbers come from"), wr.MarkdownBlock(f"{words}{beside}\n\n{table}")]


def _figures(source: RecordedRun, charts: Sequence[CustomChart], presets: Mapping[str, str]) -> Blocks:
    """The figures of the local report, drawn from the tables of the sweep's own run."""
    blocks: Blocks = []
    for chart in charts:
        panel = wr.CustomChart(
            query={"summaryTable": {"tableKey": chart.table}},
            chart_name=presets[chart.preset],
            chart_fields=chart.fields,
            layout=wr.Layout(w=COLUMNS, h=math.ceil(chart.size[1] / PIXELS_A_ROW)),
        )
        grid = _grid(f"figures/{chart.figure.name}", {"chart": panel}, runs_of(source.group, "sweep"), hidden=True)
        blocks += [wr.H2(chart.figure.title), wr.MarkdownBlock(as_text(chart.figure.caption_of(chart.spec))), grid]
    return [wr.H1("Figures"), *blocks] if blocks else []


def _grid(section: str, panels: Panels, runs: dict[str, Any], *, hidden: bool = False) -> wr.PanelGrid:
    """The panels of a section over some runs."""
    shown_runs = wr.Runset(name=FILTER_TEXT, filters=FILTER_TEXT)
    shown_runs._stashed_filter_string, shown_runs._stashed_filters_v2 = FILTER_TEXT, runs
    shown_runs._id = hashlib.sha256(f"report/{section}/runs".encode()).hexdigest()[:12]
    return wr.PanelGrid(runsets=[shown_runs], panels=with_ids(f"report/{section}", panels), hide_run_sets=hidden)
