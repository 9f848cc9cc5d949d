"""Random features: functions of all inputs at once, drawn from a fixed stream, whose limit is a kernel.

Shape letters: M frequencies, Q points of the second set.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import FieldError
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.product import Order
from pipeline.numerics.kernel_functions import arc_cosine_kernel, gaussian_kernel
from pipeline.numerics.randomness import TRIAL, Seed, stream
from pipeline.problems.targets import Gaussian, Target


class RandomFeatures(Basis, ABC):
    """Random features of any number of inputs, drawn one after another; every seed draws others.

    They are no products, so that as many of them serve in any dimension. Means of their products
    over many functions tend to a kernel: least squares on them is kernel regression.
    """

    seed: Seed
    """Names the stream; ``trial`` is the seed of each trial, and 0 outside of trials."""
    unlabelled: ClassVar[tuple[str, ...]] = ("seed",)
    begins_with_one: ClassVar[bool] = False
    ordered_products: ClassVar[bool] = False

    @property
    def draws_from_seed(self) -> bool:
        return self.seed == TRIAL

    def with_seed(self, seed: int) -> RandomFeatures:
        return dataclasses.replace(self, seed=seed)  # type: ignore[type-var]  # each is a dataclass

    def _stream(self) -> np.random.Generator:
        return stream(self.name(), 0 if self.seed == TRIAL else self.seed)

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        return self.features(x_P[:, None], width)

    @abstractmethod
    def features(self, inputs_PD: Tensor, width: int, order: Order = "total_degree") -> Tensor:
        """Features at points; they have no order to choose.

        Args:
            inputs_PD: Inputs.
            width: W, how many features.
            order: Of no effect.

        Returns:
            Shape ``[P, W]``, in the dtype of the inputs.
        """

    @abstractmethod
    def holds_with_bounded_weights(self, target: Target, dimension: int) -> bool:
        """Whether the target is an expectation of the functions times bounded weights, on [-1, 1]^D.

        Least squares on m functions that were drawn then has a root mean square error of the order ``m^-1/2``, with
        high probability.

        Args:
            target: Function to be approximated.
            dimension: D.

        Returns:
            False also where it is not known.

        Source: Rahimi, Recht, "Weighted sums of random kitchen sinks" (NIPS 2008), theorem 1.
        """

    @abstractmethod
    def kernel(self, x_PD: Tensor, y_QD: Tensor) -> Tensor:
        """Limiting kernel: what ``features(x) @ features(y).T / width`` tends to as the width grows.

        Args:
            x_PD: First points.
            y_QD: Second points.

        Returns:
            Shape ``[P, Q]``.
        """


@final
@dataclass(frozen=True)
class RandomFourier(RandomFeatures):
    """Random waves sqrt2 cos(w . x), sqrt2 sin(w . x) with w normal of deviation 1 / scale: the Gaussian kernel.

    The kernel is ``exp(-|x - y|^2 / (2 scale^2))``. An even number of functions holds whole pairs.

    Args:
        scale: Width of the kernel, in units of the inputs, above 0.
        seed: Of the frequencies: that of each trial, or a number for all trials.

    Raises:
        FieldError: If the scale is not positive.
    """

    scale: float = 1.0
    seed: Seed = TRIAL
    formula: ClassVar[str] = (
        r"\phi_{2k}(x) = \sqrt{2} \cos w_k \cdot x, \qquad \phi_{2k+1}(x) = \sqrt{2} \sin w_k \cdot x, \qquad w_k \sim "
        r"N(0, I / s^2)"
    )
    source: ClassVar[str] = "Rahimi, Recht, Random features for large-scale kernel machines (NIPS 2007)"

    def __post_init__(self) -> None:
        if not self.scale > 0:
            what = f"scale {self.scale!r} is not positive"
            raise FieldError(("scale",), what, hint="take the width of the kernel, above 0")

    def features(self, inputs_PD: Tensor, width: int, order: Order = "total_degree") -> Tensor:
        normal_MD = self._stream().standard_normal(((width + 1) // 2, inputs_PD.shape[1]))
        turn_PM = inputs_PD @ torch.from_numpy(normal_MD / self.scale).to(inputs_PD).mT
        waves_PM2 = math.sqrt(2) * torch.stack([turn_PM.cos(), turn_PM.sin()], dim=-1)
        return waves_PM2.flatten(1)[:, :width]

    def holds_with_bounded_weights(self, target: Target, dimension: int) -> bool:
        """Of the bell, whose frequencies are normal: where they are no wider than those drawn, the ratio is bounded."""
        return isinstance(target, Gaussian) and target.scale >= self.scale

    def kernel(self, x_PD: Tensor, y_QD: Tensor) -> Tensor:
        return gaussian_kernel(x_PD, y_QD, self.scale)


@final
@dataclass(frozen=True)
class RandomRelu(RandomFeatures):
    """Random ReLU ridges sqrt2 max(w . x + b, 0) with normal w and b: a network whose hidden layer stays as it was.

    The kernel is the arc-cosine kernel of degree 1 of the points ``(x, 1)``. Of one input, half of the
    ridges have their kink outside [-1, 1]: there they are lines, or zero.

    Args:
        seed: Of slopes and biases: that of each trial, or a number for all trials.
    """

    seed: Seed = TRIAL
    independent: ClassVar[bool] = False
    formula: ClassVar[str] = r"\phi_k(x) = \sqrt{2} \max(w_k \cdot x + b_k, 0), \qquad (w_k, b_k) \sim N(0, I)"
    source: ClassVar[str] = "Cho, Saul, Kernel methods for deep learning (NIPS 2009)"

    def features(self, inputs_PD: Tensor, width: int, order: Order = "total_degree") -> Tensor:
        weights_WA = self._weights(width, inputs_PD.shape[1]).to(inputs_PD)
        return math.sqrt(2) * torch.relu(inputs_PD @ weights_WA[:, :-1].mT + weights_WA[:, -1])

    def support(self, width: int) -> Tensor:
        slope_W = self._weights(width, 1)[:, 0]
        kink_W = self.kinks(width).clamp(-1, 1)
        ends = torch.ones_like(kink_W)
        return torch.where(slope_W[:, None] > 0, torch.stack([kink_W, ends], 1), torch.stack([-ends, kink_W], 1))

    def kinks(self, width: int) -> Tensor:
        slope_W, bias_W = self._weights(width, 1).unbind(dim=1)
        return -bias_W / slope_W

    def holds_with_bounded_weights(self, target: Target, dimension: int) -> bool:
        """Of one input, with a bounded second derivative: that is the weight of a kink, and kinks are everywhere."""
        return dimension == 1 and math.isinf(target.smoothness)

    def kernel(self, x_PD: Tensor, y_QD: Tensor) -> Tensor:
        return arc_cosine_kernel(_with_one(x_PD), _with_one(y_QD))

    def _weights(self, width: int, num_inputs: int) -> Tensor:
        """Slopes and, last, the bias of each ridge, shape ``[W, D + 1]``."""
        return torch.from_numpy(self._stream().standard_normal((width, num_inputs + 1)))


def _with_one(points_PD: Tensor) -> Tensor:
    """Points with a last coordinate of 1, ``[P, D + 1]``."""
    return torch.cat([points_PD, points_PD.new_ones(len(points_PD), 1)], dim=1)
