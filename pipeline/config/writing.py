"""Plain JSON types into the text of a YAML file."""

from __future__ import annotations

import yaml


def as_yaml(content: object) -> str:
    """The YAML text that is read as a JSON document, its innermost lists and mappings on one line each.

    Args:
        content: Dictionaries, lists, strings, numbers, truth values and ``None``.

    Returns:
        The text, at most 100 characters a line where it can be broken.
    """
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)
