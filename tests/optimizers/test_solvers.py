"""Every solver says what it remembers and what it costs, and refuses fields that make no sense."""

import re

import pytest

from pipeline.errors import FieldError
from pipeline.models import MODELS
from pipeline.models.shallow import Shallow
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import UpdateRule
from pipeline.optimizers.solvers import Lbfgs, LevenbergMarquardt, ProblemSize, Solver, VariableProjection

SOLVERS = {name: kind for name, kind in OPTIMIZERS.items() if issubclass(kind, Solver)}


@pytest.fixture(params=SOLVERS.values(), ids=SOLVERS.keys())
def solver(request: pytest.FixtureRequest) -> Solver:
    return request.param()


def size(width: int = 8, num_points: int = 64, num_outputs: int = 1) -> ProblemSize:
    return ProblemSize.of(Shallow(), width, 2, num_outputs, num_points)


@pytest.mark.parametrize("model", [kind() for kind in MODELS.values()], ids=MODELS.keys())
def test_size_counts_the_weights_of_the_model(model) -> None:
    counted = ProblemSize.of(model, 8, 2, 3, 64)
    assert counted.num_weights == model.num_weights(8, 2, 3)
    assert counted.num_inner == (0 if model.linear else 8 * 3)
    assert counted.num_residuals == 3 * 64


def test_solver_takes_all_points_in_float64_and_no_rate(solver) -> None:
    assert solver.all_points
    assert solver.only_float64
    assert not solver.uses_learning_rate
    assert not solver.in_one_step
    assert solver.stability_factor() is None


def test_memory_of_a_rule_is_its_slots() -> None:
    for kind in OPTIMIZERS.values():
        if issubclass(kind, UpdateRule):
            assert kind().memory(7) == (7,) * kind.slots


@pytest.mark.parametrize("larger", [size(width=16), size(num_points=128), size(num_outputs=2)], ids=str)
def test_more_units_points_or_outputs_cost_more(solver, larger) -> None:
    assert solver.operations(larger) > solver.operations(size())
    assert solver.elements(larger) > solver.elements(size())


@pytest.mark.parametrize("kind", [VariableProjection, LevenbergMarquardt])
@pytest.mark.parametrize("damping", [0.0, -1.0])
def test_damping_is_positive(kind, damping) -> None:
    with pytest.raises(FieldError, match="^" + re.escape(f"damping: damping {damping!r} is not positive")):
        kind(damping=damping)


def test_history_is_positive() -> None:
    with pytest.raises(FieldError, match="^" + re.escape("history: history must be positive, not 0")):
        Lbfgs(history=0)
