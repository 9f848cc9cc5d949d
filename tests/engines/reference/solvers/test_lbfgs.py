"""What PyTorch remembers of a trial survives in its slots: the steps are those of an optimizer that never stops."""

import pytest
import torch

from pipeline.engines.reference.solvers.lbfgs import LOSS_SCALE, MOST_EVALUATIONS
from pipeline.models.activations import ACTIVATIONS
from pipeline.models.shallow import Shallow
from pipeline.optimizers.solvers import Lbfgs
from pipeline.training.module import PackModule


@pytest.mark.parametrize("history", [1, 3, 20])
@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS.keys())
def test_steps_are_those_of_pytorch_with_gradients_of_autograd(pack, trained, history, activation):
    whole = pack(Lbfgs(history=history), models=(Shallow(activation()),), steps=8, seeds=2)
    module, given = trained(whole), PackModule(whole, [8])
    context = given.context
    for weights, start in zip(module.weights.detach(), given.weights.detach(), strict=True):
        twin = start[None].clone().requires_grad_()
        optimizer = torch.optim.LBFGS(
            [twin], max_iter=1, max_eval=MOST_EVALUATIONS + 1, tolerance_grad=0, tolerance_change=0,
            history_size=history, line_search_fn="strong_wolfe",
        )  # fmt: skip

        def closure(twin=twin, optimizer=optimizer):
            optimizer.zero_grad()
            outputs = context.model.outputs(twin, context.prepared_AP, context.width, 1)
            loss = context.loss(outputs, context.dataset.train_targets_PK.mT)[0] * LOSS_SCALE
            loss.backward()
            return loss

        for _ in range(8):
            optimizer.step(closure)
        # The gradients differ in their last bits.
        torch.testing.assert_close(weights, twin.detach()[0], rtol=1e-7, atol=1e-8)


def test_history_is_as_long_as_asked(pack, trained):
    module = trained(pack(Lbfgs(history=3)), stops=[20])
    changes, steps, _, _, numbers = module.optimizer.slots
    assert changes.shape == steps.shape == (4, 3 * module.weights.shape[1])
    assert numbers[:, 0].tolist() == [20] * 4
    assert numbers[:, 1].tolist() == [3] * 4
