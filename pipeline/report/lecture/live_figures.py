"""Figures of the lecture that train in the page: a setting to begin with, and what a reader may change of it.

A setting has the words of an experiment's YAML, with one value in place of each axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Knob:
    """One thing that a reader may change of a setting.

    Args:
        label: What it is called.
        path: Where it stands in the setting, with dots between the keys.
        choices: What each choice is called, and its value, in order.
    """

    label: str
    path: str
    choices: tuple[tuple[str, Any], ...]

    @property
    def is_ordered(self) -> bool:
        """Whether the choices are numbers, which a slider goes through."""
        return all(isinstance(value, int | float) for _, value in self.choices)


@dataclass(frozen=True)
class LiveFigure:
    """A figure that trains in the page.

    Args:
        task: What to try, in a sentence.
        setting: What it begins with.
        knobs: What may be changed.
        steps_per_frame: Steps of descent for each picture; below 1, not in every one.
        shows_sharpness: Whether the sharpness is shown on the way.
    """

    task: str
    setting: Mapping[str, Any]
    knobs: tuple[Knob, ...] = ()
    steps_per_frame: float = 1
    shows_sharpness: bool = False

    def as_json(self) -> dict[str, Any]:
        """What the script of the figure reads."""
        knobs = [
            {"label": knob.label, "path": knob.path, "isOrdered": knob.is_ordered, "choices": knob.choices}
            for knob in self.knobs
        ]
        return {
            "setting": self.setting,
            "knobs": knobs,
            "stepsPerFrame": self.steps_per_frame,
            "showsSharpness": self.shows_sharpness,
        }


def setting(target: str, model: Mapping[str, Any], width: int, **others: Any) -> dict[str, Any]:
    """Gradient descent at half the limit, with 64 evenly spaced points and no noise, unless it is said otherwise.

    Args:
        target: Name of the target.
        model: As a YAML file has it.
        width: Of the model.
        others: Other fields of the setting.

    Returns:
        The whole setting.
    """
    usual = {
        "target": target,
        "inputs": {"measure": "grid"},
        "num_points": 64,
        "noise": 0,
        "model": dict(model),
        "width": width,
        "loss": "half_mean_square",
        "optimizer": "gradient_descent",
        "learning_rate": {"of_limit": 0.5},
        "steps": 100_000,
        "seed": 0,
    }
    return usual | others


def numbers(label: str, path: str, *values: float) -> Knob:
    """A knob over numbers, each called by itself.

    Args:
        label: What it is called.
        path: Where it stands in the setting.
        values: In increasing order.

    Returns:
        The knob.
    """
    return Knob(label, path, tuple((f"{value:g}", value) for value in values))


def words(label: str, path: str, *values: str) -> Knob:
    """A knob over names of definitions, each called by its name, with spaces in place of underscores.

    Args:
        label: What it is called.
        path: Where it stands in the setting.
        values: Names.

    Returns:
        The knob.
    """
    return Knob(label, path, tuple((value.replace("_", " "), value) for value in values))


def labelled(label: str, path: str, **choices: str) -> Knob:
    """A knob over names of definitions, each called by other words.

    Args:
        label: What it is called.
        path: Where it stands in the setting.
        choices: Words by name.

    Returns:
        The knob.
    """
    return Knob(label, path, tuple((text, name) for name, text in choices.items()))


def _linear(basis: str, **others: str) -> dict[str, Any]:
    return {"linear": {"basis": basis, **others}}


def _shallow(activation: str, **others: str) -> dict[str, Any]:
    return {"shallow": {"activation": activation, **others}}


BASIS, ACTIVATION, RATE = "model.linear.basis", "model.shallow.activation", "learning_rate.of_limit"
TIMES_THE_LIMIT = "Learning rate, times the limit"
WIDTHS = (2, 4, 8, 16, 32)
SEEDS = numbers("Seed", "seed", *range(10))

LIVE = {
    "fixed_bases": LiveFigure(
        "Choose a target, and look for the basis that suits it.",
        setting("one_plus_power", _linear("legendre"), 16),
        (
            Knob(
                "Target",
                "target",
                (
                    ("1 + x¹⁰", "one_plus_power"),
                    ("wave", {"sine": {"frequency": 4.0}}),
                    ("jump", "step"),
                    ("|x|", "absolute_value"),
                    ("1 / (1 + 25 x²)", "runge"),
                ),
            ),
            words("Basis", BASIS, "legendre", "cosine", "fourier", "haar", "monomial"),
            numbers("Functions", "width", *WIDTHS),
        ),
    ),
    "more_functions": LiveFigure(
        "Let many cosines learn from few noisy points, and wait: the fit begins to swing. Then give them more points.",
        setting("sine", _linear("cosine"), 24, inputs={}, num_points=32, noise=0.3, learning_rate={"of_limit": 0.9}),
        (
            numbers("Functions", "width", 4, 8, 12, 16, 20, 24, 28, 32),
            numbers("Points", "num_points", 32, 64, 128, 256),
            numbers("Noise", "noise", 0, 0.1, 0.3, 0.5),
        ),
        steps_per_frame=20,
    ),
    "xor": LiveFigure(
        "Train a network from several seeds. Do all of them get there?",
        setting("xor", _shallow("tanh"), 2, inputs={}, num_points=4, learning_rate=0.3),
        (
            Knob(
                "Model",
                "model",
                (
                    ("tanh network", _shallow("tanh")),
                    ("ReLU network", _shallow("relu")),
                    ("network without activation", _shallow("identity")),
                    ("linear", _linear("monomial")),
                ),
            ),
            numbers("Width", "width", 2, 3, 4, 8),
            SEEDS,
        ),
        steps_per_frame=10,
    ),
    "hidden_units": LiveFigure(
        "The ticks below are the kinks of the hidden units. Watch where they go.",
        setting("sine", _shallow("relu", initialisation="kinks_inside"), 16),
        (
            labelled("Target", "target", sine="wave", absolute_value="|x|", x_squared="x²", step="jump"),
            numbers("Hidden units", "width", 1, 2, 4, 8, 16, 32, 64),
            SEEDS,
        ),
        steps_per_frame=20,
    ),
    "activations": LiveFigure(
        "Change the activation, and compare what the network draws.",
        setting("sine", _shallow("tanh"), 32, optimizer="adam", learning_rate=0.01),
        (
            words("Activation", ACTIVATION, "identity", "relu", "leaky_relu", "sigmoid", "tanh"),
            numbers("Hidden units", "width", *WIDTHS),
            SEEDS,
        ),
        steps_per_frame=5,
    ),
    "universality": LiveFigure(
        "Double the number of hidden units, and see how much closer the network comes.",
        setting("x_squared", _shallow("relu", initialisation="kinks_inside"), 4, optimizer="adam", learning_rate=0.003),
        (
            labelled("Target", "target", x_squared="x²", sine="wave"),
            numbers("Hidden units", "width", 1, 2, 4, 8, 16, 32),
            words("Activation", ACTIVATION, "relu", "sigmoid", "tanh"),
            SEEDS,
        ),
        steps_per_frame=20,
    ),
    "dimension": LiveFigure(
        "Two inputs, and as many products of cosines as hidden units. Which come closer?",
        setting("gaussian", _shallow("tanh"), 16, inputs={"dimension": 2}, optimizer="adam", learning_rate=0.01),
        (
            Knob(
                "Model",
                "model",
                (("tanh network", _shallow("tanh")), ("products of cosines", _linear("cosine", product="full"))),
            ),
            numbers("Terms", "width", 4, 9, 16, 25, 36),
            SEEDS,
        ),
        steps_per_frame=5,
    ),
    "classification": LiveFigure(
        "Tell the outer ring from the inner one. Which models can, and where is the border that they draw?",
        setting(
            "outer_ring", _shallow("tanh"), 6, inputs={}, num_points=256, loss="binary_cross_entropy", learning_rate=1.0
        ),
        (
            Knob(
                "Model",
                "model",
                (
                    ("tanh network", _shallow("tanh")),
                    ("ReLU network", _shallow("relu")),
                    ("linear", _linear("monomial")),
                    ("linear in polar coordinates", _linear("monomial", coordinates="polar")),
                ),
            ),
            numbers("Width", "width", 2, 3, 4, 6, 8, 16),
            SEEDS,
        ),
        steps_per_frame=5,
    ),
    "losses": LiveFigure(
        "The rings can be separated. Under which loss does descent come to rest above 0?",
        setting(
            "outer_ring",
            _linear("monomial", coordinates="polar"),
            3,
            inputs={},
            num_points=256,
            loss="binary_cross_entropy",
            learning_rate=1.0,
        ),
        (
            labelled(
                "Loss",
                "loss",
                binary_cross_entropy="cross-entropy",
                brier_score="squared error of the probability",
                half_mean_square="half the mean square of the output",
            ),
            numbers("Learning rate", "learning_rate", 0.1, 0.3, 1.0),
        ),
        steps_per_frame=20,
    ),
    "descent": LiveFigure(
        "Compare the loss with its predicted curve, step by step, at small and at large learning rates.",
        setting("sine", _linear("chebyshev"), 8, num_points=128, learning_rate={"of_limit": 0.25}),
        (
            numbers(TIMES_THE_LIMIT, RATE, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1.05, 1.1),
            words("Basis", BASIS, "chebyshev", "legendre", "monomial"),
            numbers("Functions", "width", 2, 4, 8),
        ),
        steps_per_frame=0.25,  # fifteen a second: slow enough to see each
    ),
    "condition_number": LiveFigure(
        "The best fit is the same in all three bases of polynomials. How long does descent take to get there in each?",
        setting("absolute_value", _linear("monomial"), 8, num_points=256),
        (
            words("Basis", BASIS, "monomial", "chebyshev", "legendre", "cosine", "fourier", "haar"),
            numbers("Functions", "width", *WIDTHS),
        ),
        steps_per_frame=5,
    ),
    "large_rates": LiveFigure(
        "Drag the learning rate past the limit. How far past it does the loss begin to grow?",
        setting("sine", _linear("legendre"), 4, num_points=128, learning_rate={"of_limit": 0.9}),
        (
            numbers(TIMES_THE_LIMIT, RATE, 0.1, 0.5, 0.9, 0.99, 0.999, 1.001, 1.01, 1.1, 1.5),
            words("Basis", BASIS, "legendre", "monomial", "cosine"),
        ),
        steps_per_frame=10,  # a thousandth above the limit a mode that is at rest takes 18,000 steps to be seen
    ),
    "networks": LiveFigure(
        r"The rate is 1.5 times the limit. The loss rises, and then the sharpness falls: to where, beside $2 / \eta$?",
        setting("sine", _shallow("identity"), 64, num_points=32, learning_rate={"of_limit": 1.5}),
        (
            numbers(
                "Learning rate, times the first limit",
                RATE,
                *(0.5, 0.8, 0.95, 1.05, 1.15, 1.3, 1.5, 1.75, 1.9, 2.05, 2.5),
            ),
            words("Activation", ACTIVATION, "identity", "tanh", "relu"),
            numbers("Hidden units", "width", 8, 16, 32, 64),
            SEEDS,
        ),
        steps_per_frame=0.25,  # the sharpness is measured eight times a second, and is to be seen on its way down
        shows_sharpness=True,
    ),
}
"""By the name of the station."""
