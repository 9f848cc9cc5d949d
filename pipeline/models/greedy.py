"""Greedy models: a basis selected from a dictionary, after seeing the target.

Shape letters: M atoms of the dictionary.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, final

from torch import Tensor

from pipeline.errors import FieldError
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.bases.product import Order
from pipeline.models.linear import LinearModel, check_order
from pipeline.models.model import Model
from pipeline.numerics.subset_selection import Selection, orthogonal_greedy, orthogonal_least_squares
from pipeline.problems.problem import Problem

RULES: dict[str, Callable[[Tensor, Tensor, int], Selection]] = {
    "least_squares": orthogonal_least_squares,
    "inner_product": orthogonal_greedy,
}
"""Selection algorithms by their name in YAML."""
LEAST_SIZE = 32
"""Least default size of a dictionary, for narrow models; else four times the width."""


@final
@dataclass(frozen=True)
class Greedy(LinearModel):
    """A linear combination of functions of a basis that are chosen one by one from the training points.

    The dictionary is the first ``size`` functions of the basis, or products of them. A narrow model's functions are
    the first of a wide one's of the same dictionary. When no further function is
    independent of those chosen, the first of the others follow: they cannot lower the error any more.

    Args:
        dictionary: Functions of one input.
        size: Functions in the dictionary, at least the width; ``None``: 4 W and at least 32.
        product: Order of their products, for several inputs.
        rule: ``least_squares`` takes the function that lowers the squared residual most, ``inner_product``
            the one with the largest inner product with the residual.

    Raises:
        FieldError: If the dictionary is empty, or has no order of products to choose, but one is chosen.
    """

    dictionary: Basis = Monomial()
    size: int | None = None
    product: Order = "total_degree"
    rule: Literal["least_squares", "inner_product"] = "least_squares"
    formula: ClassVar[str] = (
        r"f_k(x) = \sum_{i=1}^{W} a_{ki} \, \phi_{w_i}(x), \qquad w_1, \ldots, w_W \text{ chosen from the training "
        r"points}"
    )

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise FieldError(("size",), f"a dictionary of {self.size} functions is empty", hint="take at least 1")
        check_order(self.dictionary, self.product)

    @property
    def draws_features(self) -> bool:
        return self.dictionary.draws_from_seed

    def with_seed(self, seed: int) -> Greedy:
        return dataclasses.replace(self, dictionary=self.dictionary.with_seed(seed))

    def check(self, width: int, problem: Problem) -> None:
        if self.size is not None and self.size < width:
            what = f"a dictionary of {self.size} functions has no {width} to choose"
            raise FieldError(("size",), what, hint=f"take at least {width}, or leave it out")
        self.dictionary.check(self.size_for(width), problem.num_inputs, problem.bounds)

    def size_for(self, width: int) -> int:
        """Size of the dictionary of a model of some width: ``size``, or 4 W and at least 32."""
        return self.size or max(LEAST_SIZE, 4 * width)

    def choose(self, inputs_PD: Tensor, targets_PK: Tensor, width: int) -> tuple[int, ...]:
        """Functions selected from training points, by their numbers in the dictionary, in the order of selection.

        Args:
            inputs_PD: Training inputs.
            targets_PK: Training targets.
            width: W, how many to select.

        Returns:
            W different numbers.

        Raises:
            PipelineError: If the dictionary is smaller than the width, or not finite at some points.
        """
        size = self.size_for(width)
        dictionary_PM = self.dictionary.features(inputs_PD, size, self.product)
        atoms = RULES[self.rule](dictionary_PM, targets_PK, width).atoms
        others = (atom for atom in range(size) if atom not in set(atoms))
        return (*atoms, *others)[:width]

    def fitted(self, inputs_PD: Tensor, targets_PK: Tensor, width: int) -> Model:
        return SelectedFunctions(self, self.choose(inputs_PD, targets_PK, width), self.size_for(width))

    def prepare(self, inputs_PD: Tensor, width: int) -> Tensor:
        raise TypeError(f"{self.name()} has no functions before it was fitted to training points")


@final
class SelectedFunctions(LinearModel):
    """Linear model on the functions that a greedy model has selected.

    Args:
        definition: The greedy model.
        atoms: Numbers of the functions in its dictionary.
        size: Size of the dictionary.
    """

    def __init__(self, definition: Greedy, atoms: tuple[int, ...], size: int) -> None:
        self.definition, self.atoms = definition, atoms
        # Of nested functions those beyond the last selected need not be evaluated; others depend on how many there are.
        self.size = max(atoms) + 1 if definition.dictionary.nested else size

    def label(self) -> str:
        return self.definition.label()

    def defined_at(self, inputs_PD: Tensor) -> Tensor:
        return self.definition.dictionary.inside(inputs_PD)

    def prepare(self, inputs_PD: Tensor, width: int) -> Tensor:
        features_PM = self.definition.dictionary.features(inputs_PD, self.size, self.definition.product)
        return features_PM[:, list(self.atoms[:width])].mT.contiguous()
