"""The verbs that need no cluster: plan, results, report, list, bench; and what run does with one experiment."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli import clusters
from pipeline.cli.prose import counted, print_json, print_json_rows, say, split_overrides
from pipeline.errors import PipelineError, nearest

if TYPE_CHECKING:
    import polars as pl

    from pipeline.config import YamlDocument
    from pipeline.plan import Plan

KINDS = (
    "activations",
    "bases",
    "clusters",
    "data",
    "diagnostics",
    "initialisations",
    "losses",
    "measures",
    "models",
    "optimizers",
    "targets",
)

MOST_WARNINGS = 5
"""Of an axis of many training sizes each may deserve one."""


def plan(asked: argparse.Namespace) -> int:
    """Print the trials, packs and work of an experiment; train nothing."""
    from pipeline.config import read_document
    from pipeline.report.tables.plan_table import plan_table
    from pipeline.report.tables.printing import as_text

    planned = plan_of(read_document(asked.config), asked)
    if asked.cluster is not None:
        return clusters.dry_run(planned, asked)
    table = plan_table(planned)
    if asked.json:
        print_json_rows(table)
        return 0
    print(as_text(table))
    say(
        f"{counted(len(planned.trials), len(planned.packs))}, {planned.trial_steps:.3g} trial-steps; "
        f"python -m pipeline run trains them into {Path('runs') / planned.folder_name}"
    )
    return 0


def train(planned: Plan, folder: Path) -> bool:
    """Train what a folder does not hold yet of a plan, and say whether there was anything."""
    from pipeline.plan import write_plan
    from pipeline.records.store import finished_packs

    planned, begun = begun_plan(planned, folder)
    if begun and finished_packs(folder) >= {pack.id for pack in planned.packs}:
        announce(planned, folder)
        say("all of them were finished before")
        return False

    from pipeline.training.progress import TrainingProgress  # takes seconds; a finished run is shown at once
    from pipeline.training.run import check_ready, run_plan

    check_ready(planned)
    if not begun:
        write_plan(planned, folder)
    announce(planned, folder)
    run_plan(planned, folder, TrainingProgress())
    return True


def begun_plan(planned: Plan, folder: Path) -> tuple[Plan, bool]:
    """The plan as the folder has it, if it was begun there before, and whether it was.

    Raises:
        PipelineError: If the folder is another experiment's.
    """
    from pipeline.plan import read_plan

    if not (folder / "plan.json").exists():
        return planned, False
    written = read_plan(folder)
    if written.experiment.identity() != planned.experiment.identity():
        raise PipelineError("holds the run of another experiment", where=str(folder), hint="give another --out")
    return written.run_as(planned.experiment), True


def announce(planned: Plan, folder: Path) -> None:
    """Say what is trained, and where to."""
    say(f"{planned.experiment.question}\n{counted(len(planned.trials), len(planned.packs))}, into {folder}")


def results(asked: argparse.Namespace) -> int:
    """Print one row per trial: its axes, its status, its last value of each diagnostic."""
    from pipeline.plan import read_plan
    from pipeline.records.store import read_outcomes
    from pipeline.report.tables.printing import as_text
    from pipeline.report.tables.results import read_results

    folder = run_folder(asked)
    table = read_results(folder, read_plan(folder), read_outcomes(folder))
    if asked.json:
        print_json_rows(table)
    else:
        print(as_text(table))
    return 0


def report(asked: argparse.Namespace) -> int:
    """Write report.html of a run, finished or not, and print its summary."""
    return show(run_folder(asked))[0]


def list_kind(asked: argparse.Namespace) -> int:
    """Print what can be written in a YAML file, one name and one sentence a line."""
    if asked.kind not in KINDS:
        raise PipelineError(f"unknown kind {asked.kind!r}", hint=nearest(asked.kind, KINDS))
    sentences = clusters.sentences() if asked.kind == "clusters" else _sentences(asked.kind)
    width = max(len(name) for name in sentences)
    for name, sentence in sentences.items():
        print(f"{name:<{width}}  {sentence}")
    return 0


list_kind.__name__ = "list"


def _sentences(kind: str) -> dict[str, str]:
    """Every definition of a kind, with one sentence."""
    from pipeline.config.registry import TABLES

    return {name: definition.summary() for name, definition in TABLES[kind].items()}


def bench(asked: argparse.Namespace) -> int:
    """Measure the speed of packs of networks and of linear models beside their peers, as ratios in one run."""
    from pipeline.bench.closed_form import closed_form_sweep, measure_closed_form
    from pipeline.bench.goals import means, verdicts
    from pipeline.bench.linear import measure_linear
    from pipeline.bench.peers import matrix_product_rate, measure, rows
    from pipeline.report.tables.printing import as_json_rows, as_text
    from pipeline.training.fit import chosen_accelerator

    if asked.sweep:
        return _bench_of_sweep(asked)
    rate = matrix_product_rate()
    say(f"matrix products: {rate / 1e9:.0f} GFLOP/s")
    sweep = closed_form_sweep(num_rates=16 if asked.quick else 128)
    measured = rows(measure(quick=asked.quick, say=say), rate)
    linear = rows(measure_linear(quick=asked.quick, say=say), rate)
    tables = [measured, means(measured), verdicts(measured), linear, measure_closed_form(sweep, say=say)]
    if asked.json:
        print_json([row for table in tables for row in as_json_rows(table)])
    else:
        print("\n".join(as_text(table) for table in tables))
    return _bench_of_card(asked) if chosen_accelerator("auto") == "cuda" else 0


def _bench_of_card(asked: argparse.Namespace) -> int:
    """Measure the engine for graphics cards, too; its rows are for people, so a program gets none of them."""
    from pipeline.bench import gpu

    with contextlib.redirect_stdout(sys.stderr if asked.json else sys.stdout):
        return gpu.main(["--packs", "32", "--shapes", "256x2x64x1"] if asked.quick else [])


def _bench_of_sweep(asked: argparse.Namespace) -> int:
    from pipeline.bench.sweep import measure_sweep, values_per_second
    from pipeline.report.tables.printing import as_text

    say(f"records: {values_per_second():,.0f} values written a second")
    table = measure_sweep(say=say)
    if asked.json:
        print_json_rows(table)
    else:
        print(as_text(table))
    return 0


def plan_of(document: YamlDocument, asked: argparse.Namespace) -> Plan:
    """The plan of a configuration, with what ``--set`` changes."""
    from pipeline.plan import make_plan

    overrides, changes = split_overrides(asked)
    if changes and getattr(asked, "cluster", None) is None:
        where = f"--set cluster.{changes[0]}"
        raise PipelineError("nothing is sent to a cluster here", where=where, hint="add --cluster, or take submit")
    planned = make_plan(document.path.stem, document.experiment(overrides))
    warnings = list(planned.experiment.warnings())
    for warning in warnings[:MOST_WARNINGS]:
        say(f"warning: {warning}")
    if len(warnings) > MOST_WARNINGS:
        say(f"warning: {len(warnings) - MOST_WARNINGS} more like these")
    return planned


def run_folder(asked: argparse.Namespace) -> Path:
    """The folder that was named, or the newest run."""
    if asked.run is not None:
        folder: Path = asked.run
        return folder
    plans = sorted(Path("runs").glob("*/plan.json"), key=lambda path: path.stat().st_mtime)
    if not plans:
        raise PipelineError("there is no run in runs/ yet", hint="python -m pipeline run configs/xor.yaml makes one")
    return plans[-1].parent


def show(folder: Path, *, again: bool = True) -> tuple[int, pl.DataFrame]:
    """Print the summary of a run and write its report, unless there is one and nothing has changed.

    Returns:
        The exit code, and one row per trial.
    """
    from pipeline.plan import read_plan
    from pipeline.records.store import read_outcomes
    from pipeline.report.html.run_page import write_report_of
    from pipeline.report.tables import results
    from pipeline.report.tables.printing import as_text
    from pipeline.report.theory.verdicts import not_measured

    planned, outcomes = read_plan(folder), read_outcomes(folder)
    table = results.read_results(folder, planned, outcomes)
    print(as_text(results.best_of_each_model(table)))
    if why := not_measured(outcomes):
        say(why)
    failed = table.filter(table["status"] == "failed")
    for reason, number in failed["reason"].value_counts().iter_rows():
        say(f"{number} trials failed: {reason}")
    page = folder / "report.html"
    if again or not page.exists():
        page = write_report_of(folder, planned, outcomes, table)
    say(f"report: {page}")
    return (1 if len(failed) else 0), table
