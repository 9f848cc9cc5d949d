"""Linear basis models: weights on a fixed basis."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pipeline.models.bases.basis import Basis
from pipeline.models.bases.polynomial import Legendre
from pipeline.models.bases.product import Order, product_features
from pipeline.models.model import Model


class LinearModel(Model, ABC):
    """A weight for each feature and output, starting from zero; which features, says ``prepare``.

    The weights of an output stand together, in the order of the features.
    """

    linear: ClassVar[bool] = True

    def num_weights(self, width: int, num_inputs: int, num_outputs: int) -> int:
        return num_outputs * width

    def initial_weights(
        self, width: int, num_inputs: int, num_outputs: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        return np.zeros(num_outputs * width)

    def features(self, weights_TN: Tensor, prepared_CP: Tensor, width: int, num_outputs: int) -> Tensor:
        return prepared_CP.mT[None]

    def outputs(self, weights_TN: Tensor, prepared_CP: Tensor, width: int, num_outputs: int) -> Tensor:
        return weights_TN.view(-1, num_outputs, width) @ prepared_CP


@final
@dataclass(frozen=True)
class Linear(LinearModel):
    """A linear combination of the first functions of a basis, starting from zero.

    In D dimensions the features are products of one function per input. The width is
    always the number of features; ``product`` says in which order they are taken: by
    total degree, or by the largest degree (full tensor products, complete at q^D).
    """

    basis: Basis = Legendre()
    product: Order = "total_degree"

    def prepare(self, inputs_PD: Tensor, width: int) -> Tensor:
        return product_features(self.basis, inputs_PD, width, self.product).mT.contiguous()
