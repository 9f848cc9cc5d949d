"""A diagnostic that no best is defined by is told as it ended, and whether it still moves."""

from __future__ import annotations

import pytest
from ended_run import LAST, answered, ended

from pipeline.diagnostics import DIAGNOSTICS
from pipeline.experiment.answers import Answers
from pipeline.experiment.axes import TimesLimits
from pipeline.experiment.trial import TimesLimit
from pipeline.models.activations import Tanh
from pipeline.models.bases import BASES
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.report.answer.observed_values import AT_THE_EDGE, edge_of_stability

MODELS = (Shallow(), Shallow(Tanh()))


@pytest.mark.parametrize(
    ("late", "moving"),
    [
        (2.0, "(it still grows: by 100% over the second half of the steps)"),
        (0.5, "(it still falls: by 50% over the second half of the steps)"),
        (1.001, "(it has come to rest)"),
    ],
)
def test_a_number_that_still_moves_is_said_to(late, moving):
    told = answered(
        lambda _: 0.1,
        models=MODELS,
        answers=Answers(by="gradient_norm"),
        also=lambda trial: [(LAST // 2, "gradient_norm", 1.0), (LAST, "gradient_norm", late)],
    )
    assert moving in told.text
    assert told.text.startswith(f"The gradient norm is {late:.3g} for shallow(relu)")


def test_of_many_values_the_least_and_the_greatest_are_named():
    models = tuple(Linear(BASES[name]()) for name in ("monomial", "legendre", "chebyshev", "cosine", "haar"))
    told = answered(
        lambda _: 0.1,
        models=models,
        answers=Answers(by="condition_number"),
        also=lambda trial: [(0, "condition_number", float(models.index(trial.shape.model) + 1))],
    )
    assert told.text == (
        "The condition number is lowest for linear(monomial) (1) and highest for linear(haar) (5), 5 times as large."
    )
    assert told.figures[0] == "condition_by_width"


@pytest.mark.parametrize(
    ("axis", "fields", "said"),
    [
        ("width", {"widths": (2, 4)}, "1 for width 2 and 2 for width 4"),
        ("learning_rate", {"rates": (0.1, 0.2)}, "1 for a rate of 0.1 and 2 for a rate of 0.2"),
        (
            "learning_rate",
            {"rates": TimesLimits((0.5, 1.5))},
            "1 for 0.5 times the limit and 2 for 1.5 times the limit",
        ),
    ],
)
def test_numbers_are_said_with_what_they_are_numbers_of(axis, fields, said):
    def norm(trial):
        least = trial.shape.width == 2 and trial.learning_rate in (0.1, TimesLimit(0.5))
        return [(0, "gradient_norm", 1.0 if least else 2.0)]

    told = answered(lambda _: 0.1, answers=Answers(axis, "gradient_norm"), also=norm, **fields)
    assert told.text.startswith(f"The gradient norm is {said}")


def test_what_was_not_recorded_is_said_to_be_missing():
    diagnostics = tuple(DIAGNOSTICS[name]() for name in ("test_error", "weight_norm"))
    told = answered(lambda _: 0.1, models=MODELS, answers=Answers(by="weight_norm"), diagnostics=diagnostics)
    assert told.text == "The weight norm was not recorded of any trial that is compared."


@pytest.mark.parametrize(
    ("above", "there"), [(0.0, True), (AT_THE_EDGE / 2, True), (2 * AT_THE_EDGE, False), (-0.5, False)]
)
def test_descent_has_settled_at_the_edge_where_the_mean_of_the_second_half_is_there(above, there):
    def index(trial):
        values = {0: 9.0, LAST // 2: 0.9 + above, LAST: 1.1 + above}
        return [(step, "stability_index", value) for step, value in values.items()]

    asked = {"rates": (0.1, 0.2), "also": index, "answers": Answers("learning_rate", "stability_index")}
    asked["diagnostics"] = tuple(DIAGNOSTICS[name]() for name in ("test_error", "stability_index"))
    tables, _ = ended(lambda _: 0.1, **asked)
    assert edge_of_stability(tables)["settled_there"].to_list() == [there] * 10
    told = answered(lambda _: 0.1, **asked)
    assert ("settles where the rate is just stable" in told.text) is there
    assert told.about == "edge of stability"
    assert told.verdict.startswith("contradicts" if above > AT_THE_EDGE else "agrees")


def test_the_second_half_of_the_steps_is_that_of_each_trial():
    def norms(trial):
        last = trial.shape.steps
        return [(0, "gradient_norm", 9.0), (last // 2, "gradient_norm", 1.0), (last, "gradient_norm", 2.0)]

    told = answered(lambda _: 0.1, steps=(100, LAST), answers=Answers(by="gradient_norm"), also=norms).text
    assert told.count("(it still grows: by 100% over the second half of the steps)") == 2


def test_a_change_of_features_of_which_no_power_of_the_width_is_known_is_told_as_a_number():
    diagnostics = tuple(DIAGNOSTICS[name]() for name in ("test_error", "feature_change"))
    for widths in ((2,), (2, 4, 8, 16, 32)):
        told = answered(
            lambda _: 0.1,
            widths=widths,
            diagnostics=diagnostics,
            answers=Answers(by="feature_change"),
            also=lambda trial: [(1, "feature_change", 0.0), (LAST, "feature_change", 0.0)],
        )
        assert told.text.startswith("The feature change is ")


def test_rates_that_are_multiples_of_the_limit_are_said_to_be():
    diagnostics = tuple(DIAGNOSTICS[name]() for name in ("test_error", "stability_index"))
    told = answered(
        lambda _: 0.1,
        rates=TimesLimits((0.5, 1.5)),
        diagnostics=diagnostics,
        answers=Answers("learning_rate", "stability_index"),
        also=lambda trial: [(LAST, "stability_index", trial.learning_rate.times_limit)],
    )
    assert told.text == "At 0.5 and 1.5 times the limit it is 0.5 to 1.5."
