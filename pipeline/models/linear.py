"""Linear models: weights on a fixed basis.

Shape letters: M kinks.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC
from dataclasses import dataclass
from typing import ClassVar, Literal, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.errors import FieldError
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.polynomial import Legendre
from pipeline.models.bases.product import Order
from pipeline.models.model import Model
from pipeline.problems.problem import Problem


class LinearModel(Model, ABC):
    """Model linear in its weights, which start from zero: ``f_k(x) = sum_w a_kw phi_w(x)``.

    The features ``phi`` are those of ``prepare``. The weights of an output are contiguous, in the order of features.
    """

    linear: ClassVar[bool] = True
    draws_weights: ClassVar[bool] = False

    def num_weights(self, width: int, num_inputs: int, num_outputs: int) -> int:
        return num_outputs * width

    def initial_weights(
        self, width: int, num_inputs: int, num_outputs: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        return np.zeros(num_outputs * width)

    def features(self, weights_TN: Tensor, prepared_AP: Tensor, width: int, num_outputs: int) -> Tensor:
        return prepared_AP.mT[None]

    def outputs(self, weights_TN: Tensor, prepared_AP: Tensor, width: int, num_outputs: int) -> Tensor:
        return weights_TN.view(-1, num_outputs, width) @ prepared_AP


@final
@dataclass(frozen=True)
class Linear(LinearModel):
    """A linear combination of the first functions of a basis, starting from zero.

    In D dimensions the features are products of one function per input. The width is
    always the number of features; ``product`` is the order in which they are taken: by
    total degree, or by the largest degree (full tensor products, complete at q^D). Local
    functions are taken on a whole mesh instead, and random features are no products.

    In polar coordinates the features of a point of the plane are those of its distance from the
    origin and its angle, which lies in [-1, 1] for -pi to pi.

    Args:
        basis: Functions of one input.
        product: Order of their products, for several inputs.
        coordinates: In which coordinates of the inputs the basis is evaluated.

    Raises:
        FieldError: If the basis has no order of products to choose, but one is chosen.
    """

    basis: Basis = Legendre()
    product: Order = "total_degree"
    coordinates: Literal["cartesian", "polar"] = "cartesian"
    formula: ClassVar[str] = r"f_k(x) = \sum_{w=1}^{W} a_{kw} \, \phi_w(x), \qquad a = 0 \text{ at step } 0"

    def __post_init__(self) -> None:
        check_order(self.basis, self.product)

    @property
    def draws_features(self) -> bool:
        return self.basis.draws_from_seed

    def with_seed(self, seed: int) -> Linear:
        return dataclasses.replace(self, basis=self.basis.with_seed(seed))

    def check(self, width: int, problem: Problem) -> None:
        num_inputs, bounds = problem.num_inputs, problem.bounds
        if self.coordinates == "polar":
            if num_inputs != 2:
                what = f"only the plane has polar coordinates, not {num_inputs} input{'s' if num_inputs > 1 else ''}"
                raise FieldError(("coordinates",), what, hint="leave coordinates out, or set dimension: 2")
            bounds = (-1.0, 1.0)  # how far points lie from the origin is seen when they are drawn
        self.basis.check(width, num_inputs, bounds)

    def defined_at(self, inputs_PD: Tensor) -> Tensor:
        return self.basis.inside(self._coordinates_of(inputs_PD))

    def kinks(self, weights_TN: Tensor, width: int, num_outputs: int) -> Tensor | None:
        kinks_M = self.basis.kinks(width)
        return None if kinks_M is None else kinks_M[None]

    def prepare(self, inputs_PD: Tensor, width: int) -> Tensor:
        return self.basis.features(self._coordinates_of(inputs_PD), width, self.product).mT.contiguous()

    def _coordinates_of(self, inputs_PD: Tensor) -> Tensor:
        if self.coordinates == "cartesian":
            return inputs_PD
        # atan2 takes the second coordinate first.
        return torch.stack([inputs_PD.norm(dim=1), torch.atan2(*inputs_PD.flip(1).T) / math.pi], dim=1)


def check_order(basis: Basis, order: Order) -> None:
    """Refuse an order of products for functions that have none.

    Args:
        basis: Functions of one input.
        order: Order of their products.

    Raises:
        FieldError: If the basis has one order only, and another is chosen.
    """
    if order != "total_degree" and not basis.ordered_products:
        what = f"{basis.name()} has no order of products to choose"
        raise FieldError(("product",), what, hint="leave product out")
