"""The verbs and what they take: the parser, and a verb bound to its options."""

from __future__ import annotations

import argparse
import functools
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from pipeline.cli.benching import BenchOptions, bench
from pipeline.cli.cancelling import CancelOptions, cancel
from pipeline.cli.checking import CheckOptions, check
from pipeline.cli.comparing import CompareOptions, compare
from pipeline.cli.game import PlayOptions, play
from pipeline.cli.listing import LISTABLE_KINDS, ListOptions, list_kind
from pipeline.cli.mistyped import refuse_mistyped
from pipeline.cli.monitoring import LogsOptions, StatusOptions, logs, status
from pipeline.cli.options import options_from
from pipeline.cli.planning import PlanOptions, plan
from pipeline.cli.playing import PlaygroundOptions, playground
from pipeline.cli.probing import ProbeOptions, probe
from pipeline.cli.reporting import RecordsOptions, ReportOptions, ResultsOptions, records, report, results
from pipeline.cli.running import RunOptions, run
from pipeline.cli.submitting import RetryOptions, SubmitOptions, retry, submit
from pipeline.cli.table_output import FORMATS
from pipeline.cli.tracking import DashboardOptions, SyncOptions, dashboard, sync
from pipeline.cli.walking import LectureOptions, lecture

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def parse(words: Sequence[str]) -> Callable[[], int]:
    """The verb of a command line, with its options; a call runs it and gives the exit code.

    Args:
        words: Of the command line.

    Returns:
        The verb, bound to its options.

    Raises:
        PipelineError: If a verb or an option is mistyped.
        SystemExit: If nothing was typed, after the help.
    """
    whole, verbs = _parsers()
    if not words:
        whole.print_help(sys.stderr)
        raise SystemExit(2)
    refuse_mistyped(words, whole, verbs.choices)
    namespace = whole.parse_args(words)
    return functools.partial(namespace.verb, options_from(namespace, namespace.options))


def parser() -> argparse.ArgumentParser:
    """The verbs and what they take."""
    return _parsers()[0]


def _parsers() -> tuple[argparse.ArgumentParser, Verbs]:
    whole = argparse.ArgumentParser(
        prog="python -m pipeline",
        description="Train thousands of tiny models in stacks, and hold every curve against its theory.",
        epilog="Example:\n  python -m pipeline run configs/fixed_vs_learned_basis.yaml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action=_Version, nargs=0, help="show the version and the commit, and exit")
    verbs = whole.add_subparsers(metavar="VERB", required=True)

    for add in (
        _plan,
        _run,
        _results,
        _records,
        _report,
        _compare,
        _submit,
        _status,
        _logs,
        _cancel,
        _retry,
        _probe,
        _sync,
        _dashboard,
        _list,
        _check,
        _lecture,
        _play,
        _playground,
        _bench,
    ):
        add(verbs)
    return whole, verbs


class _Version(argparse.Action):
    """Shows the version, for which git is asked."""

    def __call__(self, parser: argparse.ArgumentParser, *given: object) -> None:
        from pipeline import __version__
        from pipeline.provenance import code_version

        commit, _, changes = code_version().partition("+")
        known = f", commit {commit}{' and changes since' if changes else ''}" if commit else ""
        print(f"pipeline {__version__}{known}")
        parser.exit()


def _plan(verbs: Verbs) -> None:
    verb = _verb(verbs, plan, PlanOptions, "plan configs/xor.yaml --set widths=[2,4]")
    _takes_config(verb)
    _takes_cluster(verb, required=False)
    verb.add_argument("--out", type=_folder, metavar="DIR", help="with --cluster: folder of the run")
    _takes_reuse(verb)
    verb.add_argument(
        "--quick", action="store_true", help="measure nothing: estimate the time from what is known, or from operations"
    )
    verb.add_argument("--json", action="store_true", help="print it for a program")


def _run(verbs: Verbs) -> None:
    verb = _verb(verbs, run, RunOptions, "run configs/xor.yaml --set seeds=100")
    _takes_configs(verb)
    verb.add_argument(
        "--out",
        type=_folder,
        metavar="DIR",
        help="folder of the run (default: runs/<config name>-<hash>); of several, the folder that holds theirs",
    )
    _takes_reuse(verb)


def _results(verbs: Verbs) -> None:
    example = "results runs/xor-0123456789 --where \"width >= 4 and status = 'done'\" --sort loss --top 10"
    verb = _verb(verbs, results, ResultsOptions, example)
    _takes_run(verb)
    _takes_query(verb)


def _records(verbs: Verbs) -> None:
    example = "records runs/xor-0123456789 loss --where \"standing = 'best'\" --format parquet > loss.parquet"
    verb = _verb(verbs, records, RecordsOptions, example)
    verb.add_argument("what", nargs="*", metavar="WHAT", help="diagnostics (default: all); and the folder of a run")
    _takes_query(verb)


def _takes_query(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--where", default="", metavar="CONDITION", help="only rows that meet it, as in SQL")
    verb.add_argument("--select", default="", metavar="COLUMNS", help="only these, as in trial,width,loss")
    verb.add_argument("--sort", default="", metavar="COLUMNS", help='in this order, as in "width, loss desc"')
    verb.add_argument("--top", type=_count, metavar="N", help="only the first N rows")
    verb.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        help="json, jsonl (a row a line), csv or parquet for programs (default: table); JSON has null for inf and nan",
    )
    verb.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json")


def _report(verbs: Verbs) -> None:
    verb = _verb(verbs, report, ReportOptions, "report runs/xor-0123456789")
    _takes_run(verb)


def _compare(verbs: Verbs) -> None:
    verb = _verb(verbs, compare, CompareOptions, "compare runs/xor-0123456789 runs/xor-9876543210")
    verb.add_argument("runs", type=_folder, nargs=2, metavar="DIR", help="folders of two runs")
    verb.add_argument("--json", action="store_true", help="print it for a program")


def _submit(verbs: Verbs) -> None:
    verb = _verb(verbs, submit, SubmitOptions, "submit configs/xor.yaml --cluster soc --dry-run")
    _takes_config(verb)
    _takes_cluster(verb)
    verb.add_argument("--out", type=_folder, metavar="DIR", help="folder of the run (default: where the profile says)")
    verb.add_argument(
        "--dry-run", action="store_true", help="print the jobs, their scripts and their cost; send nothing"
    )
    verb.add_argument("--json", action="store_true", help="print it for a program")
    _takes_reuse(verb)
    _takes_chain(verb)


def _status(verbs: Verbs) -> None:
    verb = _verb(verbs, status, StatusOptions, "status runs/xor-0123456789 --json")
    _takes_run(verb)
    verb.add_argument("--json", action="store_true", help="print it for a program")


def _logs(verbs: Verbs) -> None:
    verb = _verb(verbs, logs, LogsOptions, "logs 4711_3")
    _takes_names(verb, "a trial (the beginning of its id), a job or an array; and the folder of a run")


def _cancel(verbs: Verbs) -> None:
    verb = _verb(verbs, cancel, CancelOptions, "cancel runs/xor-0123456789")
    _takes_names(verb, "jobs, array tasks or arrays (default: all); and the folder of a run")


def _retry(verbs: Verbs) -> None:
    verb = _verb(verbs, retry, RetryOptions, "retry --set cluster.memory_gib=64")
    _takes_names(verb, "packs (default: all that failed or were lost); and the folder of a run")
    verb.add_argument("--quarantined", action="store_true", help="also those that failed twice")
    _takes_set(verb)
    _takes_chain(verb)


def _probe(verbs: Verbs) -> None:
    verb = _verb(verbs, probe, ProbeOptions, "probe --cluster soc")
    _takes_cluster(verb)
    _takes_set(verb)
    verb.add_argument("--json", action="store_true", help="print rows for a program")
    verb.add_argument("--no-job", action="store_true", help="ask the scheduler only; send no job")
    verb.add_argument(
        "--patience", type=float, default=600.0, metavar="SECONDS", help="how long to wait for the job (default: 600)"
    )


def _sync(verbs: Verbs) -> None:
    verb = _verb(verbs, sync, SyncOptions, "sync runs/xor-0123456789 --set tracking.runs=all")
    _takes_run(verb)
    _takes_set(verb)
    verb.add_argument(
        "--watch",
        type=_seconds,
        nargs="?",
        const=60.0,
        metavar="SECONDS",
        help="go on until the run is finished, looking again after so many seconds (default: 60)",
    )
    verb.add_argument(
        "--online", action="store_true", help="send now or not at all: write no files for a later sync, as in a job"
    )


def _dashboard(verbs: Verbs) -> None:
    verb = _verb(verbs, dashboard, DashboardOptions, "dashboard runs/xor-0123456789 --set tracking.project=lab")
    _takes_run(verb)
    _takes_set(verb)


def _list(verbs: Verbs) -> None:
    verb = _verb(verbs, list_kind, ListOptions, "list bases")
    verb.add_argument("kind", nargs="?", default="", metavar="KIND", help=f"one of {', '.join(LISTABLE_KINDS)}")


def _check(verbs: Verbs) -> None:
    verb = _verb(verbs, check, CheckOptions, "check my_bases.py")
    verb.add_argument(
        "extensions",
        nargs="+",
        metavar="FILE",
        help="Python files with definitions of your own, or entry points of installed packages",
    )


def _lecture(verbs: Verbs) -> None:
    verb = _verb(verbs, lecture, LectureOptions, "lecture")
    verb.add_argument("runs", type=_folder, nargs="?", metavar="DIR", help="folder that holds the runs (default: runs)")
    verb.add_argument("--without-runs", action="store_true", help="also where no experiment of the lecture has run")


def _play(verbs: Verbs) -> None:
    verb = _verb(verbs, play, PlayOptions, "play --seed monday")
    verb.add_argument("--seed", metavar="WORD", help="any word or number; the same one gives the same goals")


def _playground(verbs: Verbs) -> None:
    verb = _verb(verbs, playground, PlaygroundOptions, "playground runs/xor-0123456789 --open")
    verb.add_argument(
        "run", type=_folder, nargs="?", metavar="DIR", help="folder of a run whose trials can be opened (default: none)"
    )
    verb.add_argument("--open", action="store_true", help="open the page in a browser")


def _bench(verbs: Verbs) -> None:
    verb = _verb(verbs, bench, BenchOptions, "bench --json")
    verb.add_argument("--json", action="store_true", help="print rows for a program")
    verb.add_argument("--quick", action="store_true", help="only the middle shapes, in packs of 32")
    one_of = verb.add_mutually_exclusive_group()
    one_of.add_argument(
        "--sweep", action="store_true", help="whole sweeps from the command line to their results instead"
    )
    one_of.add_argument(
        "--browser",
        action="store_true",
        help="descent in a page beside TensorFlow.js, which npm fetches, and the pages of runs, instead",
    )
    one_of.add_argument(
        "--against",
        metavar="FOLDER",
        type=_folder,
        help="another checkout, timed in turns with this one",
    )


def _verb(verbs: Verbs, function: Callable, options: type, example: str) -> argparse.ArgumentParser:
    first_line = (function.__doc__ or "").splitlines()[0]
    verb = verbs.add_parser(
        function.__name__,
        help=first_line,
        description=textwrap.fill(first_line, shutil.get_terminal_size().columns - 2),
        epilog=f"Example:\n  python -m pipeline {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.set_defaults(verb=function, options=options)
    return verb


def _folder(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the folder has no name")
    return Path(text)


def _takes_config(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("config", type=Path, metavar="CONFIG", help="YAML file of an experiment")
    _takes_set(verb)


def _takes_configs(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "config", type=Path, nargs="+", metavar="CONFIG", help="YAML files of experiments, or folders of such files"
    )
    _takes_set(verb)


def _takes_set(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="change one field, as in steps=100, inputs.noise=0.1 or cluster.queue=long; may be repeated",
    )


def _takes_cluster(verb: argparse.ArgumentParser, *, required: bool = True) -> None:
    verb.add_argument(
        "--cluster",
        required=required,
        metavar="NAME",
        help="name of a cluster, as list clusters has it, or a YAML file",
    )


def _takes_reuse(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--reuse",
        type=_folder,
        action="append",
        default=[],
        metavar="DIR",
        help="take finished trials also from the runs in this folder, or from this run; may be repeated",
    )
    verb.add_argument(
        "--fresh", action="store_true", help="train every trial, also those that another run has finished"
    )


def _takes_chain(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--chain", type=_count, default=0, metavar="N", help="jobs that wait for each job, to go on where it stopped"
    )


def _takes_names(verb: argparse.ArgumentParser, what: str) -> None:
    verb.add_argument("what", nargs="*", metavar="WHAT", help=what)
    verb.add_argument("--json", action="store_true", help="print it for a program")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of at least 0")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def _takes_run(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("run", type=Path, nargs="?", metavar="DIR", help="folder of a run (default: the newest in runs/)")
