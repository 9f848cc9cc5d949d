"""What the fused engines are made for alike, on processors and on GPUs."""

from __future__ import annotations

from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Optimizer, UpdateRule


def beyond(
    model: Model,
    optimizer: Optimizer,
    num_inputs: int,
    num_outputs: int,
    *,
    most_inputs: int,
    most_outputs: int,
    models: tuple[type[Model], ...] = (Shallow,),
    where: str = "",
) -> str | None:
    """What of some trials is beyond a fused engine, as the rest of a sentence about it; ``None`` if nothing is.

    Args:
        model: What learns.
        optimizer: How.
        num_inputs: Inputs of the problem.
        num_outputs: Its outputs.
        most_inputs: What the engine takes at most; of a linear model it sees features only.
        most_outputs: Likewise.
        models: Which it has kernels for.
        where: The engine's place in the sentence, such as " on a GPU".
    """
    if not isinstance(optimizer, UpdateRule):
        return f"has no steps of {optimizer.name()}"
    if not isinstance(model, models):
        return f"has no kernel for {model.name()}"
    if not model.linear and num_inputs > most_inputs:
        return f"takes {most_inputs} inputs at most{where}, not {num_inputs}"
    if num_outputs > most_outputs:
        return f"takes {most_outputs} outputs at most{where}, not {num_outputs}"
    return None
