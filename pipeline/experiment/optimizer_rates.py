"""Learning rates of an experiment: for all of its optimizers, or for each its own by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pipeline.errors import FieldError, nearest
from pipeline.experiment.axes import LogSpaced, Place, TimesLimits, distinct, positive
from pipeline.experiment.compatibility import Objectives, check_limits, check_range_of_rates
from pipeline.experiment.precision import Dtype
from pipeline.experiment.trial import LearningRate, TimesLimit
from pipeline.models.model import Model
from pipeline.optimizers.rules import Optimizer

RatesOfOne = tuple[float, ...] | LogSpaced | TimesLimits
"""Learning rates of an optimizer as they are written."""
Rates = RatesOfOne | Mapping[str, RatesOfOne] | None
"""Those of an experiment; ``None`` for the default."""
DEFAULT = LogSpaced(1e-3, 1.0, 7)


def written_for(optimizer: Optimizer, rates: Rates) -> RatesOfOne | None:
    """The learning rates of an optimizer as they are written; ``None`` for the default."""
    return rates.get(optimizer.name()) if isinstance(rates, Mapping) else rates


def rates_for(optimizer: Optimizer, rates: Rates) -> tuple[LearningRate, ...]:
    """The learning-rate axis of an optimizer, one value each; a single ``None`` for one that has no rate."""
    if not optimizer.uses_learning_rate:
        return (None,)
    match written_for(optimizer, rates):
        case None:
            return DEFAULT.values()
        case LogSpaced() as spaced:
            return spaced.values()
        case TimesLimits(multiples):
            return tuple(TimesLimit(multiple) for multiple in multiples)
        case values:
            return tuple(float(value) for value in values)


def check_rates(rates: Rates, optimizers: Sequence[Optimizer]) -> None:
    """Refuse learning rates that no optimizer has, and those that are not positive or named twice.

    Raises:
        FieldError: At the rates, or at one of them.
    """
    with_rate = {optimizer.name() for optimizer in optimizers if optimizer.uses_learning_rate}
    if not with_rate and rates is not None:
        names = " and ".join(optimizer.name() for optimizer in optimizers)
        what = f"{names} {'has' if len(optimizers) == 1 else 'have'} no learning rate"
        raise FieldError(("learning_rates",), what, hint="leave learning_rates out")
    for name in rates if isinstance(rates, Mapping) else ():
        if name not in with_rate:
            what = f"{name!r} is no optimizer of this experiment that has a learning rate"
            raise FieldError(("learning_rates", name), what, hint=nearest(name, with_rate))
    for where, _, written in _places(rates, optimizers):
        if isinstance(written, tuple):
            distinct(where, written)
            positive(where, written)


def check_rates_of_training(
    rates: Rates,
    optimizers: Sequence[Optimizer],
    models: Sequence[Model],
    objectives: Objectives,
    dtypes: Sequence[Dtype],
    batch_sizes: Sequence[int | None],
) -> None:
    """Refuse learning rates that an optimizer cannot use in some precision or batch size of the experiment.

    Raises:
        FieldError: At the rates, or at a model without a limit.
    """
    for where, optimizer, written in _places(rates, optimizers):
        for dtype in dtypes:
            check_range_of_rates(rates_for(optimizer, rates), dtype, where, listed=isinstance(written, tuple))
        if isinstance(written, TimesLimits):
            for batch_size in batch_sizes:
                check_limits(optimizer, models, objectives, minibatches=batch_size is not None)


def _places(rates: Rates, optimizers: Sequence[Optimizer]) -> Iterator[tuple[Place, Optimizer, RatesOfOne | None]]:
    """Where the learning rates of each optimizer stand, the optimizer, and how they are written."""
    for optimizer in optimizers:
        if optimizer.uses_learning_rate:
            own = (optimizer.name(),) if isinstance(rates, Mapping) else ()
            yield ("learning_rates", *own), optimizer, written_for(optimizer, rates)
