"""The description that scripts read names the fields that Python writes."""

import dataclasses
import re
from pathlib import Path

import pytest

import pipeline
from pipeline.report.html import explorer_data
from pipeline.report.html.packed_arrays import LowRank, PackedArray

TYPEDEFS = Path(pipeline.__file__).parent / "report" / "scripts" / "explorer" / "run_data.js"
WRITTEN = [LowRank, PackedArray, *(kind for kind in vars(explorer_data).values() if dataclasses.is_dataclass(kind))]


def properties(name: str) -> dict[str, str]:
    """The properties of a type, with their types."""
    text = TYPEDEFS.read_text(encoding="utf-8")
    (comment,) = (
        part for part in re.findall(r"/\*\*(.*?)\*/", text, re.DOTALL) if f"@typedef {{object}} {name}\n" in part
    )
    return {match[2]: match[1] for match in re.finditer(r"@property \{(.*?)\} (\w+)", comment)}


@pytest.mark.parametrize("kind", dict.fromkeys(WRITTEN), ids=lambda kind: kind.__name__)
def test_scripts_know_every_field_by_its_name(kind):
    assert properties(kind.__name__).keys() == {field.name for field in dataclasses.fields(kind)}


@pytest.mark.parametrize("kind", dict.fromkeys(WRITTEN), ids=lambda kind: kind.__name__)
def test_scripts_know_what_may_be_missing(kind):
    missing = {field.name for field in dataclasses.fields(kind) if "None" in str(field.type)}
    assert missing == {name for name, type_ in properties(kind.__name__).items() if "null" in type_}
