"""The answer that a page begins with: sentences, the figure that shows it, and the verdict on the question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.errors import number_of
from pipeline.numerics.randomness import TRIAL
from pipeline.report.answer.compared_axis import Comparison, comparison_of
from pipeline.report.answer.divergence import divergence_sentence
from pipeline.report.answer.observed_values import EDGE, value_sentences
from pipeline.report.answer.phrases import from_to, short
from pipeline.report.answer.question_verdict import question_verdict
from pipeline.report.answer.rankings import ranking_sentences
from pipeline.report.answer.rate_effects import rate_sentences, told_phases
from pipeline.report.answer.width_effects import width_sentences
from pipeline.report.tables.coordinate_check import CHANGE
from pipeline.report.tables.results import criterion
from pipeline.report.tables.run_tables import RunTables
from pipeline.report.theory.trial_verdicts import FAILED, PENDING, UNREADABLE

FIGURE_OF = {
    EDGE: "stability_by_step",
    "sharpness": "stability_by_step",
    "weight_norm": "weights_by_step",
    "gradient_norm": "weights_by_step",
    "condition_number": "condition_by_width",
    CHANGE: "feature_change_by_width",
    "gram_condition_number": "steps_by_condition",
    "predicted_steps": "steps_by_condition",
}
"""The figure that shows an answer, by the diagnostic that is compared."""
PHASES = "phases_by_rate_and_width"
OVER_WIDTHS, AT_ONE_WIDTH = "error_by_width", "loss_by_step"


@dataclass(frozen=True, repr=False)
class Answer:
    """What a run answers.

    Args:
        sentences: The answer in words.
        figures: Names of the figures that show it, the first of which that is there is shown with it.
        about: What the verdict is about.
        verdict: Whether theory agrees.
        diverged: What the trials that diverged say; empty where none did.
    """

    sentences: tuple[str, ...]
    figures: tuple[str, ...]
    about: str
    verdict: str
    diverged: str

    @property
    def text(self) -> str:
        """All sentences in a row."""
        return " ".join(self.sentences)

    def __repr__(self) -> str:
        return self.text


NO_ANSWER = Answer(("The answer is left out, because code of a definition of your own fails in it.",), (), "", "", "")
"""Where theory could not be asked."""


def answer_of(tables: RunTables, outcomes: pl.DataFrame) -> Answer:
    """The answer of a run, as far as it has one.

    Args:
        tables: Of the run.
        outcomes: How its trials ended.

    Returns:
        Sentences that say what was measured, or why there is no answer yet.
    """
    comparison = comparison_of(tables)
    about, verdict = question_verdict(tables, outcomes, comparison)
    figures = _figures(tables, comparison)
    return Answer(tuple(_sentences(tables, comparison)), figures, about, verdict, divergence_sentence(tables.results))


def _sentences(tables: RunTables, comparison: Comparison) -> Sequence[str]:
    results = tables.results
    statuses = dict(results["status"].value_counts().iter_rows())
    ended = statuses.get("done", 0) + statuses.get("diverged", 0)
    if not ended:
        return [_nothing_yet(statuses, results.height)]
    so_far = [f"So far {ended} of {number_of(results.height, 'trial')} have ended."] if "pending" in statuses else []
    if not statuses.get("done"):
        return [_all_diverged(tables, statuses["diverged"]), *so_far]
    if criterion(results) not in results.columns or not results[criterion(results)].count():
        return ["Neither a test error nor a loss was recorded, so that nothing can be compared.", *so_far]
    return [*_compared(tables, comparison), *so_far]


def _nothing_yet(statuses: dict[str, int], whole: int) -> str:
    if statuses.get("failed") == whole:
        return "Every trial failed, so that there is no answer; the reasons are below."
    told = [f"{number_of(statuses[PENDING], 'trial')} to come"] if PENDING in statuses else []
    told += [f"{number_of(statuses[FAILED], 'trial')} failed"] if FAILED in statuses else []
    if UNREADABLE not in statuses:
        return f"Nothing has been recorded yet: {', '.join(told)}."
    told.append(f"{number_of(statuses[UNREADABLE], 'trial')} cannot be read")
    return f"There is no answer: {', '.join(told)}."


def _all_diverged(tables: RunTables, number: int) -> str:
    every = "Every trial" if number == tables.results.height else "Every trial that has ended"
    rates = tables.named.filter(pl.col("status") == "diverged")["rate_axis"].drop_nulls().to_list()
    words = "times the limit" if tables.relative_rates else ""
    if not rates:
        return f"{every} diverged."
    between = f"{from_to(rates)} {words}".strip()
    if len(set(rates)) == 1:
        return f"{every} diverged: a learning rate of {between} is too large."
    return f"{every} diverged: all learning rates from {between} are too large."


def _compared(tables: RunTables, comparison: Comparison) -> Sequence[str]:
    if not comparison.by_best:
        told = value_sentences(tables, comparison)
        return told or [f"The {comparison.by.replace('_', ' ')} was not recorded of any trial that is compared."]
    if comparison.axis is None:
        return [_one_setting(tables, comparison.by)]
    if comparison.axis == "width":
        return width_sentences(tables, comparison)
    if comparison.axis == "learning_rate":
        return rate_sentences(tables, comparison)
    return ranking_sentences(tables, comparison)


def _one_setting(tables: RunTables, by: str) -> str:
    """What one setting ends at, over its seeds; one that diverged ends at infinity."""
    ended = tables.named.filter(pl.col("status").is_in(["done", "diverged"]))
    values = ended["score"].drop_nulls()
    model, metric, seeds = ended["name"][0], by.replace("_", " "), len(values)
    if seeds == 1:
        told = "one seed does not tell how much that varies" if _is_random(tables) else "nothing in training is random"
        return f"{model} ends at a {metric} of {short(values[0])}; {told}."
    finite = values.filter(values.is_finite()).to_list()
    diverged = seeds - len(finite)
    if not finite or 2 * diverged >= seeds:
        others = f", and ends at a {metric} of {from_to(finite)} for the others" if finite else ""
        return f"{model} diverges for {number_of(diverged, 'seed', whole=seeds)}{others}."
    middle = values.median()
    assert isinstance(middle, float)
    low, high = values.quantile(0.25, "lower"), values.quantile(0.75, "higher")
    assert low is not None
    assert high is not None
    over = f"{seeds} seeds, of which {diverged} diverged" if diverged else f"{seeds} seeds"
    between = f"{short(low)} to {short(high) if high < math.inf else 'infinity'}"
    return f"{model} ends at a median {metric} of {short(middle)} over {over}, the middle half {between}."


def _is_random(tables: RunTables) -> bool:
    """Whether trials of another seed would end otherwise."""
    experiment = tables.plan.experiment
    drawn = experiment.inputs.seed == TRIAL or any(model.draws_features for model in experiment.models)
    return drawn or any(pack.shape.draws_from_seed for pack in tables.plan.packs)


def _figures(tables: RunTables, comparison: Comparison) -> tuple[str, ...]:
    """The figures that may show the answer, the best first."""
    several = tables.results["width"].n_unique() > 1
    phased = comparison.axis == "learning_rate" and not told_phases(tables).is_empty()
    by_rate = PHASES if phased else "loss_by_rate_and_width" if several else AT_ONE_WIDTH
    by_axis = by_rate if comparison.axis == "learning_rate" else OVER_WIDTHS if several else AT_ONE_WIDTH
    first = () if comparison.by_best else tuple(filter(None, [FIGURE_OF.get(comparison.by)]))
    return tuple(dict.fromkeys((*first, by_axis, OVER_WIDTHS if several else AT_ONE_WIDTH)))
