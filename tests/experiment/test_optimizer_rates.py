"""Every optimizer has the learning rates that are written for it, for all, or by default."""

import pytest

from pipeline.experiment.axes import LogSpaced, TimesLimits
from pipeline.experiment.optimizer_rates import DEFAULT, rates_for
from pipeline.experiment.trial import TimesLimit
from pipeline.models.linear import Linear
from pipeline.optimizers.rules import Adam, LeastSquares, Momentum
from pipeline.optimizers.solvers import Lbfgs


@pytest.mark.parametrize(
    "written, values",
    [
        (None, DEFAULT.values()),
        ((1, 0.5), (1.0, 0.5)),
        (LogSpaced(0.1, 10, 3), (0.1, 1.0, 10.0)),
        (TimesLimits((0.5, 2.0)), (TimesLimit(0.5), TimesLimit(2.0))),
        ({"adam": (0.25,)}, (0.25,)),
        ({"momentum": (0.25,)}, DEFAULT.values()),
    ],
)
def test_rates_are_resolved_for_one_optimizer(written, values):
    assert rates_for(Adam(0.5), written) == values
    assert rates_for(Lbfgs(), written) == (None,)


def test_a_solver_may_stand_beside_a_rule_but_has_no_rate(experiment, refuses):
    both = (LeastSquares(), Momentum())
    assert experiment(models=(Linear(),), optimizer=both).rates_of(Momentum()) == (0.1, 0.2)
    with refuses(("learning_rates", "least_squares"), "'least_squares' is no optimizer of this experiment that has"):
        experiment(models=(Linear(),), optimizer=both, learning_rates={"least_squares": (0.1,)})
    with refuses(("learning_rates",), "least_squares and lbfgs have no learning rate"):
        experiment(models=(Linear(),), optimizer=(LeastSquares(), Lbfgs()), dtype="float64")


@pytest.mark.parametrize(
    "rates, path, what",
    [
        ({"momentum": (0.1, -1.0)}, ("learning_rates", "momentum", 1), "learning_rates must be positive, not -1.0"),
        ({"momentum": (0.1, 0.1)}, ("learning_rates", "momentum", 1), "learning_rates names 0.1 twice"),
        ({"momentum": ()}, ("learning_rates", "momentum"), "learning_rates is empty"),
        (
            {"momentum": (1e-300,)},
            ("learning_rates", "momentum", 0),
            "learning rate 1e-300 cannot be written in",
        ),
        ({"adam": TimesLimits((0.5,))}, ("learning_rates",), "adam has no limit that follows from lambda_max"),
        ({"adm": (0.1,)}, ("learning_rates", "adm"), "'adm' is no optimizer of this experiment"),
    ],
)
def test_rates_of_one_optimizer_are_refused_at_its_name(experiment, refuses, rates, path, what):
    with refuses(path, what) as refused:
        experiment(optimizer=(Adam(), Momentum()), dtype=("float64", "float32"), learning_rates=rates)
    assert refused.value.hint


def test_rates_of_its_own_are_named_for_a_rule_without_a_limit_and_are_accepted(experiment, refuses):
    with refuses(("learning_rates",), "adam has no limit") as refused:
        experiment(optimizer=(Adam(), Momentum()), learning_rates=TimesLimits((0.5,)))
    assert refused.value.hint.endswith("as in learning_rates: {adam: [0.001, 0.01]}")
    own = {"adam": (0.001, 0.01), "momentum": TimesLimits((0.5,))}
    assert experiment(optimizer=(Adam(), Momentum()), learning_rates=own).rates_of(Momentum()) == (TimesLimit(0.5),)
