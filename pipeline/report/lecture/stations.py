"""The stations of the lecture in its order: a text, a question, a figure to play with, and what sweeps measured."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report.lecture.live_figures import LIVE, LiveFigure
from pipeline.report.lecture.quizzes import QUIZZES, Quiz


@dataclass(frozen=True)
class Station:
    """One station of the lecture.

    Args:
        name: Of its text, a template, and of its address in the page.
        title: What it is about.
        configs: Files in ``configs/`` without their ending, whose runs have measured it.
        derived: Where its theory is derived: pages of the documentation with their headings.
    """

    name: str
    title: str
    configs: tuple[str, ...]
    derived: tuple[tuple[str, str], ...] = ()

    @property
    def template(self) -> str:
        """File name of its text."""
        return f"lecture/{self.name}.html"

    @property
    def quiz(self) -> Quiz:
        """What is asked before the figure shows it."""
        return QUIZZES[self.name]

    @property
    def live(self) -> LiveFigure | None:
        """The figure that trains; ``None`` where the number game is played, and where terms are chosen by hand."""
        return LIVE.get(self.name)


APPROXIMATION, LEARNING_RATES, NETWORKS = (
    f"docs/theory/{name}.md" for name in ("approximation", "learning_rates", "networks")
)

STATIONS = (
    Station("number_game", "The number game", ("lecture/number_game",)),
    Station("fixed_bases", "Fixed bases", ("lecture/approximation_efficiency",), ((APPROXIMATION, "Rates"),)),
    Station(
        "more_functions",
        "Why not more of them?",
        ("lecture/more_functions",),
        ((APPROXIMATION, "What an error is made of"),),
    ),
    Station("adapting", "Adapting to the target", ("lecture/nonlinear_approximation",)),
    Station("xor", "XOR", ("xor",), ((NETWORKS, "Where descent comes to rest"),)),
    Station("hidden_units", "Hidden units", ("lecture/feature_space",), ((NETWORKS, "Where descent comes to rest"),)),
    Station("activations", "Activations", ("lecture/activations",), ((NETWORKS, "The best network of a width"),)),
    Station(
        "universality",
        "Universal approximation",
        ("lecture/universal_approximation",),
        ((NETWORKS, "The best network of a width"),),
    ),
    Station("dimension", "Many dimensions", ("lecture/curse_of_dimension",), ((APPROXIMATION, "Rates"),)),
    Station("classification", "Classification", ("lecture/classification", "lecture/multilabel")),
    Station(
        "losses", "Losses", ("lecture/surrogate_losses", "lecture/general_losses"), ((LEARNING_RATES, "Another loss"),)
    ),
    Station("descent", "Descent", ("lecture/gradient_descent",), ((LEARNING_RATES, "The whole curve"),)),
    Station(
        "condition_number", "Condition number", ("lecture/condition_number",), ((LEARNING_RATES, "The whole curve"),)
    ),
    Station(
        "large_rates", "Large learning rates", ("lecture/learning_rate_limit",), ((LEARNING_RATES, "A quadratic"),)
    ),
    Station(
        "networks",
        "Networks",
        ("lecture/phase_diagram", "lecture/edge_of_stability", "lecture/feature_learning"),
        ((NETWORKS, "Above the first limit"), (NETWORKS, "Where descent comes to rest")),
    ),
)
"""In the order of the lecture."""
CONFIGS = tuple(config for station in STATIONS for config in station.configs)
"""All files that stations rest on, in that order."""
