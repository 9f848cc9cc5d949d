"""The closed form of descent on the square loss is what iterating comes to, at every learning rate and step."""

import numpy as np
import pytest
import torch

from pipeline.experiment.axes import Inputs, TimesLimits
from pipeline.models import MODELS
from pipeline.models.bases import BASES
from pipeline.models.greedy import Greedy
from pipeline.models.linear import Linear
from pipeline.numerics.randomness import stream
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import GradientDescent, Momentum, Nesterov
from pipeline.problems.datasets import Digits
from pipeline.problems.losses import HalfMeanSquare
from pipeline.training.module import NEVER, PackModule
from pipeline.training.segments import Segment

RULES = [kind() for kind in OPTIMIZERS.values() if kind().on_quadratics()] + [Momentum(0.5), Nesterov(0.0)]
LINEAR = [Linear(basis()) for basis in BASES.values()] + [Greedy()]
rules = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.label())


def random_multiples(*name):
    """Learning rates as multiples of the limit, of every size, some above it and some close to it."""
    below = np.exp(stream("multiples", *name).uniform(np.log(1e-6), 0, 8))
    return TimesLimits((*(float(multiple) for multiple in below), 0.999, 1.001, 1.01, 1.3, 2.5, 1e5))


def trained(pack, engine, stops):
    """The module of a pack and its optimizer, driven by hand through segments."""
    module = PackModule(pack, [pack.shape.steps], engine=engine)
    module.on_fit_start()
    optimizer = module.configure_optimizers()
    first = 0
    for last in stops:
        module._advance(Segment(first, last), optimizer)
        first = last
    return module, optimizer


def assert_same(pack, stops):
    """That both engines end with the same weights and slots, to 1e-10, and the same steps of divergence."""
    (formula, memory), (loop, other_memory) = (trained(pack, engine, stops) for engine in ("closed_form", "reference"))
    assert formula.engine.name == "closed_form"
    assert formula.diverged_at.tolist() == loop.diverged_at.tolist()
    alive = loop.alive
    assert torch.equal(formula.alive, alive)
    rounding = 1e-12 * formula.engine.gradient_KS.norm()  # all that iterating keeps of a velocity that has died out
    for found, expected, least in (
        (formula.weights, loop.weights, 0.0),
        *((found, expected, rounding) for found, expected in zip(memory.slots, other_memory.slots, strict=True)),
    ):
        error_T = (found[alive] - expected[alive]).norm(dim=1)
        assert (error_T <= 1e-10 * expected[alive].norm(dim=1) + least).all()
    return loop


@rules
@pytest.mark.parametrize("model", LINEAR, ids=lambda model: model.label())
def test_weights_and_slots_are_those_of_iterating_for_every_basis_and_rate(pack, rule, model):
    rates = random_multiples(rule.label(), model.label())
    loop = assert_same(
        pack(models=(model,), optimizer=rule, learning_rates=rates, steps=900, seeds=1), [1, 2, 3, 40, 900]
    )
    assert (loop.diverged_at != NEVER).any()
    assert (loop.diverged_at == NEVER).sum() >= 9


@rules
@pytest.mark.parametrize("last", [1, 2, 3, 17, 1000])
def test_it_makes_no_difference_where_segments_end(pack, rule, last):
    whole = pack(models=(Linear(),), optimizer=rule, learning_rates=random_multiples("segments"), steps=last, seeds=1)
    once, memory = trained(whole, "closed_form", [last])
    often, other_memory = trained(whole, "closed_form", sorted({1, 2, 15, 300, last} & set(range(last + 1))))
    alive = once.alive
    assert torch.equal(once.diverged_at, often.diverged_at)
    # After a trial has left the stack, matrix products have another size and add in another order.
    torch.testing.assert_close(often.weights[alive], once.weights[alive], rtol=1e-13, atol=1e-15)
    for slot, other in zip(memory.slots, other_memory.slots, strict=True):
        torch.testing.assert_close(other[alive], slot[alive], rtol=1e-12, atol=1e-15)


@rules
@pytest.mark.parametrize("train", [24, 6, 4], ids=["more points than weights", "as many", "fewer"])
def test_any_number_of_points(pack, rule, train):
    assert_same(
        pack(
            models=(Linear(),),
            inputs=Inputs(train=(train,), test=5),
            optimizer=rule,
            learning_rates=random_multiples(train),
            steps=500,
        ),
        [500],
    )


def test_several_outputs(pack):
    digits = pack(
        models=(Linear(),),
        target=(),
        data=(Digits(),),
        loss=HalfMeanSquare(),
        inputs=Inputs(train=(200,), test=50),
        widths=(20,),
        optimizer=Momentum(),
        learning_rates=random_multiples("digits"),
        steps=200,
        seeds=1,
    )
    assert digits.shape.problem.num_outputs == 10
    assert_same(digits, [7, 200])


def test_in_single_precision_the_weights_are_the_rounded_ones(pack):
    rates = TimesLimits((0.01, 0.5, 0.9, 1.2))
    single, double = (
        trained(pack(models=(Linear(),), learning_rates=rates, steps=300, seeds=1, dtype=dtype), "closed_form", [300])[
            0
        ]
        for dtype in ("float32", "float64")
    )
    assert single.diverged_at.tolist() == double.diverged_at.tolist()
    alive = double.alive
    # The rate itself is rounded to 6e-8, and what is left of an error after 300 steps feels that 300 times.
    torch.testing.assert_close(single.weights[alive].double(), double.weights[alive], rtol=0, atol=3e-6)


def test_the_step_of_divergence_is_found_among_a_million(pack):
    """At 1 + 2^-15 times the limit the loss passes 10^10 after some 190,000 steps, at 1 + 2^-11 after 12,000."""
    multiples = TimesLimits((1 + 2**-15, 1 + 2**-11))
    near = pack(models=(Linear(),), learning_rates=multiples, steps=1_000_000, seeds=1)
    module, _ = trained(near, "closed_form", [1_000_000])
    looped = pack(models=(Linear(),), learning_rates=TimesLimits((1 + 2**-11,)), steps=1_000_000, seeds=1)
    steps = module.diverged_at.tolist()
    assert trained(looped, "reference", [steps[1] + 5])[0].diverged_at.tolist() == steps[1:]
    assert steps[0] / steps[1] == pytest.approx(16, rel=1e-3)


@rules
def test_the_loss_after_the_last_update_belongs_to_the_next_segment(pack, rule):
    wild = pack(models=(Linear(),), optimizer=rule, learning_rates=TimesLimits((2.5,)), seeds=1, steps=60)
    step = int(trained(wild, "reference", [60])[0].diverged_at)
    for engine in ("closed_form", "reference"):
        assert trained(wild, engine, [step])[0].diverged_at.tolist() == [NEVER]
        assert trained(wild, engine, [step + 1])[0].diverged_at.tolist() == [step]
        assert trained(wild, engine, [step, step + 1])[0].diverged_at.tolist() == [step]


@rules
def test_a_mode_that_holds_nothing_does_not_move_however_it_would_grow(pack, rule):
    whole = pack(models=(Linear(),), optimizer=rule, learning_rates=(1e300,), seeds=1)
    module, _ = trained(whole, "closed_form", [])
    module.engine.gradient_KS.zero_()
    module._advance(Segment(0, 40), module.configure_optimizers())
    assert torch.equal(module.weights, torch.zeros_like(module.weights))


def test_segments_of_a_formula_end_where_something_is_recorded(pack):
    large = pack(models=(Linear(),), inputs=Inputs(train=(2000,), test=5), widths=(500,), steps=9000, seeds=20)
    formula, loop = (
        PackModule(large, [0, 9000], engine=engine).segments.partition for engine in ("closed_form", "auto")
    )
    assert formula == (Segment(0, 9000),)
    assert len(loop) > 10


def test_a_rate_beyond_all_measure_diverges_at_once_and_disturbs_nobody(pack):
    for rule in RULES:
        wild = pack(models=(Linear(),), optimizer=rule, learning_rates=(0.1, 1e30, 1e300), seeds=1, steps=60)
        module, _ = trained(wild, "closed_form", [60])
        assert module.diverged_at.tolist() == [NEVER, 1, 1]
        assert module.weights[0].isfinite().all()


def test_chunks_give_the_same_numbers_as_one_stack(pack, monkeypatch):
    whole = pack(models=(Linear(),), optimizer=Nesterov())
    expected = trained(whole, "closed_form", [40])[0].weights
    monkeypatch.setattr("pipeline.engines.reference.closed_form.elements_of_chunk", lambda device, element: 5 * 9 * 6)
    module = trained(whole, "closed_form", [40])[0]
    assert module.engine.chunk == 5
    torch.testing.assert_close(module.weights, expected, rtol=1e-13, atol=1e-15)


def test_what_the_features_do_not_see_of_the_weights_stays_zero(pack):
    few = pack(models=(Linear(),), inputs=Inputs(train=(4,), test=5), learning_rates=(0.1,), steps=1000)
    module, _ = trained(few, "closed_form", [1000])
    features_PF = module.context.linear_features_1PF[0]
    unseen_FF = torch.eye(6, dtype=torch.float64) - torch.linalg.pinv(features_PF) @ features_PF
    assert module.weights.norm() > 0.1
    assert (module.weights @ unseen_FF).abs().max() < 1e-13


@pytest.mark.parametrize("name", [name for name, kind in MODELS.items() if kind.linear])
def test_linear_models_start_from_zero_as_the_closed_form_takes_for_granted(name):
    assert not MODELS[name]().initial_weights(5, 2, 3, np.random.default_rng(0)).any()


def test_loss_and_gradient_are_those_of_the_reference(pack):
    whole = pack(models=(Linear(),), optimizer=GradientDescent())
    formula, loop = (PackModule(whole, [40], engine=engine).engine for engine in ("closed_form", "reference"))
    weights_TN = torch.from_numpy(stream("weights").standard_normal((12, 6)))
    for found, expected in zip(
        formula.value_and_gradient(weights_TN), loop.value_and_gradient(weights_TN), strict=True
    ):
        assert torch.equal(found, expected)
