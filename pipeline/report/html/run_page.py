"""The page of a run: one file that needs no network, made from the plan and the records alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import polars as pl
import vl_convert

from pipeline.plan import Plan, read_plan, read_provenance
from pipeline.records.atomic_writes import replacing
from pipeline.records.store import naming_damage, read_fitted_samples, read_outcomes, scan_records
from pipeline.report.figures.catalogue import FIGURES, Caption
from pipeline.report.html.rendering import document, section
from pipeline.report.html.run_provenance import html_origin
from pipeline.report.html.template import CONVENTIONS
from pipeline.report.html.wandb_links import html_online_pages, read_online_pages
from pipeline.report.tables.convergence_rates import rates
from pipeline.report.tables.coordinate_check import coordinate_check
from pipeline.report.tables.error_decomposition import error_parts, in_percent, sentences
from pipeline.report.tables.excess_losses import predicted_and_measured
from pipeline.report.tables.printing import number_of, shown_cells, split_constants
from pipeline.report.tables.results import PROBLEM, criterion, read_results, summary, tolerance_of
from pipeline.report.tables.run_tables import Sources
from pipeline.report.tables.surrogate_losses import slopes, steps_to_accuracy
from pipeline.report.theory.verdicts import CANNOT_SAY, counted, not_measured, silences
from pipeline.report.theory.yardsticks import against_yardsticks

MOST_ROWS = 500
MOST_REASONS = 20
LONGEST_REASON = 4000
STATUSES = ("done", "diverged", "failed", "pending")


@dataclass(frozen=True)
class Drawn:
    """A figure and its chart as Vega-Lite."""

    figure: Caption
    spec: dict[str, Any]


def write_report(run: Path) -> Path:
    """Write ``report.html`` into the folder of a run, and its figures as ``figures/<name>.png`` and as Vega-Lite.

    Works at any time: what has not run yet is counted as pending.

    Raises:
        PipelineError: If the folder holds no plan, or a file in it is damaged.
    """
    plan, outcomes = read_plan(run), read_outcomes(run)
    return write_report_of(run, plan, outcomes, read_results(run, plan, outcomes))


def write_report_of(run: Path, plan: Plan, outcomes: pl.DataFrame, table: pl.DataFrame) -> Path:
    """Write the same of a run of which the plan, the outcomes and the results were read already.

    Raises:
        PipelineError: If a file in the folder is damaged.
    """
    records = scan_records(run)
    sources = Sources(plan, table, records, read_fitted_samples(run))
    with naming_damage(run):
        figures = draw(sources)
        predicted = predicted_and_measured(plan, table, records, outcomes)
        reached = steps_to_accuracy(plan, table, records)
        moved = coordinate_check(plan, table, records)
    (run / "figures").mkdir(exist_ok=True)
    for drawn in figures:
        with replacing(run / "figures" / f"{drawn.figure.name}.png") as part:
            part.write_bytes(vl_convert.vegalite_to_png(json.dumps(drawn.spec), scale=2))
        with replacing(run / "figures" / f"{drawn.figure.name}.json") as part:
            part.write_text(json.dumps(drawn.spec, allow_nan=False), encoding="utf-8")
    path = run / "report.html"
    with replacing(path) as part:
        found = (predicted, error_parts(sources), reached, moved)
        part.write_text(page(run, plan, table, outcomes, figures, *found), encoding="utf-8")
    return path


def draw(sources: Sources) -> list[Drawn]:
    """Every figure that the run has something to show in."""
    drawn = []
    for figure in FIGURES:
        chart = figure.draw(sources)
        if chart is not None:
            spec = chart.to_dict() | {"description": f"{figure.title}. {figure.caption}"}
            drawn.append(Drawn(figure, spec))
    return drawn


def page(
    run: Path,
    plan: Plan,
    table: pl.DataFrame,
    outcomes: pl.DataFrame,
    figures: list[Drawn],
    predicted: pl.DataFrame | None = None,
    parts: pl.DataFrame | None = None,
    reached: pl.DataFrame | None = None,
    moved: pl.DataFrame | None = None,
) -> str:
    """The whole page as text.

    Args:
        run: Folder of the run.
        plan: What was asked.
        table: The results.
        outcomes: Where they come from.
        figures: What is drawn.
        predicted: Curves of descent beside their predictions, if there are any.
        parts: What test errors come from, if that was recorded.
        reached: How soon few answers are wrong by each of several losses, if there are any.
        moved: How the change of hidden units goes with the width, if that was recorded.
    """
    body = "\n".join(
        [
            _header(plan, table),
            _verdicts(table, outcomes),
            _predictions(plan, predicted),
            _rates(plan, table),
            _yardsticks(plan, table),
            _error_parts(parts),
            _surrogates(plan, reached),
            _coordinates(moved),
            *(html_figure(drawn) for drawn in figures),
            _tables(run, table),
            _failures(table),
            section(
                "Where this comes from",
                html_online_pages(read_online_pages(run)),
                html_origin(plan, read_provenance(run), outcomes),
            ),
            section("Conventions", *(f"<p>{escape(text)}</p>" for text in CONVENTIONS)),
        ]
    )
    return document(plan.experiment.question, body, charts=bool(figures))


def _header(plan: Plan, table: pl.DataFrame) -> str:
    counts = dict(table["status"].value_counts().iter_rows())
    chips = "".join(f"<li><b>{counts[word]}</b> {word}</li>" for word in STATUSES if word in counts)
    ended = table.height - counts.get("pending", 0)
    progress = number_of(table.height, "trial")
    if ended < table.height:
        progress = f"{ended} of {progress} so far"
    lines = [f"<h1>{escape(plan.experiment.question)}</h1>"]
    lines.append(f'<p class="quiet">{escape(plan.name)}: {progress}</p>')
    lines.append(f'<ul class="counts">{chips}</ul>')
    lines += [f"<p>{text}</p>" for text in _best(table)]
    return f"<header>{''.join(lines)}</header>"


def _best(table: pl.DataFrame) -> Iterable[str]:
    """One sentence for each problem: what did best."""
    name = criterion(table)
    apart = [column for column in PROBLEM[1:] if table[column].n_unique() > 1]
    ranked = summary(table).filter(pl.col(f"median_{name}").is_finite()).sort(f"median_{name}", maintain_order=True)
    for row in ranked.group_by(PROBLEM, maintain_order=True).first().head(8).iter_rows(named=True):
        rate = row["best_learning_rate"]
        where = f"{row['model']}, width {row['width']}" + (f", learning rate {rate:.3g}" if rate else "")
        value = f"median {name.replace('_', ' ')} {row[f'median_{name}']:.3g}"
        problem = ", ".join([row["problem"], *(f"{name} {row[name]:g}" for name in apart if row[name] is not None)])
        yield f"Best on {escape(problem)}: <b>{escape(where)}</b>, {value}."


def _verdicts(table: pl.DataFrame, outcomes: pl.DataFrame) -> str:
    by_model = table.group_by(*PROBLEM, "model", maintain_order=True).agg(counted(pl.col("verdict")).alias("verdict"))
    spoken = by_model.filter(pl.col("verdict") != CANNOT_SAY)
    why = not_measured(outcomes)
    silent = "".join(f'<p class="quiet">{escape(text)}</p>' for text in (why, *silences(table)) if text)
    if spoken.is_empty():
        text = "Theory says nothing exact about the learning rates of this run, or no trial it speaks about has ended."
        return section("Theory and measurement", silent or f'<p class="quiet">{text}</p>')
    text = "Does descent converge below the predicted largest learning rate, and only there?"
    return section("Theory and measurement", f"<p>{text}</p>", html_table(spoken, keep=("model", "verdict")), silent)


def _predictions(plan: Plan, predicted: pl.DataFrame | None) -> str:
    if predicted is None or predicted.is_empty():
        return ""
    text = (
        "The excess loss is the training loss above that of least squares; theory predicts it at every step before "
        f"training. Steps are counted to {tolerance_of(plan):g} of its start, measured ones in recorded steps. The "
        "contraction is the factor by which a step multiplies it late on, and the mode the one that holds most of it "
        "then, counted from 0 by falling eigenvalue: a slower one that holds less is not seen yet. The deviation is "
        "the greatest distance of the two curves, in the logarithm."
    )
    return section(
        "Descent as predicted", f"<p>{text}</p>", html_table(predicted.drop("trial"), keep=("model", "verdict"))
    )


def _rates(plan: Plan, table: pl.DataFrame) -> str:
    fitted = rates(plan, table)
    if not fitted["against the bound"].str.starts_with(CANNOT_SAY).not_().any():
        return ""
    text = (
        "The test error at the best learning rate falls as the width to the power of minus the rate, over the widths "
        "that follow such a law, unless it falls exponentially; the interval is one of 90 %, and holds what these "
        "widths may be too small to show. A bound says that some function of the model is no worse than that: to be "
        "steeper is no contradiction, to be shallower shows what training, the number of points or noise adds to the "
        "best approximation."
    )
    return section("Rates", f"<p>{text}</p>", html_table(fitted, keep=("model", "rate", "against the bound")))


def _yardsticks(plan: Plan, table: pl.DataFrame) -> str:
    known = against_yardsticks(plan, table)
    if known.is_empty():
        return ""
    text = (
        "Errors of other approximations of as many terms, which are known exactly: the mean of cosines with random "
        "frequencies, whose squared error is a constant over their number in any dimension; the best ReLU network, "
        "below which no such network comes; and the limit of the best continuous line of one piece more than there "
        "are units. The ratio is that of the median test error to the yardstick."
    )
    return section("Yardsticks", f"<p>{text}</p>", html_table(known, keep=("model", "yardstick", "verdict")))


def _error_parts(parts: pl.DataFrame | None) -> str:
    if parts is None or parts.is_empty():
        return ""
    text = (
        "From the target to the outputs of a trial there are four steps, and what each adds to the squared test error "
        "adds up to all of it: the best combination of its features, the one that is best on the training points, the "
        "one that was learned, and that with the digits of the dtype. A step back towards the target counts below "
        "zero. Where the best model of a width is known exactly, what the features of the trial are worse than its "
        "stands apart. By the quadrature the sum may be off. Shares are those of the trial with the median error."
    )
    said = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences(parts))
    table = html_table(in_percent(parts), keep=("model", "mostly", "what lowers it"))
    return section("What the error is made of", f"<p>{text}</p>", f"<ul>{said}</ul>", table)


def _coordinates(moved: pl.DataFrame | None) -> str:
    if moved is None or moved.is_empty():
        return ""
    text = (
        "How far training has moved the hidden units, relative to their size at the start, goes with this power of the "
        "width, at the smallest learning rate; the interval is one of 90 %. At 0 wide networks go on learning "
        "features, below 0 they keep those that they start with. Theory speaks of the first step of wide networks."
    )
    return section("Check of coordinates", f"<p>{text}</p>", html_table(moved, keep=("model", "exponent", "verdict")))


def _surrogates(plan: Plan, reached: pl.DataFrame | None) -> str:
    by_theory, parts = slopes(plan), []
    if not by_theory.is_empty():
        text = (
            "With s the sigmoid of the logit z of a yes that is right, cross-entropy has the slope s - 1, the square "
            "(s - 1)^2 has 2 (s - 1) s (1 - s), so theory says the ratio 1 / (2 s (1 - s)) = 1 + cosh z: 2 where "
            "nothing is known yet, and without a bound where an answer is wrong and sure of it. There squares hardly "
            "move it, and that square is never steeper than 8/27."
        )
        parts += [f"<p>{text}</p>", html_table(by_theory, keep=("logit", "verdict"))]
    if reached is not None and not reached.is_empty():
        text = (
            "Measured at the best learning rate of each: the share of wrong answers at the end, which is what every "
            "loss here stands in for, and the first recorded step with at most so many wrong, medians over seeds "
            "(nothing where most seeds did not get there). The first gradient is the length of that of cross-entropy "
            "at step 0 over that of the square: linear models start where every s is 1/2, so theory says 2."
        )
        parts += [f"<p>{text}</p>", html_table(reached, keep=("problem", "model", "verdict"))]
    return section("Standing in for wrong answers", *parts) if parts else ""


def html_figure(drawn: Drawn) -> str:
    """A figure that the page draws, and its PNG where scripts do not run."""
    name, title, caption = drawn.figure.name, escape(drawn.figure.title), escape(drawn.figure.caption)
    spec = json.dumps(drawn.spec, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return f"""<section><h2>{title}</h2>
<figure>
<div class="chart" data-spec="spec-{name}" data-name="{name}">
<noscript><img src="figures/{name}.png" alt="{title}. {caption}"></noscript></div>
<figcaption>{caption}</figcaption>
<script type="application/json" id="spec-{name}">{spec}</script>
</figure></section>"""


def _tables(run: Path, table: pl.DataFrame) -> str:
    command = f"<code>python -m pipeline results {escape(str(run))} --json</code>"
    cells = summary(table)
    short = [f"<p>The first {MOST_ROWS} of {cells.height} rows.</p>"] if cells.height > MOST_ROWS else []
    first = (
        f"The first {MOST_ROWS} of {table.height} trials; all of them" if table.height > MOST_ROWS else "For programs"
    )
    return (
        section("For each model and width", *short, html_table(cells))
        + "\n"
        + section("Every trial", f"<p>{first}: {command}</p>", html_table(table.drop("reason")))
    )


def html_table(table: pl.DataFrame, keep: Sequence[str] = ()) -> str:
    """A table in HTML; what is the same in every row stands above it, once."""
    same, rest = split_constants(table, keep)
    above = ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in same.items())
    right = [' class="number"' if dtype.is_numeric() else "" for dtype in rest.dtypes]
    heads = zip(rest.columns, right, strict=True)
    head = "".join(f"<th{align}>{escape(name.replace('_', ' '))}</th>" for name, align in heads)
    rows = "".join(f"<tr>{_row(cells, right, rest.columns)}</tr>\n" for cells in shown_cells(rest.head(MOST_ROWS)))
    tall = " tall" if rest.height > 30 else ""
    body = f'<div class="scroll{tall}"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    return (f'<p class="quiet">The same in every row: {escape(above)}</p>' if above else "") + body


def _row(cells: list[str], right: list[str], columns: list[str]) -> str:
    written = []
    for cell, align, column in zip(cells, right, columns, strict=True):
        said = f' class="{cell.split()[0]}"' if column == "verdict" and cell != CANNOT_SAY else align
        written.append(f"<td{said}>{escape(cell)}</td>")
    return "".join(written)


def _failures(table: pl.DataFrame) -> str:
    failed = table.filter(pl.col("status") == "failed")
    if failed.is_empty():
        return ""
    reasons = (
        failed.group_by("reason", maintain_order=True)
        .agg(pl.len().alias("trials"))
        .sort("trials", descending=True, maintain_order=True)
    )
    parts = []
    for reason, trials in reasons.head(MOST_REASONS).iter_rows():
        parts.append(
            f"<p>{number_of(trials, 'trial')}:</p><pre>{escape(reason[:LONGEST_REASON]) or 'no reason given'}</pre>"
        )
    if reasons.height > MOST_REASONS:
        parts.append(f"<p>And {number_of(reasons.height - MOST_REASONS, 'more reason')}.</p>")
    return section("Failures", *parts)
