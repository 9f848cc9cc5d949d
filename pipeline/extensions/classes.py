"""Classes of an extension: which of them are definitions, and what keeps a class from being one."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import ModuleType

from pipeline.definitions import Definition, is_definition
from pipeline.errors import PipelineError
from pipeline.extensions.places import place_of, shown

NAME = re.compile(r"(?!.*(^|_)[a-z]_[a-z](_|$))[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""Names that can be written in YAML: a class ``ReLU`` would be ``re_l_u``, which nobody would guess."""


def kind_of(definition: type[Definition]) -> type[Definition]:
    """The kind of a definition, like ``Basis``: the class directly below ``Definition``."""
    kinds = [base for base in definition.__mro__ if issubclass(base, Definition) and base is not Definition]
    return kinds[-1]


def definitions_in(module: ModuleType) -> tuple[type[Definition], ...]:
    """The definitions of a module that was run.

    Args:
        module: Of an extension.

    Returns:
        The classes, in the order of the text.

    Raises:
        PipelineError: If one of its classes is no definition although it is meant to be, or there is none.
    """
    package = module.__name__.partition(".")[0]
    classes = dict.fromkeys(
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Definition) and value.__module__.partition(".")[0] == package
    )
    found = [_checked(value) for value in classes if not _is_abstract(value)]
    if not found:
        where = shown(Path(module.__file__)) if module.__file__ else module.__name__
        hint = "a definition is a frozen dataclass below Basis, Target, Activation, Loss, UpdateRule, Diagnostic, ..."
        raise PipelineError("defines nothing that an experiment could use", where=where, hint=hint)
    return tuple(found)


def _is_abstract(value: type[Definition]) -> bool:
    """Whether a class is only there for others to stand on: no dataclass, and something of it is not written."""
    return not is_definition(value) and inspect.isabstract(value)


def _checked(value: type[Definition]) -> type[Definition]:
    """The class, if it can be used.

    Returns:
        The same class.

    Raises:
        PipelineError: With the line of the class, and what it lacks.
    """
    kind, name, place = kind_of(value).name(), value.__name__, place_of(value)
    if not is_definition(value) or not value.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        what = f"class {name} is meant as a definition of kind {kind}, but is no frozen dataclass"
        raise PipelineError(what, where=place, hint="write @dataclass(frozen=True) above it")
    lacking = sorted(getattr(value, "__abstractmethods__", ())) + claims_not_made(value)
    if lacking:
        what = f"class {name} lacks {', '.join(lacking)}"
        raise PipelineError(what, where=place, hint=f"each {kind} has that: see the class it stands on")
    if not NAME.fullmatch(value.name()):
        what = f"class {name} would be called {value.name()!r} in YAML"
        raise PipelineError(what, where=place, hint="write its name in words, as in LeakyRelu")
    return value


def claims_not_made(value: type[Definition]) -> list[str]:
    """Class attributes that every definition of a kind says, and this class does not."""
    declared = [
        name
        for base in value.__mro__
        for name, annotation in inspect.get_annotations(base).items()
        if "ClassVar" in str(annotation)
    ]
    return sorted({name for name in declared if not hasattr(value, name)})
