"""The command line: parses, calls, prints.

Imports are inside the verbs, at their top, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError, nearest

if TYPE_CHECKING:
    from pipeline.plan import Plan

KINDS = (
    "activations",
    "bases",
    "data",
    "diagnostics",
    "initialisations",
    "losses",
    "measures",
    "models",
    "optimizers",
    "targets",
)


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; 0: done, 1: some trials failed, 2: asked for something wrong."""
    asked = parser().parse_args(arguments)
    try:
        code: int = asked.verb(asked)
        sys.stdout.flush()  # what cannot be written is told here, not when Python ends
    except PipelineError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        _forget_stdout()
        return 0
    except OSError as error:
        if error.filename is None:
            _forget_stdout()
        where = str(error.filename or "standard output")
        print(PipelineError((error.strerror or str(error)).lower(), where=where), file=sys.stderr)
        return 2
    return code


def _forget_stdout() -> None:
    """Let Python end without trying once more to write what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser() -> argparse.ArgumentParser:
    """The verbs and what they take."""
    whole = argparse.ArgumentParser(
        prog="python -m pipeline",
        description="Train thousands of tiny models in stacks, and hold every curve against its theory.",
        epilog="Example:\n  python -m pipeline run configs/fixed_vs_learned_basis.yaml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = whole.add_subparsers(metavar="VERB", required=True)

    verb = _verb(verbs, plan, "plan configs/xor.yaml --set widths=[2,4]")
    _takes_config(verb)
    verb.add_argument("--json", action="store_true", help="print rows for a program")

    verb = _verb(verbs, run, "run configs/xor.yaml --set seeds=100")
    _takes_config(verb)
    verb.add_argument(
        "--out", type=_folder, metavar="DIR", help="folder of the run (default: runs/<config name>-<hash>)"
    )

    verb = _verb(verbs, results, "results runs/xor-0123456789 --json | head")
    _takes_run(verb)
    verb.add_argument("--json", action="store_true", help="print rows for a program; inf and nan are spelled as text")

    verb = _verb(verbs, report, "report runs/xor-0123456789")
    _takes_run(verb)

    verb = _verb(verbs, list_kind, "list bases")
    verb.add_argument("kind", metavar="KIND", help=f"one of {', '.join(KINDS)}")

    verb = _verb(verbs, bench, "bench --json")
    verb.add_argument("--json", action="store_true", help="print rows for a program")
    verb.add_argument("--quick", action="store_true", help="only the middle shape, in packs of 32")
    return whole


def plan(asked: argparse.Namespace) -> int:
    """Print the trials, packs and work of an experiment; train nothing."""
    from pipeline.report.layout import plan_table
    from pipeline.report.printing import as_json_rows, as_text

    planned = _plan(asked)
    table = plan_table(planned)
    if asked.json:
        _print_json(as_json_rows(table))
        return 0
    print(as_text(table))
    say(
        f"{_counted(planned)}, {planned.trial_steps:.3g} trial-steps; "
        f"python -m pipeline run trains them into {Path('runs') / planned.folder_name}"
    )
    return 0


def run(asked: argparse.Namespace) -> int:
    """Train an experiment here, with progress, then print its summary and write its report."""
    planned = _plan(asked)
    folder: Path = asked.out or Path("runs") / planned.folder_name
    trained = train(planned, folder)
    return _show(folder, again=trained)


def train(planned: Plan, folder: Path) -> bool:
    """Train what a folder does not hold yet of a plan, and say whether there was anything."""
    from pipeline.plan import read_plan, write_plan
    from pipeline.records.store import finished_packs

    begun = (folder / "plan.json").exists()
    if begun:
        written = read_plan(folder)
        if written.experiment.identity() != planned.experiment.identity():
            raise PipelineError("holds the run of another experiment", where=str(folder), hint="give another --out")
        planned = written.run_as(planned.experiment)
        if finished_packs(folder) >= {pack.id for pack in planned.packs}:
            _announce(planned, folder)
            say("all of them were finished before")
            return False

    from pipeline.training.progress import Progress  # takes seconds; a finished run is shown at once
    from pipeline.training.run import check_ready, run_plan

    check_ready(planned)
    if not begun:
        write_plan(planned, folder)
    _announce(planned, folder)
    run_plan(planned, folder, Progress())
    return True


def _announce(planned: Plan, folder: Path) -> None:
    say(f"{planned.experiment.question}\n{_counted(planned)}, into {folder}")


def _counted(planned: Plan) -> str:
    trials, packs = len(planned.trials), len(planned.packs)
    return f"{trials} trial{'s' * (trials != 1)} in {packs} pack{'s' * (packs != 1)}"


def results(asked: argparse.Namespace) -> int:
    """Print one row per trial: its axes, its status, its last value of each diagnostic."""
    from pipeline.plan import read_plan
    from pipeline.records.store import read_outcomes, read_records
    from pipeline.report import tables
    from pipeline.report.printing import as_json_rows, as_text

    folder = _run_folder(asked)
    table = tables.results(read_plan(folder), read_records(folder), read_outcomes(folder))
    if asked.json:
        _print_json(as_json_rows(table))
    else:
        print(as_text(table))
    return 0


def report(asked: argparse.Namespace) -> int:
    """Write report.html of a run, finished or not, and print its summary."""
    return _show(_run_folder(asked))


def list_kind(asked: argparse.Namespace) -> int:
    """Print what can be written in a YAML file, one name and one sentence a line."""
    if asked.kind not in KINDS:
        raise PipelineError(f"unknown kind {asked.kind!r}", hint=nearest(asked.kind, KINDS))
    from pipeline.config import TABLES

    definitions = TABLES[asked.kind]
    width = max(len(name) for name in definitions)
    for name, definition in definitions.items():
        print(f"{name:<{width}}  {definition.summary()}")
    return 0


list_kind.__name__ = "list"


def bench(asked: argparse.Namespace) -> int:
    """Measure the speed of a pack beside its peers, as ratios in one run."""
    from pipeline.report.printing import as_json_rows, as_text
    from pipeline.training.bench import measure, rows

    table = rows(measure(quick=asked.quick, say=say))
    if asked.json:
        _print_json(as_json_rows(table))
    else:
        print(as_text(table))
    return 0


def say(text: str) -> None:
    """Prose goes to stderr; stdout is for rows."""
    print(text, file=sys.stderr, flush=True)


def _verb(verbs: argparse._SubParsersAction, function: Callable, example: str) -> argparse.ArgumentParser:
    first_line = (function.__doc__ or "").splitlines()[0]
    verb = verbs.add_parser(
        function.__name__,
        help=first_line,
        description=first_line,
        epilog=f"Example:\n  python -m pipeline {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.set_defaults(verb=function)
    return verb


def _folder(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the folder has no name")
    return Path(text)


def _takes_config(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("config", type=Path, metavar="CONFIG", help="YAML file of an experiment")
    verb.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="change one field, as in steps=100 or inputs.noise=0.1; may be repeated",
    )


def _takes_run(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("run", type=Path, nargs="?", metavar="DIR", help="folder of a run (default: the newest in runs/)")


def _plan(asked: argparse.Namespace) -> Plan:
    from pipeline.config import read_experiment
    from pipeline.plan import make_plan

    return make_plan(asked.config.stem, read_experiment(asked.config, asked.overrides))


def _run_folder(asked: argparse.Namespace) -> Path:
    if asked.run is not None:
        folder: Path = asked.run
        return folder
    plans = sorted(Path("runs").glob("*/plan.json"), key=lambda path: path.stat().st_mtime)
    if not plans:
        raise PipelineError("there is no run in runs/ yet", hint="python -m pipeline run configs/xor.yaml makes one")
    return plans[-1].parent


def _show(folder: Path, *, again: bool = True) -> int:
    """Print the summary of a run and write its report, unless there is one and nothing has changed."""
    from pipeline.plan import read_plan
    from pipeline.records.store import read_outcomes, read_records
    from pipeline.report import tables
    from pipeline.report.page import write_report
    from pipeline.report.printing import as_text

    table = tables.results(read_plan(folder), read_records(folder), read_outcomes(folder))
    print(as_text(tables.best_of_each_model(table)))
    failed = table.filter(table["status"] == "failed")
    for reason, number in failed["reason"].value_counts().iter_rows():
        say(f"{number} trials failed: {reason}")
    page = folder / "report.html"
    if again or not page.exists():
        page = write_report(folder)
    say(f"report: {page}")
    return 1 if len(failed) else 0


def _print_json(rows: list[dict[str, object]]) -> None:
    import json

    print(json.dumps(rows, indent=1))
