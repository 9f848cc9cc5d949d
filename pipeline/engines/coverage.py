"""What both fused engines, that for processors and that for GPUs, ask of a shape."""

from __future__ import annotations

from pipeline.definitions import Definition
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Optimizer, UpdateRule


def of_your_own(*definitions: Definition) -> str:
    """Words for a definition of an extension, of which no fused engine has machine code; empty for what is built in."""
    return ", which is your own" if any(definition.code_sha256 for definition in definitions) else ""


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
    """What of a shape is beyond a fused engine, as the rest of a sentence about the engine.

    Args:
        model: The model.
        optimizer: Its optimizer.
        num_inputs: D.
        num_outputs: K.
        most_inputs: Largest D that the engine takes; of a linear model it sees features only.
        most_outputs: Largest K.
        models: Models that it has kernels for.
        where: Where the engine computes, in the sentence, such as " on a GPU".

    Returns:
        Such as ``takes 16 outputs at most, not 26``; ``None`` if nothing is beyond it.
    """
    if not isinstance(optimizer, UpdateRule):
        return f"has no steps of {optimizer.name()}"
    if not isinstance(model, models):
        return f"has no kernel for {model.name()}{of_your_own(model)}"
    if not model.linear and num_inputs > most_inputs:
        return f"takes {most_inputs} inputs at most{where}, not {num_inputs}"
    if num_outputs > most_outputs:
        return f"takes {most_outputs} outputs at most{where}, not {num_outputs}"
    return None
