"""PyTorch's L-BFGS, an iteration of each trial at a time, its memory kept with the trial.

Source: Nocedal and Wright, Numerical Optimization (2nd ed.), algorithms 7.4 and 3.5.
"""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.reference.solvers.iteration import Iteration

MOST_EVALUATIONS = 25
"""Of a line search; the default of PyTorch."""

LOSS_SCALE = 2.0**40
"""What the loss is multiplied by: PyTorch forgets a step whose product with the change of the gradient is below 1e-10,
whatever the size of the loss, and then creeps. A power of two changes no digit."""


@final
class LbfgsIteration(Iteration):
    """One step along the L-BFGS direction of each trial, its length by a strong Wolfe line search.

    PyTorch keeps what it remembers in ``state``, the public attribute of every optimizer.
    From there it goes into slots after an iteration, and back before the next.

    Args:
        context: Model and loss.
        points: Prepared inputs and targets.
        history: Steps remembered at most.
    """

    def __init__(self, context: PackContext, points: tuple[Tensor, Tensor], history: int) -> None:
        super().__init__(context, points)
        self.history = history

    def __call__(self, weights_TN: Tensor, slots: tuple[Tensor, ...]) -> Tensor:
        losses = [
            self.iterate(weights_TN[trial : trial + 1], tuple(slot[trial] for slot in slots))
            for trial in range(len(weights_TN))
        ]
        return weights_TN.new_tensor(losses)

    def iterate(self, weights_1N: Tensor, slots: tuple[Tensor, ...]) -> float:
        """Change the weights of one trial and its memory in place.

        Args:
            weights_1N: Weights of the trial, float64.
            slots: Its memory.

        Returns:
            The loss at the weights as they were.
        """
        point_1N = weights_1N.clone()
        losses: list[float] = []

        def closure() -> float:
            loss_1, gradient_1N = self.evaluated(point_1N)
            losses.append(float(loss_1))
            point_1N.grad = gradient_1N.mul_(LOSS_SCALE)
            return losses[-1] * LOSS_SCALE

        search = torch.optim.LBFGS(
            [point_1N],
            max_iter=1,
            max_eval=1 + MOST_EVALUATIONS,
            tolerance_grad=0,
            tolerance_change=0,
            history_size=self.history,
            line_search_fn="strong_wolfe",
        )
        search.state[point_1N] = restored(slots)
        search.step(closure)
        keep(search.state[point_1N], slots)
        weights_1N.copy_(point_1N)
        return losses[0]


def restored(slots: tuple[Tensor, ...]) -> dict[str, Any]:
    """The ``state`` of PyTorch's optimizer from the slots of a trial; empty before the first iteration."""
    changes, steps, direction_N, gradient_N, numbers = (slot.clone() for slot in slots)
    iterations, num_remembered, length, scale = numbers.tolist()
    if not iterations:
        return {}
    size, remembered = len(direction_N), slice(int(num_remembered))
    old_changes = [change_N.clone() for change_N in changes.view(-1, size)[remembered]]
    old_steps = [step_N.clone() for step_N in steps.view(-1, size)[remembered]]
    return {
        "func_evals": 0,
        "n_iter": int(iterations),
        "d": direction_N,
        "t": length,
        "old_dirs": old_changes,
        "old_stps": old_steps,
        "ro": [1 / change_N.dot(step_N) for change_N, step_N in zip(old_changes, old_steps, strict=True)],
        "H_diag": scale,
        "prev_flat_grad": gradient_N,
        "prev_loss": 0.0,  # for a test of progress that is never reached
    }


def keep(state: dict[str, Any], slots: tuple[Tensor, ...]) -> None:
    """Write the ``state`` of PyTorch's optimizer into the slots of a trial."""
    if "d" not in state:  # it began where the gradient is zero
        return
    changes, steps, direction_N, gradient_N, numbers = slots
    for slot, remembered in ((changes, state["old_dirs"]), (steps, state["old_stps"])):
        for row_N, value_N in zip(slot.view(-1, len(direction_N)), remembered, strict=False):
            row_N.copy_(value_N)
    direction_N.copy_(state["d"])
    gradient_N.copy_(state["prev_flat_grad"])
    counters = (state["n_iter"], len(state["old_dirs"]), state["t"], state["H_diag"])
    numbers.copy_(numbers.new_tensor([float(number) for number in counters]))
