"""The results of a run: one row for every trial.

Shape letters: R learning rates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl

from pipeline.diagnostics.prediction import ExcessLoss, PredictedSteps
from pipeline.experiment.packing import Pack
from pipeline.experiment.trial import TimesLimit, Trial
from pipeline.numerics.spectra import LIMIT_OF_FLOAT64, TRUSTED_BELOW, Trust
from pipeline.plans import Plan
from pipeline.records.schema import Records
from pipeline.records.store import DamagedFileError, naming_damage, records_by_packs
from pipeline.report.tables.cells import (
    PROBLEM,
    TRAINING,
    cell_of,
    noise_of,
    objective_of,
    problem_labels,
    repeated_in,
    training_of,
)
from pipeline.report.tables.damaged_files import MISSING, NO_DAMAGE, Damage, lacks_records
from pipeline.report.tables.trial_summaries import (
    MEASURED_STEPS,
    RecordSource,
    SummaryRules,
    settled_by,
    source_of,
)
from pipeline.report.theory.at_rest import stability_index
from pipeline.report.theory.initial_modes import initial_modes
from pipeline.report.theory.rule_on_quadratics import recurrence_of
from pipeline.report.theory.stable_rates import LEAST_FRACTION, MARGIN, growth
from pipeline.report.theory.trial_verdicts import SHAPE_COLUMNS, of_shape, trial_verdict

VERDICT_COLUMNS = ("verdict", "grounds", "limit")
"""Columns of the verdict on a trial, what it rests on, and the limit of its learning rate."""
TRAINED_IN = "trained_in"
"""Column of the run that has trained a trial."""
TIMES_FIRST_LIMIT = "times_first_limit"
"""Column of the learning rate over the largest stable one at step 0."""
DEPENDENT = "dependent features"
"""What an infinite condition number says."""
CRITERIA = ("test_error", "loss")
"""What trials are judged by: the first of these that was recorded."""
READ = ("loss", "gradient_norm", "sharpness", "largest_stable_learning_rate")
"""Diagnostics that verdicts rest on, recorded or not."""
ROWS_AT_ONCE = 50_000
"""Trials that verdicts are made of at a time: what theory reads of one takes 1.5 kB."""
EXCESS_LOSS, PREDICTED_STEPS = ExcessLoss.name(), PredictedSteps.name()


def read_results(run: Path, plan: Plan, outcomes: pl.DataFrame, damage: Damage = NO_DAMAGE) -> pl.DataFrame:
    """The results of a run as far as they are recorded; its records are never in memory all at once.

    Args:
        run: Folder of the run.
        plan: Of the run.
        outcomes: How its trials ended.
        damage: What cannot be read, and is done without.

    Returns:
        The table of ``results``.

    Raises:
        DamagedFileError: If another part of the records is damaged or missing.
    """
    known = pl.concat([outcomes, damage.outcomes])
    with naming_damage(run):
        return results_by_packs(plan, map(source_of, records_by_packs(run, damage.packs)), known, run)


def results(plan: Plan, records: Records, outcomes: pl.DataFrame) -> pl.DataFrame:
    """The same, of records that are looked at all together."""
    return results_by_packs(plan, [RecordSource(records.lazy())], outcomes)


def results_by_packs(
    plan: Plan, sources: Iterable[RecordSource], outcomes: pl.DataFrame, run: Path | None = None
) -> pl.DataFrame:
    """One row for every trial of the plan, in its order, those not yet run included.

    Columns: the axes of the trial, with those of ``TRAINING`` that the experiment varies; ``learning_rate`` as it was
    used, or as planned where that is not known yet; ``precision``, what its numbers are stored in; ``status`` (done,
    diverged, failed, pending, unreadable), ``step`` (the last one reached), ``settled`` (the step after which the test
    error, or the loss, stays within 1 % of its last value), ``reason``, why it failed; where trials were taken
    from other runs ``trained_in``, the name of that run, empty of those that were trained here; ``verdict``, that
    theory agrees or is contradicted, or in a few words why neither; ``grounds``, what that rests on; ``limit``, what is
    known of rates below the predicted one; then the last value of every diagnostic. Where rates are multiples of the
    limit, ``times_limit`` holds them. Infinite and NaN are kept; null is *not recorded*.
    ``times_first_limit`` is the learning rate over the limit at step 0, that of linear models or, of networks whose
    sharpness is recorded, that of the Hessian there.
    Beside ``condition_number`` stands ``condition_number_trust``, beside ``predicted_steps`` stands
    ``measured_steps``, the first recorded step at which the tolerance was reached.

    Args:
        plan: Of the run.
        sources: Its records, all of a trial in the same source; each is in memory by itself, and is read once.
        outcomes: How its trials ended.
        run: Its folder, where what the records of large packs say is kept; ``None`` to keep nothing.

    Returns:
        As many rows as the plan has trials.

    Raises:
        DamagedFileError: If there is a folder, and in it records are missing of trials that have ended.
    """
    by_pack, ended = _of_packs(plan), _ended(plan, outcomes)
    names, known = SummaryRules(plan, tolerance_of(plan), CRITERIA, run).summaries(ended, by_pack, sources)
    rates = ["learning_rate", "times_limit"] if ended["times_limit"].count() else ["learning_rate"]
    taken = [TRAINED_IN] if (ended[TRAINED_IN] != "").any() else []
    axes = [*cell_of(by_pack), *rates, "seed", *repeated_in(by_pack), "precision"]
    of_trial = ["trial", *axes, "status", "step", "settled", "reason", *taken, *VERDICT_COLUMNS]
    columns, settled = [*of_trial, *_with_what_is_beside(names)], settled_by(criterion(known))
    tables = (_with_records(plan, part, by_pack, known, run) for part in _few_packs(ended))
    parts = [_judged(plan, table, settled).select(columns) for table in tables]
    del ended, known  # of a million trials they take as much memory as the results
    return pl.concat(parts, rechunk=True)


def _with_what_is_beside(names: Sequence[str]) -> list[str]:
    """The diagnostics with the columns that stand beside some, and that which ends the table."""
    beside = {"condition_number": "condition_number_trust"}
    if EXCESS_LOSS in names:
        beside[PREDICTED_STEPS] = MEASURED_STEPS
    pairs = [(name, beside.get(name)) for name in names]
    return [column for pair in pairs for column in pair if column] + [TIMES_FIRST_LIMIT]


def _few_packs(ended: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The rows of whole packs, some ten thousand at a time: a trial's numbers do not depend on where they are cut."""
    first = 0
    for end in ended["pack"].rle().struct.field("len").cum_sum():
        if end - first >= ROWS_AT_ONCE or end == ended.height:
            yield ended[first:end]
            first = end


def _with_records(
    plan: Plan, ended: pl.DataFrame, by_pack: pl.DataFrame, known: pl.DataFrame, run: Path | None
) -> pl.DataFrame:
    """The rows of whole packs with what their trials have in common and with what the records of all trials say."""
    of_these = known.filter(pl.col("row").is_between(ended["row"][0], ended["row"][-1]))
    table = ended.join(by_pack, on="pack", how="left", maintain_order="left")
    table = table.join(of_these, on="row", how="left", maintain_order="left")
    if run is not None and (lacking := table.filter(lacks_records(plan))).height:
        raise DamagedFileError(run / "records" / f"{plan.packs[lacking['pack'][0]].id}-*.parquet", MISSING)
    return table


def _judged(plan: Plan, table: pl.DataFrame, settled: str) -> pl.DataFrame:
    """Some trials with the verdicts on them; ``settled`` by the column of that name."""
    absent = [pl.lit(None, pl.Float64).alias(name) for name in READ if name not in table.columns]
    table = table.with_columns(pl.coalesce("step", "last_step").alias("step"), *absent, settled=settled)
    table = table.with_columns(*_growth(plan, table), times_first_limit()).with_columns(*trial_verdict())
    return table.with_columns(condition_number_trust()) if "condition_number" in table.columns else table


def tolerance_of(plan: Plan) -> float:
    """The fraction of the first excess loss that steps are counted to.

    Args:
        plan: Its diagnostic ``predicted_steps`` sets it; without one it is the default.

    Returns:
        Between 0 and 1.
    """
    predicted = [diagnostic for diagnostic in plan.experiment.diagnostics if isinstance(diagnostic, PredictedSteps)]
    return predicted[0].tolerance if predicted else PredictedSteps().tolerance


def criterion(results: pl.DataFrame) -> str:
    """What trials are judged by: the test error if any was recorded, else the loss."""
    recorded = [name for name in CRITERIA if name in results.columns and results[name].count()]
    return recorded[0] if recorded else "loss"


def _of_packs(plan: Plan) -> pl.DataFrame:
    """What the trials of each pack have in common: their axes, and whether theory speaks about them."""
    shapes, labels, varied = [], problem_labels(plan), plan.experiment.varied()
    for pack in plan.packs:
        shape, problem = pack.shape, pack.shape.problem
        columns = (labels[objective_of(shape)], problem.num_inputs, problem.train, noise_of(problem))
        training, before = training_of(shape), plan.experiment.recorded_steps(shape.steps)[-2]
        axes = (*columns, shape.model.label(), *(training[name] for name in varied), shape.width)
        shapes.append((*axes, before, shape.stored, *of_shape(shape)))
    types = dict(zip(PROBLEM, (pl.String, pl.Int64, pl.Int64, pl.Float64), strict=True)) | {"model": pl.String}
    types |= {name: TRAINING[name] for name in varied} | {"width": pl.Int64}
    types |= {"step_before": pl.Int64, "precision": pl.String}
    by_pack = pl.DataFrame(shapes, schema=types | SHAPE_COLUMNS, orient="row").with_row_index("pack")
    if isinstance(plan.experiment.inputs.seed, tuple):
        seeds = pl.Series([pack.shape.problem.seed for pack in plan.packs], dtype=pl.Int64)
        by_pack = by_pack.with_columns(data_seed=seeds)
    return by_pack


def _ended(plan: Plan, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Every trial, its rate and seed, and how it ended; those of a pack follow one another."""
    ran = outcomes.select("trial", "status", "step", "reason", "engine", resolved="learning_rate", trained_in="run")
    ended = _planned(plan).join(ran, on="trial", how="left", maintain_order="left")
    return ended.with_columns(
        pl.coalesce("resolved", "learning_rate").alias("learning_rate"),
        pl.col("status").fill_null("pending"),
        pl.col("reason").fill_null(""),
        pl.col(TRAINED_IN).fill_null(""),
    ).drop("resolved")


def _planned(plan: Plan) -> pl.DataFrame:
    independent = [(number, trial) for number, pack in enumerate(plan.packs) for trial in _independent(pack)]
    trials = [trial for _, trial in independent]
    rates = [trial.learning_rate for trial in trials]
    frame = pl.DataFrame(
        {
            "trial": [trial.id for trial in trials],
            "pack": [number for number, _ in independent],
            "learning_rate": [rate if isinstance(rate, float | int) else None for rate in rates],
            "times_limit": [rate.times_limit if isinstance(rate, TimesLimit) else None for rate in rates],
            "seed": [trial.seed for trial in trials],
        },
        schema={
            "trial": pl.String,
            "pack": pl.UInt32,
            "learning_rate": pl.Float64,
            "times_limit": pl.Float64,
            "seed": pl.Int64,
        },
    )
    return frame.with_row_index("row")


def _independent(pack: Pack) -> tuple[Trial, ...]:
    """The trials of a pack without copies that differ in the seed only, which plans of older versions have."""
    if pack.shape.draws_from_seed:
        return pack.trials
    firsts = {trial.learning_rate: trial for trial in reversed(pack.trials)}
    return pack.trials if len(firsts) == len(pack.trials) else tuple(reversed(firsts.values()))


def _growth(plan: Plan, table: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Of trials that ended above the limit, and did not diverge, what modes that grow have made of the first loss.

    Null elsewhere: few trials are there, and splitting an initial loss into its modes takes longer than reading a row.

    Returns:
        Two columns, ``least_growth`` and ``growth``, as long as the table.
    """
    known = pl.col("has_limit") & (pl.col("status") == "done") & (pl.col("first_loss").is_finite())
    above = pl.col("learning_rate") > pl.col("largest_stable_learning_rate")
    rows = table.with_row_index("place").filter(known & above)
    rows = rows.select("place", "pack", "learning_rate", "step", "largest_stable_learning_rate")
    least: list[float | None] = [None] * table.height
    about = list(least)
    for (number,), part in rows.partition_by("pack", as_dict=True).items():
        shape = plan.packs[number].shape
        initial, recurrence = initial_modes(shape), recurrence_of(shape)
        if initial is None or recurrence is None:
            continue
        rates_R, limits_R = part["learning_rate"].to_torch(), part["largest_stable_learning_rate"].to_torch()
        least_fraction, margin = LEAST_FRACTION[shape.dtype], MARGIN[shape.stored]
        grown = growth(initial, rates_R, part["step"].to_torch(), limits_R, recurrence, least_fraction, margin)
        for place, *values in zip(part["place"], *(tensor.tolist() for tensor in grown), strict=True):
            least[place], about[place] = values
    return pl.Series("least_growth", least, pl.Float64), pl.Series("growth", about, pl.Float64)


def times_first_limit() -> pl.Expr:
    """The learning rate over the largest stable one at step 0; null where that is not known."""
    of_linear_model = pl.col("learning_rate") / pl.col("largest_stable_learning_rate")
    return pl.coalesce(stability_index("first_sharpness"), of_linear_model).alias(TIMES_FIRST_LIMIT)


def condition_number_trust() -> pl.Expr:
    """How far to trust each condition number, in words; an infinite one is exact: the features are dependent."""
    number = pl.col("condition_number")
    return (
        pl.when(number.is_nan())
        .then(None)
        .when(number.is_infinite())
        .then(pl.lit(DEPENDENT))
        .when(number < TRUSTED_BELOW)
        .then(pl.lit(Trust.TRUSTED.value))
        .when(number < LIMIT_OF_FLOAT64)
        .then(pl.lit(Trust.ONE_DIGIT.value))
        .when(number.is_not_null())
        .then(pl.lit(Trust.AT_LEAST.value))
        .alias("condition_number_trust")
    )
