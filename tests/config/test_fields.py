"""The fields of a dataclass that can be written are those that its constructor takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from pipeline.config.fields import Field, fields_of, required_of


@dataclass
class Holder:
    needed: int
    usual: float = 0.5
    made: tuple[str, ...] = field(default_factory=tuple)
    computed: int = field(init=False, default=0)
    shared: ClassVar[int] = 3


def test_fields_come_in_their_order_with_their_types_although_annotations_are_texts():
    assert list(fields_of(Holder).items()) == [
        ("needed", Field(int, required=True)),
        ("usual", Field(float, required=False)),
        ("made", Field(tuple[str, ...], required=False)),
    ]


def test_a_field_without_a_default_is_required():
    assert required_of(Holder) == ["needed"]
