"""Train thousands of tiny models in stacks, and hold every curve against its theory.

What this package offers to Python is loaded when it is first asked for, so that importing it takes no time:

``run``      train an experiment here; returns a ``Run``
``open``     open the folder of a run
``plan``     lay out the trials of an experiment
``estimate`` what time and memory training them takes here
``submit``   send an experiment to a cluster; returns a ``Run``

``__init__.pyi`` says the same to type checkers.
"""

__version__ = "0.6.0"
__all__ = ["Experiment", "PipelineError", "Run", "estimate", "open", "plan", "run", "submit"]  # noqa: F822, by __getattr__

HOMES = {
    "Experiment": "pipeline.experiment.experiment",
    "PipelineError": "pipeline.errors",
    "Run": "pipeline.api.opened_run",
    "estimate": "pipeline.api.run_estimates",
    "open": "pipeline.api.opened_run",
    "plan": "pipeline.api.given_experiments",
    "run": "pipeline.api.local_runs",
    "submit": "pipeline.api.sent_runs",
}
"""The module of each name."""
NAMES_THERE = {"open": "open_run"}
"""Names that differ in their module, where they would hide one of Python's own."""


def __getattr__(name: str) -> object:
    if name not in HOMES:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(HOMES[name]), NAMES_THERE.get(name, name))
    globals()[name] = value  # found at once from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *HOMES})
