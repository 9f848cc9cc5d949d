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
    """

    name: str
    title: str
    configs: tuple[str, ...]

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


STATIONS = (
    Station("number_game", "The number game", ("lecture/number_game",)),
    Station("fixed_bases", "Fixed bases", ("lecture/approximation_efficiency",)),
    Station("more_functions", "Why not more of them?", ("lecture/more_functions",)),
    Station("adapting", "Adapting to the target", ("lecture/nonlinear_approximation",)),
    Station("xor", "XOR", ("xor",)),
    Station("hidden_units", "Hidden units", ("lecture/feature_space",)),
    Station("activations", "Activations", ("lecture/activations",)),
    Station("universality", "Universal approximation", ("lecture/universal_approximation",)),
    Station("dimension", "Many dimensions", ("lecture/curse_of_dimension",)),
    Station("classification", "Classification", ("lecture/classification", "lecture/multilabel")),
    Station("losses", "Losses", ("lecture/surrogate_losses", "lecture/general_losses")),
    Station("descent", "Descent", ("lecture/gradient_descent",)),
    Station("condition_number", "Condition number", ("lecture/condition_number",)),
    Station("large_rates", "Large learning rates", ("lecture/learning_rate_limit",)),
    Station("networks", "Networks", ("lecture/phase_diagram", "lecture/edge_of_stability", "lecture/feature_learning")),
)
"""In the order of the lecture."""
CONFIGS = tuple(config for station in STATIONS for config in station.configs)
"""All files that stations rest on, in that order."""
