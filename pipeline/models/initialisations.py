"""Initialisations: named distributions of the initial weights of a network."""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pipeline.definitions import Definition, table


class Initialisation(Definition, ABC):
    """Distribution of the initial weights ``[out, in]`` and biases ``[out]`` of one layer."""

    source: ClassVar[str]
    """Where the distribution is from."""

    @abstractmethod
    def weight_deviation(self, fan_in: int, fan_out: int) -> float:
        """Standard deviation of one weight; tests check it.

        Args:
            fan_in: Inputs of the layer.
            fan_out: Outputs of the layer.

        Returns:
            Dimensionless, above 0.
        """

    def weights(self, fan_in: int, fan_out: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Random weights of one layer: normal of mean 0 and ``weight_deviation``, where a class does not say otherwise.

        Args:
            fan_in: Inputs of the layer.
            fan_out: Outputs of the layer.
            rng: Random generator; its state moves on.

        Returns:
            Shape ``[fan_out, fan_in]``, float64.
        """
        return self.weight_deviation(fan_in, fan_out) * rng.standard_normal((fan_out, fan_in))

    def biases(self, weights: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Biases of a layer with these weights: zero, where a class does not say otherwise.

        Args:
            weights: Shape ``[fan_out, fan_in]``.
            rng: Random generator; its state may move on.

        Returns:
            Shape ``[fan_out]``, float64.
        """
        return np.zeros(len(weights))


@final
@dataclass(frozen=True)
class UniformFanIn(Initialisation):
    """Weights and biases uniform within 1/sqrt(inputs of the layer), as torch.nn.Linear starts.

    The random biases spread the kinks of a network of one input, which all lie at zero otherwise.
    """

    formula: ClassVar[str] = r"w, b \sim U\left(-\frac{1}{\sqrt{n_{in}}}, \frac{1}{\sqrt{n_{in}}}\right)"
    source: ClassVar[str] = "PyTorch documentation, torch.nn.Linear"

    def weight_deviation(self, fan_in: int, fan_out: int) -> float:
        return 1 / math.sqrt(3 * fan_in)

    def weights(self, fan_in: int, fan_out: int, rng: np.random.Generator) -> NDArray[np.float64]:
        return rng.uniform(-1, 1, (fan_out, fan_in)) / math.sqrt(fan_in)

    def biases(self, weights: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        fan_out, fan_in = weights.shape
        biases: NDArray[np.float64] = rng.uniform(-1, 1, (fan_out,)) / math.sqrt(fan_in)
        return biases


@final
@dataclass(frozen=True)
class He(Initialisation):
    """Normal weights of variance 2 over the inputs of the layer, zero biases; made for ReLU.

    ``N(0, 2 / fan_in)``: of a ReLU layer the mean square of the weighted sums is then that of the layer before.
    """

    formula: ClassVar[str] = r"w \sim N\left(0, \frac{2}{n_{in}}\right), \qquad b = 0"
    source: ClassVar[str] = "He et al., Delving deep into rectifiers (ICCV 2015), equation 10"

    def weight_deviation(self, fan_in: int, fan_out: int) -> float:
        return math.sqrt(2 / fan_in)


@final
@dataclass(frozen=True)
class KinksInside(Initialisation):
    """Weights as of he; biases that let each unit bend at a random point of the cube [-1, 1]^D.

    Of a network of one input no unit is linear on all of [-1, 1] then, as half of them are
    with ``uniform_fan_in``: solvers come closer to the best network from here.
    """

    formula: ClassVar[str] = (
        r"w \sim N\left(0, \frac{2}{n_{in}}\right), \qquad b = -w \cdot u, \qquad u \sim U([-1, 1]^D)"
    )
    source: ClassVar[str] = "the weights: He et al. (ICCV 2015); the biases: -w x at uniform points x"

    def weight_deviation(self, fan_in: int, fan_out: int) -> float:
        return He().weight_deviation(fan_in, fan_out)

    def biases(self, weights: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        biases: NDArray[np.float64] = -(weights * rng.uniform(-1, 1, weights.shape)).sum(axis=1)
        return biases


@final
@dataclass(frozen=True)
class Glorot(Initialisation):
    """Normal weights of variance 2 over inputs plus outputs of the layer, zero biases; made for tanh.

    ``N(0, 2 / (fan_in + fan_out))``, between what keeps the variance forwards and what keeps it backwards.
    """

    formula: ClassVar[str] = r"w \sim N\left(0, \frac{2}{n_{in} + n_{out}}\right), \qquad b = 0"
    source: ClassVar[str] = "Glorot, Bengio, Understanding the difficulty of training (AISTATS 2010), equation 12"

    def weight_deviation(self, fan_in: int, fan_out: int) -> float:
        return math.sqrt(2 / (fan_in + fan_out))


@final
@dataclass(frozen=True)
class Lecun(Initialisation):
    """Normal weights of variance 1 over the inputs of the layer, zero biases.

    ``N(0, 1 / fan_in)``: weighted sums of inputs of variance 1 have variance 1.
    """

    formula: ClassVar[str] = r"w \sim N\left(0, \frac{1}{n_{in}}\right), \qquad b = 0"
    source: ClassVar[str] = "LeCun et al., Efficient BackProp (1998), section 4.6"

    def weight_deviation(self, fan_in: int, fan_out: int) -> float:
        return math.sqrt(1 / fan_in)


INITIALISATIONS = table(Initialisation, sys.modules[__name__])
