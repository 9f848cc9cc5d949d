"""The page of the claims that verdicts rest on, from the modules that make them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType

from pipeline.report import theory
from pipeline.report.theory.stable_rates import GROUNDS
from reference_pages.docstrings import markdown

LEAD = """Each kind of claim has a module of its own in `pipeline/report/theory/`. These are what the modules say of
themselves: what is claimed, what that means for numbers recorded at finitely many steps, and where it is from. How one
verdict is made of them is in [Verdicts](../theory/verdicts.md)."""


def claim_modules() -> Iterator[ModuleType]:
    """The modules with a function that says something of each trial.

    Yields:
        Modules, by their names.
    """
    for found in sorted(pkgutil.iter_modules(theory.__path__), key=lambda one: one.name):
        module = importlib.import_module(f"{theory.__name__}.{found.name}")
        functions = inspect.getmembers(module, inspect.isfunction)
        own = [function for _, function in functions if function.__module__ == module.__name__]
        if any(inspect.get_annotations(function).get("return") == "Said" for function in own if _is_verdict(function)):
            yield module


def _is_verdict(function: object) -> bool:
    return str(getattr(function, "__name__", "")).endswith("_verdict")


def claims_page() -> str:
    """A section for each kind of claim, and the reasons for no verdict on a learning rate.

    Returns:
        Markdown.
    """
    parts = ["# Claims", LEAD]
    for module in claim_modules():
        title = module.__name__.rpartition(".")[2].replace("_", " ").capitalize()
        paragraphs = re.split(r"\n\s*\n", inspect.getdoc(module) or "")
        said = [paragraph for paragraph in paragraphs if not paragraph.startswith("Shape letters:")]
        parts += [f"## {title}", *(markdown(paragraph) for paragraph in said)]
    parts.append("## Reasons for no verdict on a learning rate")
    parts += [f"`{reason}`\n: {markdown(why[:1].upper() + why[1:])}." for reason, why in GROUNDS.items()]
    return "\n\n".join(parts) + "\n"
