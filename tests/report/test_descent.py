"""What a page computes in JavaScript is what the engines compute: definitions, random streams, ids, losses and theory.

One page is opened in a browser; what is compared is read from it.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from pipeline.definitions import Definition
from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.reference.engine import Reference
from pipeline.experiment.initial_weights import initial_weights
from pipeline.experiment.trial import LearningRate, Shape, TimesLimit, Trial
from pipeline.experiment.trial_ids import identified_trials, with_texts
from pipeline.models import MODELS
from pipeline.models.activations import ACTIVATIONS, Relu, Tanh
from pipeline.models.bases import BASES
from pipeline.models.bases.local_basis import Hat, LocalBasis
from pipeline.models.curvature import curvature
from pipeline.models.greedy import Greedy
from pipeline.models.initialisations import INITIALISATIONS
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.models.tangent_kernel import linearised_loss_curves, linearised_losses
from pipeline.numerics import spectra
from pipeline.numerics.descent import loss_curve
from pipeline.numerics.largest_eigenvalues import largest_eigenvalues, start_vectors
from pipeline.numerics.randomness import stream
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Adam, GradientDescent, Momentum, Nesterov, Optimizer, UpdateRule
from pipeline.plans import make_plan
from pipeline.problems.datasets import Diabetes, DigitProperties, Digits
from pipeline.problems.losses import LOSSES, BrierScore, HalfMeanSquare, Loss, SoftmaxCrossEntropy, Task
from pipeline.problems.measures import MEASURES, Grid, Measure, Uniform
from pipeline.problems.problem import FunctionProblem, Problem, TableProblem
from pipeline.problems.targets import TARGETS, Gaussian, OuterRing, Sine, Spirals, Target
from pipeline.records.store import scan_records
from pipeline.report.html.scripts import script
from pipeline.report.playground.held_tables import HeldTables
from pipeline.report.playground.trial_settings import rate_setting, shape_setting
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan

STEPS = 1000
LEFT_OUT = {
    "least_squares": "it solves in one step",
    "variable_projection": "it solves",
    "levenberg_marquardt": "it solves",
    "lbfgs": "it solves",
}
"""Definitions that the page does not offer, each with the reason."""
TABLES = {
    "target": TARGETS,
    "measure": MEASURES,
    "model": MODELS,
    "basis": BASES,
    "activation": ACTIVATIONS,
    "initialisation": INITIALISATIONS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
}
RULES = (GradientDescent(), Momentum(), Nesterov(), Adam())
LABELS = tuple(loss() for loss in LOSSES.values() if Task.LABELS in loss.tasks)
CLASSES = tuple(loss() for loss in LOSSES.values() if Task.CLASSES in loss.tasks)
BASES_OF_THE_PAGE = tuple(basis() for basis in BASES.values())
NETWORKS = tuple(
    Shallow(activation(), initialisation())
    for activation, initialisation in zip(ACTIVATIONS.values(), INITIALISATIONS.values(), strict=True)
)
FINITE = "(_, value) => typeof value === 'number' && !Number.isFinite(value) ? String(value) : value"
RATES: dict[type[Optimizer], float] = {GradientDescent: 0.1, Momentum: 0.02, Nesterov: 0.02, Adam: 0.003}


def problem_of(
    target: Target, *, measure: Measure | None = None, train: int = 12, noise: float = 0.1
) -> FunctionProblem:
    """A small problem of a target."""
    noise = noise if target.task is Task.REGRESSION else 0.0
    return FunctionProblem(target, measure or target.natural_measure, target.dimensions or 1, train, 64, noise, 5)


def trial_of(
    model: Linear | Greedy | Shallow,
    problem: Problem,
    loss: Loss,
    rule: Optimizer,
    *,
    rate: LearningRate = None,
    batch_size: int | None = None,
    width: int = 4,
) -> Trial:
    """A trial with seed 2, at a rate well within what is stable."""
    shape = Shape(problem, model.with_seed(2), width, rule, loss, STEPS, batch_size, "float64")  # type: ignore[arg-type]
    stable = TimesLimit(0.5) if model.linear and rule.stability_factor() is not None else RATES[type(rule)]
    (trial,) = identified_trials(shape, with_texts([rate or stable]), [2])
    return trial


def setting_of(trial: Trial) -> dict[str, Any]:
    """The setting of a trial, as a page is given it."""
    held = HeldTables()
    setting = shape_setting(trial.shape, held)
    if setting.pop("table", None) is not None:
        setting["data"] = held.tables[0]
    return {**setting, "learning_rate": rate_setting(trial.learning_rate), "seed": trial.seed}


def trials_of_every_way() -> Iterator[Trial]:
    """Trials in which each kind of model meets every rule on every loss, every basis two, every activation all."""
    line, ring, arms = problem_of(Sine()), problem_of(OuterRing()), problem_of(Spirals())
    objectives = [(line, HalfMeanSquare()), *((ring, loss) for loss in LABELS), *((arms, loss) for loss in CLASSES)]
    for number, basis in enumerate(BASES_OF_THE_PAGE):
        yield trial_of(Linear(basis), line, HalfMeanSquare(), RULES[number % 4])
        yield trial_of(Linear(basis), ring, LABELS[number % 3], RULES[number // 3])
    many = problem_of(Sine(), train=40)
    several = [basis for basis in BASES_OF_THE_PAGE if not isinstance(basis, LocalBasis)]  # whose products are a mesh
    for number, basis in enumerate(several):
        rule = ("least_squares", "inner_product")[number % 2]
        yield trial_of(Greedy(basis, 20, rule=rule), arms, CLASSES[number // 4 % 2], RULES[number % 4])
    for number, basis in enumerate(BASES_OF_THE_PAGE[::2] + BASES_OF_THE_PAGE[1::4]):
        rule = ("inner_product", "least_squares")[number % 2]
        yield trial_of(Greedy(basis, rule=rule), many, HalfMeanSquare(), RULES[number % 4])
    for (number, model), (place, (problem, loss)) in itertools.product(enumerate(NETWORKS), enumerate(objectives)):
        yield trial_of(model, problem, loss, RULES[(number + place) % 4])
    yield trial_of(Linear(coordinates="polar"), ring, HalfMeanSquare(), GradientDescent())
    yield trial_of(Linear(product="full"), ring, HalfMeanSquare(), GradientDescent(), width=7)
    yield trial_of(Shallow(Tanh()), line, HalfMeanSquare(), GradientDescent(), batch_size=5)
    yield trial_of(Shallow(Tanh()), arms, SoftmaxCrossEntropy(), GradientDescent(), batch_size=5)
    cube = FunctionProblem(Gaussian(), Uniform(), 4, 12, 64, 0.1, 5)
    yield trial_of(Linear(), cube, HalfMeanSquare(), GradientDescent(), width=9)
    yield trial_of(Linear(product="full"), cube, HalfMeanSquare(), GradientDescent(), width=20)
    yield trial_of(Shallow(Tanh()), cube, HalfMeanSquare(), GradientDescent())
    digits, patients = TableProblem(Digits(), 30, 20, 3, "stratified"), TableProblem(Diabetes(), 30, 20, 3)
    yield trial_of(Shallow(Tanh()), digits, SoftmaxCrossEntropy(), GradientDescent())
    yield trial_of(Linear(Hat()), digits, HalfMeanSquare(), Momentum(), width=1)
    yield trial_of(Shallow(Tanh()), TableProblem(DigitProperties(), 30, 20, 3), BrierScore(), Adam(), batch_size=7)
    yield trial_of(Linear(), patients, HalfMeanSquare(), Nesterov(), width=12)


WAYS = tuple(trials_of_every_way())


def context_of(trial: Trial) -> PackContext:
    shape = trial.shape
    return PackContext(
        model=shape.model, width=shape.width, loss=shape.loss, optimizer=shape.optimizer,
        task=shape.problem.task, dataset=shape.problem.load(), dtype=torch.float64, batch_size=shape.batch_size,
    )  # fmt: skip


def losses_of_reference(trial: Trial) -> list[float]:
    """Loss of the reference engine before each of the steps: that of all points, or of the minibatch."""
    context, rule = context_of(trial), trial.shape.optimizer
    assert isinstance(rule, UpdateRule)
    engine = Reference(context, trial.shape.batch_size, torch.device("cpu"))
    weights_1N = torch.from_numpy(initial_weights(trial))[None]
    slots = tuple(torch.zeros_like(weights_1N) for _ in range(rule.slots))
    rate, (worker, *_) = trial.learning_rate, engine.workers
    if isinstance(rate, TimesLimit):
        rate = rate.times_limit * context.largest_stable_learning_rate
    rate_11, gradient_1N = torch.tensor([[rate]], dtype=torch.float64), torch.empty_like(weights_1N)
    losses, points = [], worker.points
    for step in range(STEPS):
        if worker.minibatches is not None:
            points = worker.minibatches.at((trial.id,), step)
        losses.append(float(worker.stacked_gradient(weights_1N, gradient_1N, *points)))
        rule(weights_1N, gradient_1N, slots, rate_11, step + 1)
    return losses


@pytest.fixture(scope="module")
def compute(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """A function that runs JavaScript in a page with all modules of descent as ``descent``."""
    modules = str(script("descent/session.js")).removesuffix("})();\n") + "window.descent = $modules;\n})();\n"
    page = tmp_path_factory.mktemp("descent") / "page.html"
    page.write_text(f'<!doctype html><meta charset="utf-8"><title>descent</title><script>{modules}</script>')

    def run(code: str, *given: Any) -> Any:
        if chromium.current_url != page.as_uri():
            chromium.get(page.as_uri())
        text = chromium.execute_script(f"return JSON.stringify((() => {{ {code} }})(), {FINITE})", *given)
        return json.loads(text.replace('"Infinity"', "Infinity"))  # which JSON has no word for, but Python reads

    return run


def fields_of(table: str) -> dict[str, dict[str, tuple[str, Any]]]:
    """The definitions of a table that a page offers, each with its fields: their types and defaults."""
    return {
        name: {field.name: _typed(field) for field in dataclasses.fields(cls)}
        for name, cls in TABLES[table].items()
        if name not in LEFT_OUT
    }


def _typed(field: dataclasses.Field[Any]) -> tuple[str, Any]:
    """Type and default of a field, in the words of the page."""
    if isinstance(field.default, Definition):
        return "definition", field.default.name()
    if isinstance(field.default, tuple):
        return "floats", list(field.default)
    types = {"float": "float", "int": "integer", "int | None": "optional", "Seed": "seed"}
    return types.get(str(field.type), "choice"), field.default


@pytest.mark.parametrize("table", TABLES)
def test_the_page_has_every_definition_with_its_fields_and_defaults_but_those_left_out(compute, table):
    known = compute("return descent['descent/definitions.js'].DEFINITIONS[arguments[0]]", table)
    found = {
        name: {field: (takes["type"], takes["fallback"]) for field, takes in fields.items()}
        for name, fields in known.items()
    }
    assert found == fields_of(table)
    assert list(found) == list(fields_of(table))


def test_what_is_left_out_is_a_definition():
    assert set(itertools.chain(*TABLES.values())) > LEFT_OUT.keys()


def test_random_streams_are_those_of_numpy_bit_for_bit(compute):
    code = """const { RandomStream } = descent['descent/random_stream.js'];
        const places = new Int32Array(1000);
        new RandomStream("shuffled", 3).permute(places);
        return [new RandomStream("normal", 1).standardNormal(100000), new RandomStream("flat", 2).uniform(-1, 3, 1000),
            places, new RandomStream("a\u00e9", 0).random(5)].map((numbers) => Array.from(numbers));"""
    normal, flat, shuffled, unicode = compute(code)
    assert np.array_equal(normal, stream("normal", 1).standard_normal(100000))
    assert np.array_equal(flat, stream("flat", 2).uniform(-1, 3, 1000))
    assert np.array_equal(shuffled, stream("shuffled", 3).permutation(1000))
    assert np.array_equal(unicode, stream("a\u00e9", 0).random(5))


STARTS = """const { createTrial } = descent['descent/trial.js'];
    return arguments[0].map((setting) => {
        const trial = createTrial(setting);
        return {id: trial.id, points: Array.from(trial.points), targets: Array.from(trial.targets),
            weights: Array.from(trial.weights), prepared: Array.from(trial.prepared)};
    });"""


def trials_of_every_start() -> Iterator[Trial]:
    """Trials in which every target, measure and initialisation occurs, of one and of two inputs."""
    for target in (target() for target in TARGETS.values()):
        for measure in (measure() for measure in MEASURES.values()):
            for dimension in (1, 2) if target.dimensions is None else (target.dimensions,):
                if measure.name() == "rings" and dimension == 1:
                    continue
                train = measure.default_sizes(dimension)[0] if measure.name() == "corners" else 16
                noise = 0.3 if target.task is Task.REGRESSION else 0.0
                problem = FunctionProblem(target, measure, dimension, train, train, noise, 7)
                yield trial_of(Shallow(), problem, HalfMeanSquare(), Momentum(0.5), rate=1e-7)
    for initialisation in INITIALISATIONS.values():
        for problem in (problem_of(Sine(1.5), measure=Grid(-3, 1e16)), problem_of(OuterRing())):
            model = Shallow(Relu(), initialisation())
            yield trial_of(model, problem, HalfMeanSquare(), Adam(epsilon=1e-5), rate=3.0, batch_size=3, width=70)


def test_a_trial_has_the_id_the_points_and_the_weights_that_a_run_gives_it(compute):
    trials = [*trials_of_every_start(), *WAYS]
    for trial, found in zip(trials, compute(STARTS, [setting_of(trial) for trial in trials]), strict=True):
        data = trial.shape.problem.load()
        assert found["id"] == trial.id
        weights = initial_weights(trial)
        # The sums of kinks_inside, and powers, sines and exponentials of targets, are right to their last digits.
        np.testing.assert_allclose(found["weights"], weights, rtol=1e-14, atol=1e-15)
        np.testing.assert_allclose(found["points"], data.train_inputs_PD.flatten(), rtol=1e-14, atol=1e-15)
        np.testing.assert_allclose(found["targets"], data.train_targets_PK.T.flatten(), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("width", [1, 2, 3, 9, 16])
def test_features_are_those_of_the_basis(compute, width):
    problem = problem_of(Sine(), measure=Grid(-1, 1), train=33)
    trials = [
        trial_of(Linear(basis), problem, HalfMeanSquare(), GradientDescent(), width=width)
        for basis in BASES_OF_THE_PAGE
    ]
    for trial, found in zip(trials, compute(STARTS, [setting_of(trial) for trial in trials]), strict=True):
        np.testing.assert_allclose(found["prepared"], context_of(trial).prepared_AP.flatten(), rtol=1e-12, atol=1e-13)


LOSSES_OF_STEPS = """const { createTrial } = descent['descent/trial.js'];
    return arguments[0].map((setting) => {
        const losses = [];
        createTrial(setting).step(setting.steps, (step, loss) => losses.push(loss));
        return losses;
    });"""


def test_each_kind_of_model_meets_every_rule_on_every_loss():
    shapes = [trial.shape for trial in WAYS]
    met = {(shape.model.linear, shape.problem.task, shape.loss, shape.optimizer) for shape in shapes}
    losses = [(Task.REGRESSION, HalfMeanSquare()), *((Task.LABELS, loss) for loss in LABELS)]
    losses += [(Task.CLASSES, loss) for loss in CLASSES]
    assert met == {(linear, *loss, rule) for linear in (True, False) for loss in losses for rule in RULES}


def test_the_loss_of_every_step_is_that_of_the_reference_engine(compute):
    losses = compute(LOSSES_OF_STEPS, [setting_of(trial) for trial in WAYS])
    for trial, found in zip(WAYS, losses, strict=True):
        label = f"{trial.shape.model.label()} {trial.shape.loss.label()} {trial.shape.optimizer.label()}"
        np.testing.assert_allclose(found, losses_of_reference(trial), rtol=1e-9, err_msg=label)


def test_the_losses_that_a_run_has_recorded_are_those_of_the_page(compute, experiment, tmp_path):
    plan = make_plan("recorded", experiment(steps=STEPS, record_at=(1, 2, 30, 999)))
    run_plan(plan, tmp_path, TrainingProgress(io.StringIO()))
    rows = scan_records(tmp_path).filter(pl.col("diagnostic") == "loss").sort("step").collect()
    trials = list(plan.trials.values())
    losses = compute(LOSSES_OF_STEPS, [setting_of(trial) for trial in trials])
    for trial, found in zip(trials, losses, strict=True):
        recorded = rows.filter((pl.col("trial") == trial.id) & (pl.col("step") < STEPS))
        assert recorded["step"].to_list() == [0, 1, 2, 30, 999]
        np.testing.assert_allclose([found[step] for step in recorded["step"]], recorded["value"], rtol=1e-9)


THEORY = """const { createTrial } = descent['descent/trial.js'], { theoryOf } = descent['descent/theory.js'];
    const [settings, steps, before] = arguments;
    return settings.map((setting) => {
        const trial = createTrial(setting);
        const { limit, condition, eigenvalues, predictedLoss, linearisedLoss } = theoryOf(trial);
        const predicted = predictedLoss && steps.map(predictedLoss);
        const linearised = linearisedLoss && steps.map(linearisedLoss);
        trial.step(before);
        const after = theoryOf(trial);
        return {limit, condition, eigenvalues: Array.from(eigenvalues), sharpness: after.sharpness(),
            weights: Array.from(trial.weights), predicted, linearised, gone: after.linearisedLoss === null,
            later: after.predictedLoss && steps.map((step) => after.predictedLoss(step + before))};
    });"""
AT = [0, 1, 2, 7, 50, 400, 3000]


def test_limit_condition_and_predicted_curve_of_a_linear_model_are_those_of_numerics(compute):
    problem = problem_of(Sine(), measure=Uniform(), train=40)
    trials = [
        trial_of(Linear(basis), problem, HalfMeanSquare(), rule, rate=TimesLimit(multiple), width=width)
        for number, basis in enumerate(BASES_OF_THE_PAGE)
        for rule, multiple in ((RULES[number % 3], 0.6), (RULES[(number + 1) % 3], 1.02))
        for width in (6, 50)
    ]
    for trial, found in zip(trials, compute(THEORY, [setting_of(trial) for trial in trials], AT, 0), strict=True):
        context, label = context_of(trial), f"{trial.shape.model.label()} {trial.shape.optimizer.label()}"
        largest = context.largest_stable_learning_rate
        assert found["limit"] == pytest.approx(largest, rel=1e-9), label
        values_S = context.linear_singular_values_1S[0]
        np.testing.assert_allclose(
            found["eigenvalues"], values_S.square() / 40, rtol=1e-9, atol=1e-13 * float(values_S[0]) ** 2
        )
        condition = float(spectra.condition_number(values_S[None], (40, trial.shape.width)))
        if math.isinf(condition):
            assert found["condition"] == math.inf
        elif spectra.relative_error(condition) < 1:
            assert found["condition"] == pytest.approx(condition, rel=max(1e-9, spectra.relative_error(condition))), (
                label
            )
        recurrence = trial.shape.optimizer.on_quadratics()
        assert recurrence is not None
        rate = trial.learning_rate.times_limit * largest
        losses_H = loss_curve(
            context.decomposition.modes, torch.tensor([rate], dtype=torch.float64), torch.tensor(AT), *recurrence
        )[0]
        np.testing.assert_allclose(found["predicted"], losses_H, rtol=1e-9, err_msg=label)


def test_a_curve_that_is_predicted_on_the_way_is_the_one_from_the_start(compute):
    problem = problem_of(Sine(), train=20)
    trials = [trial_of(Linear(), problem, HalfMeanSquare(), rule) for rule in RULES[:3]]
    shifted = [step + 33 for step in AT]
    on_the_way = compute(THEORY, [setting_of(trial) for trial in trials], AT, 33)
    from_the_start = compute(THEORY, [setting_of(trial) for trial in trials], shifted, 0)
    for late, early in zip(on_the_way, from_the_start, strict=True):
        np.testing.assert_allclose(late["later"], early["predicted"], rtol=1e-9)


def test_the_curve_of_a_linearised_network_is_that_of_its_tangent_kernel_at_the_start(compute):
    trials = [
        trial_of(model, problem_of(target, train=train), HalfMeanSquare(), RULES[number % 3], rate=0.02, width=5)
        for number, model in enumerate(NETWORKS)
        for target, train in ((Sine(), 30), (Sine(), 6), (OuterRing(), 12))
    ]
    for trial, found in zip(trials, compute(THEORY, [setting_of(trial) for trial in trials], AT, 3), strict=True):
        shape, data, weights_1N = (
            trial.shape,
            trial.shape.problem.load(),
            torch.from_numpy(initial_weights(trial))[None],
        )
        assert isinstance(shape.model, Shallow)
        start = linearised_losses(shape.model, weights_1N, shape.width, data.train_inputs_PD, data.train_targets_PK)
        rate_1, recurrence = torch.tensor([0.02], dtype=torch.float64), shape.optimizer.on_quadratics()
        assert recurrence is not None
        losses_H = linearised_loss_curves(start, rate_1, torch.tensor(AT), *recurrence)[0]
        np.testing.assert_allclose(found["linearised"], losses_H, rtol=1e-9, err_msg=shape.model.label())
        assert found["gone"]  # of later weights nothing is said


def test_sharpness_is_the_largest_eigenvalue_of_the_hessian(compute):
    objectives = [(problem_of(Sine()), HalfMeanSquare()), *((problem_of(OuterRing()), loss) for loss in LABELS)]
    objectives += [(problem_of(Spirals()), loss) for loss in CLASSES]
    trials = [
        trial_of(model, problem, loss, GradientDescent(), rate=0.1)
        for model in (*NETWORKS, Linear(), Greedy())
        for problem, loss in objectives
    ]
    for trial, found in zip(trials, compute(THEORY, [setting_of(trial) for trial in trials], AT, 20), strict=True):
        context, shape = context_of(trial), trial.shape
        weights_1N = torch.tensor([found["weights"]], dtype=torch.float64)
        targets_KP = context.dataset.train_targets_PK.mT
        curved = curvature(shape.model, shape.loss, weights_1N, context.prepared_AP, targets_KP, shape.width)
        top = largest_eigenvalues(curved.product, start_vectors(1, shape.num_weights))
        dense = torch.linalg.eigvalsh(curved.hessian())[0, -1]
        assert bool(top.certified_T)
        assert found["sharpness"] == pytest.approx(float(dense), rel=1e-9)
        assert found["sharpness"] == pytest.approx(float(top.largest_T), rel=1e-9)
