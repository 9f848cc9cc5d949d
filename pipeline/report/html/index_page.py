"""The page that links the reports of several runs.

What it lists is kept beside it as JSON: the runs of another folder come beside those that are there already.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from pipeline.errors import PipelineError
from pipeline.records.atomic_writes import replacing
from pipeline.report.html.rendering import document, section
from pipeline.report.tables.printing import number_of
from pipeline.report.theory.verdicts import CANNOT_SAY, counted

OVER_WIDTHS = ("error_by_width",)
AT_ONE_WIDTH = ("stability_by_step", "weights_by_step", "loss_by_step")
"""The figures that tell most of a run of several widths, and of one."""


@dataclass(frozen=True)
class Entry:
    """What the index says of one run.

    Args:
        name: Of its configuration.
        question: What it asks.
        report: Its page.
        counts: How its trials ended, in words.
        verdict: Whether they ended as theory says.
        figures: Names of the figures that tell most, the first of which that is there is shown.
    """

    name: str
    question: str
    report: Path
    counts: str
    verdict: str
    figures: tuple[str, ...] = ()


def entry_of(name: str, question: str, report: Path, table: pl.DataFrame) -> Entry:
    """The entry of a run, from one row per trial."""
    counts = dict(table["status"].value_counts(sort=True).iter_rows())
    words = ", ".join(f"{number} {status}" for status, number in counts.items())
    figures = OVER_WIDTHS if table["width"].n_unique() > 1 else AT_ONE_WIDTH
    return Entry(name, question, report, words, table.select(counted(pl.col("verdict"))).item(), figures)


def entry_of_game(name: str, question: str, report: Path, rounds: pl.DataFrame) -> Entry:
    """The entry of a number game, from one row per round."""
    verdict = rounds.select(counted(pl.col("verdict"), of="round")).item()
    return Entry(name, question, report, number_of(rounds.height, "round"), verdict)


def write_index(path: Path, title: str, entries: Sequence[Entry]) -> None:
    """Write a page with a row for every run: a picture, its question, how its trials ended, and the verdict.

    What the page says already of other runs stays, as long as their reports are there.

    Raises:
        PipelineError: If what it says already cannot be read.
    """
    new = {entry.report.resolve() for entry in entries}
    said = {
        other: [entry for entry in those if entry.report.resolve() not in new] for other, those in _said(path).items()
    }
    parts = {title: [*entries, *said.pop(title, [])], **{other: those for other, those in said.items() if those}}
    tables = [_table(path.parent, those) for those in parts.values()]
    whole = title if len(parts) == 1 else f"Reports in {path.parent.resolve().name}"
    if len(parts) > 1:
        tables = [section(other, table) for other, table in zip(parts, tables, strict=True)]
    body = "\n".join([f"<header><h1>{escape(whole)}</h1></header>", *tables])
    with replacing(path) as part:
        part.write_text(document(whole, body, charts=False), encoding="utf-8")
    with replacing(_list(path)) as part:
        part.write_text(_written(path.parent, parts), encoding="utf-8")


def _list(path: Path) -> Path:
    """Where the entries of a page are kept, for who writes it the next time."""
    return path.with_suffix(".json")


def _written(folder: Path, parts: Mapping[str, Sequence[Entry]]) -> str:
    content = {
        title: [dataclasses.asdict(entry) | {"report": _link(folder, entry)} for entry in entries]
        for title, entries in parts.items()
    }
    return json.dumps(content, indent=1) + "\n"


def _said(path: Path) -> dict[str, list[Entry]]:
    """The entries of a page, under their titles, but for those whose reports are gone.

    Raises:
        PipelineError: If somebody has changed them.
    """
    kept = _list(path)
    try:
        content = json.loads(kept.read_bytes()) if kept.exists() else {}
        parts = {title: [_read(path.parent, entry) for entry in those] for title, those in content.items()}
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        hint = f"remove it; {path} then begins anew, and the reports stay"
        raise PipelineError(f"the list of reports cannot be read: {error}", where=str(kept), hint=hint) from None
    there = {title: [entry for entry in those if entry.report.exists()] for title, those in parts.items()}
    return {title: those for title, those in there.items() if those}


def _read(folder: Path, entry: dict[str, Any]) -> Entry:
    return Entry(**entry | {"report": folder / entry["report"]})


def _table(folder: Path, entries: Sequence[Entry]) -> str:
    rows = "\n".join(_row(folder, entry) for entry in entries)
    heads = "".join(f"<th>{head}</th>" for head in ("", "question", "trials", "theory and measurement"))
    return f"""<div class="scroll"><table class="index"><thead><tr>{heads}</tr></thead><tbody>
{rows}
</tbody></table></div>"""


def _link(folder: Path, entry: Entry) -> str:
    return Path(os.path.relpath(entry.report, folder)).as_posix()


def _row(folder: Path, entry: Entry) -> str:
    link = quote(_link(folder, entry))
    said = f' class="{entry.verdict.split()[0]}"' if entry.verdict != CANNOT_SAY else ""
    question = f'<a href="{link}"><b>{escape(entry.name.replace("_", " "))}</b></a><br>{escape(entry.question)}'
    cells = (_picture(entry, link), question, escape(entry.counts))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}<td{said}>{escape(entry.verdict)}</td></tr>"


def _picture(entry: Entry, link: str) -> str:
    """A figure, in the page itself: browsers do not agree on what a page of a disk may load."""
    folder = entry.report.parent / "figures"
    for path in [*(folder / f"{name}.png" for name in entry.figures), *sorted(folder.glob("*.png"))]:
        if path.exists():
            data = base64.b64encode(path.read_bytes()).decode()
            said = f"A figure of {escape(entry.name)}"
            return f'<a href="{link}"><img src="data:image/png;base64,{data}" alt="{said}"></a>'
    return ""
