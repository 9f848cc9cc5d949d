"""Drawing a custom chart as the pages of W&B do, as far as their published source tells, and what is in a picture.

They write the columns into the blanks of every text of a specification, turn null into an empty object on the way
(but for a scale), give it the rows of the table with the name and the id of the run in each, and fit a single plot to
its panel.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import vl_convert

OF_THE_RUN = {"id": "abc123", "name": "the run of a sweep"}


def filled(value: Any, fields: Mapping[str, str], key: str = "") -> Any:
    """A specification with columns in its blanks."""
    if value is None:
        return None if key == "scale" else {}
    if isinstance(value, dict):
        return {name: filled(inner, fields, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, fields) for inner in value]
    if isinstance(value, str):
        return re.sub(r"\$\{field:(.*?)\}", lambda blank: fields.get(blank[1], "").replace(".", "\\."), value)
    return value


def picture(
    spec: Mapping[str, Any], fields: Mapping[str, str], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> dict[str, Any]:
    """The specification that Vega-Lite gets."""
    assert spec["data"] == {"name": "wandb"}
    table = [dict(zip(columns, row, strict=True)) | OF_THE_RUN for row in rows]
    return filled(spec, fields) | {"datasets": {"wandb": table}}


def fitted(spec: Mapping[str, Any], width: int, height: int) -> dict[str, Any]:
    """The same in a panel of so many pixels."""
    return {**spec, "width": width, "height": height, "autosize": {"type": "fit", "contains": "padding"}}


def marks(spec: Mapping[str, Any], version: str = "6.1") -> list[tuple[str | None, ...]]:
    """All that a picture shows but the frames of its plots: every path and every word, with its colours."""
    shown = (element for element in _elements(spec, version) if element.get("class") != "background")
    return [
        (element.get("d"), _colour(element.get("fill")), _colour(element.get("stroke")), element.text)
        for element in shown
        if element.tag.endswith(("}path", "}text"))
    ]


def kinds(spec: Mapping[str, Any]) -> Counter[str]:
    """How many marks of each kind show data."""
    said = (element.get("aria-roledescription") for element in _elements(spec) if element.tag.endswith("}path"))
    return Counter(kind for kind in said if kind)


def _elements(spec: Mapping[str, Any], version: str = "6.1") -> Iterator[ElementTree.Element]:
    return ElementTree.fromstring(vl_convert.vegalite_to_svg(spec, vl_version=version)).iter()


def _colour(said: str | None) -> str | None:
    """A colour; gradients are numbered through all pictures."""
    return re.sub(r"gradient_\d+", "gradient", said) if said else said
