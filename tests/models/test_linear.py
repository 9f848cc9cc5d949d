"""A linear model is weights on a fixed basis, starting from zero."""

import dataclasses
import re
from pathlib import Path

import pytest
import torch

from pipeline.config import read_experiment
from pipeline.definitions import Definition
from pipeline.errors import FieldError, PipelineError
from pipeline.models.bases import BASES
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.polynomial import Legendre, Monomial
from pipeline.models.greedy import Greedy
from pipeline.models.linear import Linear
from pipeline.numerics.randomness import stream
from pipeline.problems.measures import Measure, Normal, Uniform
from pipeline.problems.problem import FunctionProblem
from pipeline.problems.targets import Gaussian


@pytest.fixture(params=BASES.values(), ids=BASES.keys())
def basis(request: pytest.FixtureRequest) -> Basis:
    return request.param()


def test_outputs_of_one_input_are_the_basis_times_the_weights(basis: Basis) -> None:
    inputs = torch.from_numpy(stream("inputs").uniform(-1, 1, (13, 1)))
    weights = torch.from_numpy(stream("weights").standard_normal((4, 2 * 6)))
    model = Linear(basis)
    outputs = model.outputs(weights, model.prepare(inputs, 6), 6, 2)
    for trial in range(4):
        expected = weights[trial].view(2, 6) @ basis(inputs[:, 0], 6).mT
        torch.testing.assert_close(outputs[trial], expected, rtol=0, atol=1e-14)  # sums of six products of size 5


def test_features_are_one_matrix_for_all_trials(basis: Basis) -> None:
    model = Linear(basis)
    prepared = model.prepare(torch.zeros(13, 2, dtype=torch.float64), 9)
    assert model.features(torch.zeros(4, 18, dtype=torch.float64), prepared, 9, 2).shape == (1, 13, 9)


def test_every_trial_starts_from_zero_and_learns_a_weight_per_feature_and_output(basis: Basis) -> None:
    model = Linear(basis)
    assert model.num_weights(6, 2, 3) == 18
    assert not model.initial_weights(6, 2, 3, stream("start")).any()


def test_orders_of_a_product_hold_what_they_say() -> None:
    """Six functions of two inputs: all of total degree 2; four: all products of degree 1."""
    x, y = torch.from_numpy(stream("inputs").uniform(-1, 1, (9, 2))).T
    inputs = torch.stack([x, y], dim=1)
    by_total = Linear(Monomial(), product="total_degree").prepare(inputs, 6)
    in_full = Linear(Monomial(), product="full").prepare(inputs, 4)
    torch.testing.assert_close(by_total, torch.stack([x**0, x, y, x**2, x * y, y**2]))
    torch.testing.assert_close(in_full, torch.stack([x**0, x, y, x * y]))


def test_default_basis_is_orthonormal() -> None:
    """So that descent on a model that nobody chose is not slow for that reason alone."""
    assert Linear().basis == Legendre()
    assert Linear().basis.orthonormal_under is not None


def test_polar_features_are_those_of_the_distance_and_the_angle(basis: Basis) -> None:
    distance, angle = torch.from_numpy(stream("polar").uniform(0, 1, (2, 9)))
    angle = 2 * angle - 1
    plane = torch.stack([distance * torch.cos(torch.pi * angle), distance * torch.sin(torch.pi * angle)], dim=1)
    polar = Linear(basis, coordinates="polar").prepare(plane, 9)
    expected = Linear(basis).prepare(torch.stack([distance, angle], dim=1), 9)
    # Slopes of the first functions are below 100, where they do not jump.
    torch.testing.assert_close(polar, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("num_inputs", "words"), [(1, "1 input"), (3, "3 inputs")])
def test_only_the_plane_has_polar_coordinates(num_inputs: int, words: str) -> None:
    problem = FunctionProblem(Gaussian(), Uniform(), num_inputs, 10, 10, 0.0, 0)
    with pytest.raises(FieldError, match=f"^coordinates: only the plane has polar coordinates, not {words}"):
        Linear(coordinates="polar").check(4, problem)
    Linear(coordinates="polar").check(4, dataclasses.replace(problem, dimension=2))
    Linear().check(4, problem)


def test_order_of_products_that_a_basis_does_not_have_is_refused(basis: Basis) -> None:
    for make in (lambda: Linear(basis, product="full"), lambda: Greedy(basis, product="full")):
        if basis.ordered_products:
            make()
            continue
        message = f"product: {basis.name()} has no order of products to choose\n  hint: leave product out"
        with pytest.raises(FieldError, match=f"^{re.escape(message)}$"):
            make()


@pytest.mark.parametrize("measure", [Uniform(), Uniform(low=0.0), Uniform(high=2.0), Normal()], ids=Definition.label)
def test_problem_outside_the_domain_of_a_basis_is_refused_before_anything_is_trained(
    basis: Basis, measure: Measure
) -> None:
    problem = FunctionProblem(Gaussian(), measure, 2, 10, 10, 0.0, 0)
    for model in (Linear(basis), Greedy(basis, size=9)):
        if basis.domain is None or measure in (Uniform(), Uniform(low=0.0)):
            model.check(4, problem)
            continue
        low, high = measure.bounds()
        what = f"{basis.name()} has functions on [-1, 1] only, and the inputs may lie anywhere in [{low:g}, {high:g}]\n"
        with pytest.raises(FieldError, match=f"^{re.escape(what)}"):
            model.check(4, problem)


def test_line_of_a_model_that_cannot_learn_a_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.yaml"
    path.write_text("question: Hats?\ndata: diabetes\nmodels:\n  - linear\n  - linear: {basis: hat}\nwidths: 1024\n")
    what = f"{path}:5: hat has functions on [-1, 1] only, and the inputs may lie anywhere in [-inf, inf]\n"
    with pytest.raises(PipelineError, match=f"^{re.escape(what)}"):
        read_experiment(path)
    path.write_text(
        "question: Hats?\ntarget: gaussian\ninputs: {dimension: 2}\nmodels: {linear: {basis: hat}}\nwidths: 5\n"
    )
    what = f"{path}:4: 5 products of hat do not fill a mesh in 2 dimensions\n  hint: take 4 or 9"
    with pytest.raises(PipelineError, match=f"^{re.escape(what)}$"):
        read_experiment(path)


@pytest.mark.parametrize("coordinates", ["cartesian", "polar"])
def test_model_has_a_value_exactly_where_it_says(basis: Basis, coordinates: str) -> None:
    points = torch.tensor([[0.3, -0.9], [0.2, 1.1], [1.0, 0.0], [0.9, 0.9]], dtype=torch.float64)
    model = Linear(basis, coordinates=coordinates)
    defined = model.defined_at(points)
    everywhere = [True, basis.domain is None, True, basis.domain is None or coordinates == "cartesian"]
    assert defined.tolist() == everywhere
    assert model.prepare(points[defined], 9).isfinite().all()
    if not defined.all():
        with pytest.raises(PipelineError, match=f"^{basis.name()} has functions on "):
            model.prepare(points, 9)
