"""Activations g and their derivatives, given their value, as SIMD arithmetic."""

from __future__ import annotations

from pipeline.engines.cpu.codegen.math import sigmoid, tanh
from pipeline.engines.cpu.codegen.simd import Program, Value
from pipeline.models.activations import Activation, Identity, LeakyRelu, Relu, Sigmoid, Tanh

COVERED = (Relu, LeakyRelu, Sigmoid, Tanh, Identity)


def activate(p: Program, activation: Activation, z: Value) -> Value:
    """The activation ``g(z)``."""
    match activation:
        case Relu():
            return p.select(z < 0.0, 0.0, z)
        case LeakyRelu(slope):
            return p.select(z < 0.0, z * slope, z)
        case Sigmoid():
            return sigmoid(p, z)
        case Tanh():
            return tanh(p, z)
    return z


def times_derivative(p: Program, activation: Activation, slope: Value, value: Value) -> Value:
    """The product ``s g'(z)`` of a slope with the derivative of an activation; at a kink with the left derivative.

    Args:
        p: The program.
        activation: g.
        slope: s.
        value: ``h = g(z)``, from which the derivative follows.

    Returns:
        ``s g'(z)`` in each lane.
    """
    match activation:
        case Relu():
            return p.select(value > 0.0, slope, 0.0)
        case LeakyRelu(below):
            return p.select(value > 0.0, slope, slope * below)
        case Sigmoid():
            return p.fma(-(slope * value), value, slope * value)
        case Tanh():
            return p.fma(-(slope * value), value, slope)
    return slope


def times_second_derivative(p: Program, activation: Activation, factor: Value, value: Value) -> Value:
    """The product ``a g''(z)`` of a factor with the second derivative of an activation; 0 at a kink.

    Args:
        p: The program.
        activation: g.
        factor: a.
        value: ``h = g(z)``, from which the derivative follows.

    Returns:
        ``a g''(z)`` in each lane.
    """
    match activation:
        case Sigmoid():
            return factor * (value * (1.0 - value) * p.fma(value, -2.0, 1.0))
        case Tanh():
            return factor * (value * -2.0 * p.fma(-value, value, 1.0))
    return p.as_value(0.0, factor)
