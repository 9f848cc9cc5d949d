"""The page that links the reports of several runs."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import polars as pl

from pipeline.records.files import replacing
from pipeline.report.document import document
from pipeline.report.printing import number_of
from pipeline.report.verdicts import CANNOT_SAY, counted

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
    """Write a page with a row for every run: a picture, its question, how its trials ended, and the verdict."""
    rows = "\n".join(_row(path.parent, entry) for entry in entries)
    heads = "".join(f"<th>{head}</th>" for head in ("", "question", "trials", "theory and measurement"))
    body = f"""<header><h1>{escape(title)}</h1></header>
<div class="scroll"><table class="index"><thead><tr>{heads}</tr></thead><tbody>
{rows}
</tbody></table></div>"""
    with replacing(path) as part:
        part.write_text(document(title, body, charts=False), encoding="utf-8")


def _row(folder: Path, entry: Entry) -> str:
    link = escape(Path(os.path.relpath(entry.report, folder)).as_posix(), quote=True)
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
