"""Plain JSON types into the text of a YAML file."""

from __future__ import annotations

import yaml


def as_yaml(content: object) -> str:
    """The text that is read as this content, small things on one line."""
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)
