"""An engine trains each trial of a pack as if it were alone."""

import numpy as np
import pytest
import torch

from pipeline.engines.engine import Stack, check_arrays
from pipeline.experiment.axes import TimesLimits
from pipeline.experiment.packing import make_pack
from pipeline.models.bases.polynomial import Legendre
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import GradientDescent, LeastSquares, Momentum, UpdateRule
from pipeline.training.module import NEVER, PackModule
from pipeline.training.segments import segments

RULES = {name: rule for name, rule in OPTIMIZERS.items() if issubclass(rule, UpdateRule)}


@pytest.fixture(params=["fused", "reference"])
def engine(request):
    return request.param


@pytest.fixture(params=RULES.values(), ids=RULES.keys())
def rule(request):
    return request.param()


def trained(pack, *, stops=None, steps=None, engine="auto"):
    """The module of a pack after its steps, driven by hand."""
    module = PackModule(pack, [pack.shape.steps], engine=engine)
    module.on_fit_start()
    optimizer = module.configure_optimizers()
    last = steps or pack.shape.steps
    for segment in segments(stops or [last], 1):
        module._advance(segment, optimizer)
    return module


@pytest.mark.parametrize("batch_size", ["full", 7])
@pytest.mark.parametrize("models", [(Linear(Legendre()),), (Shallow(),)], ids=["linear", "shallow"])
def test_trial_alone_and_in_a_pack_has_the_same_numbers(pack, rule, models, batch_size):
    together = pack(models=models, optimizer=rule, batch_size=batch_size)
    whole = trained(together)
    last = len(together.trials) - 1
    for position in (0, last // 2, last):
        alone = trained(make_pack((together.trials[position],)))
        # Matrix products of other sizes add in another order: a few ulp a step, little amplified in 40 steps.
        torch.testing.assert_close(alone.weights[0], whole.weights[position], rtol=1e-11, atol=1e-12)


def test_order_of_trials_in_a_pack_does_not_matter(pack, engine):
    forwards = pack(models=(Shallow(),), batch_size=5)
    backwards = make_pack(forwards.trials[::-1])
    torch.testing.assert_close(
        trained(forwards, engine=engine).weights,
        trained(backwards, engine=engine).weights.flip(0),
        rtol=1e-11,
        atol=1e-12,
    )


@pytest.mark.parametrize("batch_size", ["full", 7])
def test_segments_cut_anywhere_give_the_same_bits(pack, rule, batch_size, engine):
    whole = pack(models=(Shallow(),), optimizer=rule, batch_size=batch_size)
    once, often = trained(whole, engine=engine), trained(whole, stops=[1, 2, 9, 30, 40], engine=engine)
    assert torch.equal(once.weights, often.weights)


@pytest.mark.parametrize("batch_size", ["full", 7])
@pytest.mark.parametrize("cores", [1, 3])
def test_chunks_on_any_number_of_cores_give_the_same_numbers_as_one_stack(pack, monkeypatch, cores, batch_size):
    whole = pack(models=(Shallow(),), batch_size=batch_size)
    expected = trained(whole, engine="reference").weights
    monkeypatch.setattr("pipeline.engines.reference.engine.elements_of_chunk", lambda device, element: 6 * 7 * 2)
    monkeypatch.setattr("pipeline.engines.reference.engine.CORES", cores)
    module = trained(whole, engine="reference")
    assert len(module.engine.workers) == cores
    assert len(module.engine.bounds(12)) - 1 >= 3
    torch.testing.assert_close(module.weights, expected, rtol=1e-11, atol=1e-12)


def test_descent_on_a_linear_model_follows_its_closed_form(pack):
    descent = pack(models=(Linear(Legendre()),), learning_rates=TimesLimits((0.1, 0.5, 0.99)), steps=200)
    module = trained(descent)
    X_PW = module.context.linear_features_1PF[0].numpy()
    y_P = module.context.dataset.train_targets_PK[:, 0].numpy()
    eigenvalues_W, vectors_WW = np.linalg.eigh(X_PW.T @ X_PW / len(X_PW))
    solution_W = np.linalg.lstsq(X_PW, y_P)[0]
    for weights_W, rate in zip(module.weights.numpy(), module.learning_rates_T.numpy(), strict=True):
        factor_W = (1 - rate * eigenvalues_W) ** 200
        expected_W = solution_W - vectors_WW @ (factor_W * (vectors_WW.T @ solution_W))
        np.testing.assert_allclose(weights_W, expected_W, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("multiple, diverges", [(0.999, False), (1.001, True)])
@pytest.mark.parametrize(
    "optimizer", [rule() for rule in RULES.values() if rule().stability_factor()], ids=lambda r: r.name()
)
def test_times_limit_is_where_divergence_begins(pack, optimizer, multiple, diverges):
    rates = TimesLimits((multiple,))
    near = pack(models=(Linear(Legendre()),), optimizer=optimizer, learning_rates=rates, steps=40_000, seeds=1)
    module = trained(near)
    assert (int(module.diverged_at[0]) != NEVER) == diverges


def test_diverging_trial_is_recorded_with_its_step_and_disturbs_nobody(pack, rule, engine):
    mixed = pack(models=(Shallow(),), optimizer=rule, learning_rates=(0.01, 1e30), steps=60)
    module = trained(
        mixed, stops=[10, 30, 60], engine=engine
    )  # two segments go on without the diverged, the optimizer's memory too
    calm = [position for position, trial in enumerate(mixed.trials) if trial.learning_rate == 0.01]
    wild = [position for position, trial in enumerate(mixed.trials) if trial.learning_rate == 1e30]
    assert (module.diverged_at[calm] == NEVER).all()
    assert ((module.diverged_at[wild] > 0) & (module.diverged_at[wild] <= 30)).all()
    alone = trained(make_pack(tuple(mixed.trials[position] for position in calm)), stops=[10, 30, 60], engine=engine)
    torch.testing.assert_close(module.weights[calm], alone.weights, rtol=1e-11, atol=1e-12)


def test_divergence_is_the_first_loss_above_ten_to_the_ten_times_one_plus_the_first(pack):
    wild = pack(models=(Linear(Legendre()),), learning_rates=TimesLimits((2.0,)), steps=60, seeds=1)
    module = trained(wild)
    X_PW = module.context.linear_features_1PF[0].numpy()
    y_P = module.context.dataset.train_targets_PK[:, 0].numpy()
    weights_W, losses = np.zeros(X_PW.shape[1]), []
    for _ in range(60):
        residual_P = X_PW @ weights_W - y_P
        losses.append(residual_P @ residual_P / (2 * len(y_P)))
        weights_W = weights_W - float(module.learning_rates_T[0]) * X_PW.T @ residual_P / len(y_P)
    first = next(step for step, loss in enumerate(losses) if loss > 1e10 * (1 + losses[0]))
    assert module.diverged_at.tolist() == [first]


def test_step_of_divergence_does_not_depend_on_where_segments_end(pack, engine):
    wild = pack(models=(Shallow(),), learning_rates=(30.0, 1e3), steps=60)
    assert torch.equal(
        trained(wild, engine=engine).diverged_at, trained(wild, stops=[3, 4, 17, 60], engine=engine).diverged_at
    )
    assert (trained(wild, engine=engine).diverged_at != NEVER).any()


def test_least_squares_is_exact_and_shortest(pack):
    from dataclasses import replace

    from pipeline.experiment.axes import Inputs

    for train in (24, 4):  # more points than weights, and fewer
        exact = pack(
            models=(Linear(Legendre()),),
            optimizer=LeastSquares(),
            learning_rates=None,
            inputs=Inputs(train=(train,), test=5),
        )
        module = trained(exact)
        dataset = module.context.dataset
        X_PW = module.context.linear_features_1PF[0].numpy()
        expected_W = np.linalg.pinv(X_PW) @ dataset.train_targets_PK[:, 0].numpy()
        np.testing.assert_allclose(module.weights[0].numpy(), expected_W, rtol=1e-9, atol=1e-11)
    assert replace(exact.shape).steps == 1


def test_stack_parts_share_memory():
    stack = Stack(("a", "b"), torch.zeros(2, 3), (torch.zeros(2, 3),), torch.ones(2, 1), torch.ones(2))
    part = stack.part(1, 2)
    part.weights_TN.fill_(1)
    part.slots[0].fill_(2)
    assert stack.weights_TN[1].tolist() == [1, 1, 1]
    assert stack.slots[0][1].tolist() == [2, 2, 2]
    assert len(part) == 1


def test_engine_gives_full_gradient_even_for_minibatch_training(pack, engine):
    module = PackModule(pack(models=(Shallow(),), batch_size=6, optimizer=Momentum()), [40], engine=engine)
    full = PackModule(pack(models=(Shallow(),), optimizer=GradientDescent()), [40], engine=engine)
    with torch.no_grad():
        full.weights.copy_(module.weights)
    for given, expected in zip(
        module.engine.value_and_gradient(module.weights), full.engine.value_and_gradient(full.weights), strict=True
    ):
        torch.testing.assert_close(given, expected)
    assert module.engine.name == engine


@pytest.mark.parametrize(
    ("array", "error", "what"),
    [
        (torch.zeros(3), TypeError, "an array of torch.float32, where the kernel takes torch.float64"),
        (torch.zeros(2).double(), ValueError, "an array of length 2, where the kernel takes 3"),
        (
            torch.zeros(3, 2).double()[:, 0],
            ValueError,
            "its numbers do not lie one after another, where a kernel takes them so",
        ),
    ],
)
def test_an_array_that_a_kernel_would_misread_is_refused_by_its_name(array, error, what):
    with pytest.raises(error, match=f"^rates: {what}$"):
        check_arrays(torch.float64, 3, {"weights": torch.zeros(3, 7).double(), "rates": array})
