"""Placeholders: names in braces that stand for what differs from person to person, such as ``/scratch/{user}``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from pipeline.errors import FieldError

PLACEHOLDERS = ("user", "home", "project", "account", "checkout")
"""What can be filled in; ``checkout`` is where this project lies."""

OF_SYSTEM = {"user": "USER", "home": "HOME"}
"""What the system knows, and the variable that says it where it does not."""
IN_BRACES = re.compile(r"(?<!\$)\{([a-z_]*)\}")
"""A placeholder; ``${NAME}`` is the shell's."""


def check_placeholders(field: str, text: str | None) -> None:
    """Refuse a text with a name in braces that is none of the known ones.

    Args:
        field: Name of the field, for the message.
        text: Its value; none has no placeholders.

    Raises:
        FieldError: Of the field.
    """
    for name in IN_BRACES.findall(text or ""):
        if name not in PLACEHOLDERS:
            hint = f"known: {', '.join(PLACEHOLDERS)}; shell variables are written $NAME"
            raise FieldError((field,), f"unknown placeholder {{{name}}}", hint=hint)


def fill(text: str, field: str, values: Mapping[str, str | None], cluster: str) -> str:
    """Replace every placeholder of a text.

    Args:
        text: The text.
        field: Name of the field that it is of, for the message.
        values: The value of each placeholder, none where there is no such thing.
        cluster: Name of the cluster, for the message.

    Returns:
        The text with the values in it.

    Raises:
        FieldError: If there is no value for one.
    """

    def value_of(found: re.Match[str]) -> str:
        value = values.get(found[1])
        if value is None:
            what = f"{field} of {cluster} needs a {found[1]}: {text!r}"
            hint = f"--set cluster.{found[1]}=..."
            if found[1] in OF_SYSTEM:
                hint = f"user {os.getuid()} has none on this machine: export {OF_SYSTEM[found[1]]}=..."
            raise FieldError((field,), what, hint=hint)
        return value

    return IN_BRACES.sub(value_of, text)
