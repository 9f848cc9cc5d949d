"""The page of the Python interface, from the names that the package offers."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pipeline
from pipeline.experiment.experiment import Experiment
from reference_pages.docstrings import markdown, parsed

LEAD = """`import pipeline` takes no time: each name is loaded when it is first asked for. An experiment is the path of
a YAML file, a dictionary of the same keys, or an `Experiment`."""


def python_page() -> str:
    """A section for each name, those of a class with its methods.

    Returns:
        Markdown.
    """
    parts = ["# Python", LEAD]
    for name in pipeline.__all__:
        thing = getattr(pipeline, name)
        parts += [f"## `pipeline.{name}`", *_of(name, thing)]
        if thing is Experiment:
            parts.append("Its fields are the keys of [the YAML file](yaml.md).")
        elif inspect.isclass(thing) and not issubclass(thing, Exception):
            for member, value in vars(thing).items():
                if not member.startswith("_"):
                    parts += [f"### `{name}.{member}`", *_of(f"run.{member}", value)]
    return "\n\n".join(parts) + "\n"


def _of(name: str, thing: Any) -> Iterator[str]:
    """A function, a property or a class: how it is called, and what its docstring says."""
    said = parsed(thing)
    if inspect.isfunction(thing):
        yield f"```python\n{name}({', '.join(_parameters(thing))})\n```"
    yield markdown(said.summary)
    yield from (markdown(part) for part in said.body)
    if thing is not Experiment:
        yield from (f"`{argument}`\n: {markdown(text)}" for argument, text in said.arguments.items())
    if said.returns:
        yield f"**Returns.** {markdown(said.returns)}"
    yield from (f"**Raises** `{error}`: {markdown(text)}" for error, text in said.raises.items())
    if said.example:
        yield f"```python\n{said.example}\n```"


def _parameters(function: Any) -> Iterator[str]:
    """What a function takes, with its defaults; types are in words below."""
    bare = False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not bare:
            yield "*"
        bare = bare or parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        if parameter.name != "self":
            yield str(parameter.replace(annotation=parameter.empty))
