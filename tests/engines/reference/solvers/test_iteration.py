"""Every solver goes down, in every pack and after every interruption to the same bits, until there is no slope left."""

import io
import itertools

import pytest
import torch

from pipeline.engines.reference.solvers import iteration
from pipeline.experiment.axes import Inputs
from pipeline.experiment.packing import make_pack
from pipeline.models.activations import ACTIVATIONS
from pipeline.models.bases.polynomial import Legendre
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.numerics.randomness import stream
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import GradientDescent
from pipeline.optimizers.solvers import Solver
from pipeline.problems.datasets import Digits
from pipeline.problems.losses import LOSSES, Task
from pipeline.problems.targets import OuterRing, Xor
from pipeline.training.module import NEVER, PackModule
from pipeline.training.segments import Segment

SOLVERS = {name: kind for name, kind in OPTIMIZERS.items() if issubclass(kind, Solver)}
PROBLEMS = {
    Task.REGRESSION: {},
    Task.LABELS: {"target": (OuterRing(),), "inputs": Inputs(train=(40,), test=10)},
    Task.CLASSES: {"target": (), "data": (Digits(),), "widths": (2,), "inputs": Inputs(train=(30,), test=10)},
}
CASES = [
    pytest.param(kind(), loss(), task, id=f"{name}-{loss.name()}-{task.value}")
    for name, kind in SOLVERS.items()
    for loss in LOSSES.values()
    for task in Task
    if task in loss.tasks and (loss.quadratic or not kind.only_square_loss)
]
each_case = pytest.mark.parametrize("solver, loss, task", CASES)
each_activation = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS.keys())


@pytest.fixture(params=SOLVERS.values(), ids=SOLVERS.keys())
def solver(request):
    return request.param()


def losses_of(module):
    return module.engine.value_and_gradient(module.weights.detach())[0]


def slopes_of(module):
    return module.engine.value_and_gradient(module.weights.detach())[1].norm(dim=1)


@each_case
def test_trial_alone_and_in_a_pack_has_the_same_bits(pack, trained, solver, loss, task):
    together = pack(solver, loss=loss, steps=15, **PROBLEMS[task])
    whole = trained(together)
    for first, last in ((0, 1), (1, 2), (3, 4), (1, 4)):
        part = trained(make_pack(together.trials[first:last]))
        assert torch.equal(part.weights, whole.weights[first:last])


@each_activation
def test_trial_alone_and_in_a_pack_has_the_same_bits_whatever_its_units(pack, trained, solver, activation):
    inputs = Inputs(train=(256,), test=10)
    together = pack(solver, models=(Shallow(activation()),), widths=(5,), inputs=inputs, seeds=9, steps=10)
    whole = trained(together)
    for position in (0, 4, 8):
        alone = trained(make_pack((together.trials[position],)))
        assert torch.equal(alone.weights[0], whole.weights[position])


def test_chunks_on_any_number_of_cores_give_the_same_bits_as_one_stack(pack, trained, solver, monkeypatch):
    whole = pack(solver, seeds=7)
    expected = trained(whole).weights
    monkeypatch.setattr("pipeline.engines.reference.engine.elements_of_chunk", lambda device, element: 1000)
    monkeypatch.setattr("pipeline.engines.reference.engine.CORES", 2)
    module = trained(whole)
    assert len(module.engine.bounds(7)) > 2
    assert torch.equal(module.weights, expected)


@each_case
def test_segments_cut_anywhere_give_the_same_bits(pack, trained, solver, loss, task):
    whole = pack(solver, loss=loss, steps=15, **PROBLEMS[task])
    assert torch.equal(trained(whole).weights, trained(whole, stops=[1, 2, 3, 9, 15]).weights)


def test_training_goes_on_from_a_checkpoint_to_the_same_bits(pack, trained, solver):
    whole = pack(solver, steps=30)
    for stop in (1, 2, 17):
        half, file = trained(whole, stops=[stop]), io.BytesIO()
        torch.save((half.state_dict(), half.optimizer.state_dict()), file)
        file.seek(0)
        weights, memory = torch.load(file, weights_only=True)
        resumed = PackModule(whole, [30])
        resumed.load_state_dict(weights)
        optimizer = resumed.configure_optimizers()
        optimizer.load_state_dict(memory)
        resumed._advance(Segment(stop, 30), optimizer)
        assert torch.equal(resumed.weights, trained(whole).weights)


@each_case
def test_loss_never_rises(pack, trained, solver, loss, task):
    module = PackModule(pack(solver, loss=loss, steps=12, **PROBLEMS[task]), [12])
    module.on_fit_start()
    optimizer, curve = module.configure_optimizers(), [losses_of(module)]
    for step in range(12):
        module._advance(Segment(step, step + 1), optimizer)
        curve.append(losses_of(module))
    for before, after in itertools.pairwise(curve):
        assert (after <= before * (1 + 1e-14)).all()  # in the last bits as the engine adds them, or the line search
    assert (curve[-1] < curve[0]).all()


def test_a_smooth_network_ends_where_there_is_no_slope(pack, trained, solver):
    """Noise on what two units have made, and starts around these: the minimum is not at infinity."""
    whole = pack(solver, widths=(2,), steps=150)
    context, rng = PackModule(whole, [1]).context, stream("noise")
    teacher_1N = torch.tensor([[3.0, 1.5, 2.0, -1.0, 1.0, -1.0, 0.5]], dtype=torch.float64)
    made_P1 = context.model.outputs(teacher_1N, context.prepared_AP, 2, 1)[0].mT
    noise_P1 = 0.03 * torch.from_numpy(rng.standard_normal(made_P1.shape))
    start_TN = teacher_1N + 0.2 * torch.from_numpy(rng.standard_normal((4, 7)))
    module = trained(whole, targets=made_P1 + noise_P1, start=start_TN)
    assert slopes_of(module).max() < 1e-9
    torch.testing.assert_close(losses_of(module).amax(), losses_of(module).amin(), rtol=1e-10, atol=0)


def test_trial_that_cannot_begin_is_marked_and_disturbs_nobody(pack, trained, solver):
    whole = pack(solver)
    start = PackModule(whole, [40]).weights.detach().clone()
    expected = trained(whole, start=start).weights[[0, 2, 3]]
    start[1] = torch.nan
    module = trained(whole, start=start, stops=[5, 40])
    assert module.diverged_at.tolist() == [NEVER, 0, NEVER, NEVER]
    assert torch.equal(module.weights[[0, 2, 3]], expected)


def test_trial_at_a_stationary_point_stays(pack, trained, solver):
    """All zeros on the four points of XOR, whose mean is in the output bias."""
    whole = pack(solver, target=(Xor(),), inputs=Inputs(), loss=LOSSES["half_mean_square"](), steps=3, seeds=1)
    start = torch.zeros(1, whole.shape.num_weights, dtype=torch.float64)
    start[0, -1] = 0.5
    module = trained(whole, start=start)
    torch.testing.assert_close(module.weights.detach(), start, rtol=0, atol=1e-15)


@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_linear_model_comes_to_least_squares_whatever_the_unit_of_its_targets(pack, trained, solver, scale):
    if solver.only_networks:
        return
    whole = pack(solver, models=(Linear(Legendre()),), widths=(6,), seeds=1)
    module = trained(whole, targets=scale * PackModule(whole, [40]).context.dataset.train_targets_PK)
    expected = module.context.least_squares_KF[0]
    torch.testing.assert_close(module.weights.detach()[0], expected, rtol=1e-9, atol=scale * 1e-10)


def test_an_update_rule_has_no_iteration(pack):
    module = PackModule(pack(GradientDescent(), learning_rates=(0.1,)), [40])
    with pytest.raises(TypeError, match=r"^gradient_descent has no iteration$"):
        iteration(module.context, (torch.zeros(2, 24), torch.zeros(1, 24)))
