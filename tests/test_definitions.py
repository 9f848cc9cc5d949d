"""A definition is a final frozen dataclass whose name, sentence and content speak for it; tables hold them all."""

import dataclasses
import enum
import importlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, final

import pytest

import pipeline
from pipeline.definitions import CODE, Definition, canonical, is_definition, table

ROOT = Path(pipeline.__file__).parent


def all_tables() -> dict[str, Mapping[str, type[Definition]]]:
    """Every table that the source makes, found by how it is written."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        names = re.findall(r"^([A-Z_]+)(?:: .*)? = table\(", path.read_text(), flags=re.MULTILINE)
        if names:
            parts = path.relative_to(ROOT.parent).with_suffix("").parts
            module = importlib.import_module(".".join(part for part in parts if part != "__init__"))
            found |= {name: getattr(module, name) for name in names}
    return found


TABLES = all_tables()
DEFINITIONS = [(name, kind) for members in TABLES.values() for name, kind in members.items()]
each_table = pytest.mark.parametrize("members", TABLES.values(), ids=TABLES.keys())
each = pytest.mark.parametrize(("name", "kind"), DEFINITIONS, ids=[name for name, _ in DEFINITIONS])


def instance(kind: type[Definition]) -> Definition | None:
    """The default one, where every field has a default."""
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    needed = (field.default is field.default_factory is dataclasses.MISSING for field in fields)
    return None if any(needed) else kind()


class Colour(Definition):
    """What the examples below are."""


class Shade(enum.Enum):
    """An enumeration to be written."""

    DARK = "dark"


@final
@dataclass(frozen=True)
class LeakyGreen2(Colour):
    """A colour with fields."""

    depth: float = 0.5
    shade: Shade = Shade.DARK
    place: str = "here"
    not_identity: ClassVar[tuple[str, ...]] = ("place",)


@final
@dataclass(frozen=True)
class Mixture(Colour):
    """Two colours
    on two lines.

    And a second paragraph.
    """

    one: Colour
    parts: tuple[int, ...] = (1, 2)
    other: Colour | None = None


@dataclass(frozen=True)
class Plain:
    """A dataclass that is no definition."""

    colour: Colour
    weight: float = 1.0


# --- what holds of every definition there is ---


def test_tables_are_found_and_not_empty() -> None:
    assert {"BASES", "MODELS", "ACTIVATIONS", "INITIALISATIONS", "OPTIMIZERS", "DIAGNOSTICS"} <= TABLES.keys()
    assert all(TABLES.values())


@each_table
def test_table_is_read_only(members: Mapping[str, type[Definition]]) -> None:
    expected = "^" + re.escape("'DefinitionTable' object does not support item assignment") + "$"
    with pytest.raises(TypeError, match=expected):
        members["new"] = Colour  # type: ignore[index]


@each
def test_definition_is_frozen_final_and_listed_under_its_own_name(name: str, kind: type[Definition]) -> None:
    assert kind.name() == name
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert getattr(kind, "__final__", False), "mark it @final"


@each
def test_definition_is_documented_by_one_sentence_with_a_full_stop(name: str, kind: type[Definition]) -> None:
    assert kind.__doc__ != dataclasses.make_dataclass(kind.__name__, []).__doc__, "a dataclass documents itself badly"
    summary = kind.summary()
    assert "\n" not in summary
    assert summary.endswith(".")
    assert not re.search(r"[a-z\])]\. [A-Z]", summary), "one sentence, then an empty line"
    assert summary[0].isupper()


@each
def test_definition_is_hashable_and_equal_to_its_equal(name: str, kind: type[Definition]) -> None:
    assert kind.__hash__ is not None
    one, other = instance(kind), instance(kind)
    if one is not None:
        assert one == other
        assert hash(one) == hash(other)


@each
def test_default_is_labelled_by_its_name_and_at_most_a_definition_that_comes_first(
    name: str, kind: type[Definition]
) -> None:
    value = instance(kind)
    if value is not None:
        values = [getattr(value, field.name) for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
        first = values[0] if values and isinstance(values[0], Definition) else None
        assert value.label() == (f"{name}({first.label()})" if first else name)


@each
def test_definition_is_written_as_its_name_and_all_its_fields(name: str, kind: type[Definition]) -> None:
    value = instance(kind)
    if value is not None:
        written = canonical(value)
        fields = [field.name for field in dataclasses.fields(kind) if field.init]  # type: ignore[arg-type]
        assert list(written) == [name]
        assert list(written[name]) == fields
        assert json.loads(json.dumps(written)) == written


@each
def test_fields_left_out_of_the_identity_exist(name: str, kind: type[Definition]) -> None:
    fields = {field.name: field.default for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    assert set(kind.not_identity) <= fields.keys()
    assert all(fields[name] in values for name, values in kind.unsaid.items())


# --- the pattern itself ---


def test_name_is_the_class_name_in_snake_case() -> None:
    assert LeakyGreen2.name() == "leaky_green2"
    assert Mixture.name() == "mixture"


def test_summary_is_the_first_paragraph_on_one_line() -> None:
    assert Mixture.summary() == "Two colours on two lines."


def test_label_shows_what_is_not_at_its_default_and_a_definition_that_comes_first() -> None:
    assert LeakyGreen2().label() == "leaky_green2"
    assert LeakyGreen2(depth=0.2).label() == "leaky_green2(depth=0.2)"
    assert Mixture(LeakyGreen2()).label() == "mixture(leaky_green2)"
    assert Mixture(LeakyGreen2(depth=0.2), parts=(3,)).label() == "mixture(leaky_green2(depth=0.2), parts=(3,))"
    assert Mixture(LeakyGreen2(), other=LeakyGreen2(depth=1)).label() == "mixture(leaky_green2, leaky_green2(depth=1))"


def test_canonical_includes_defaults_so_that_writing_one_out_changes_nothing() -> None:
    written = {"leaky_green2": {"depth": 0.5, "shade": "dark", "place": "here"}}
    assert canonical(LeakyGreen2()) == canonical(LeakyGreen2(depth=0.5)) == written


def test_canonical_goes_into_definitions_dataclasses_and_tuples() -> None:
    green = {"leaky_green2": {"depth": 0.5, "shade": "dark", "place": "here"}}
    mixture = {"mixture": {"one": green, "parts": [1, 2], "other": None}}
    assert canonical(Mixture(LeakyGreen2())) == mixture
    assert canonical(Plain(LeakyGreen2())) == {"colour": green, "weight": 1.0}
    assert canonical((True, None, "text", 3)) == [True, None, "text", 3]


def test_identity_leaves_out_where_a_thing_is() -> None:
    here, there = Mixture(LeakyGreen2(place="here")), Mixture(LeakyGreen2(place="there"))
    assert canonical(here) != canonical(there)
    assert canonical(here, identity=True) == canonical(there, identity=True)
    assert canonical(here, identity=True)["mixture"]["one"] == {"leaky_green2": {"depth": 0.5, "shade": "dark"}}


def test_identity_leaves_out_a_later_field_at_what_had_always_been() -> None:
    @dataclasses.dataclass(frozen=True)
    class Old:
        size: int = 1

    @dataclasses.dataclass(frozen=True)
    class New:
        size: int = 1
        colour: str = ""
        unsaid: ClassVar[Mapping[str, tuple[Any, ...]]] = {"colour": ("", "white")}

    for same in (New(), New(colour="white")):
        assert canonical(same, identity=True) == canonical(Old(), identity=True)
        assert canonical(same)["colour"] == same.colour
    assert canonical(New(colour="red"), identity=True) == {"size": 1, "colour": "red"}


def test_identity_holds_the_digest_of_the_source_of_a_users_own_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    before = canonical(Mixture(LeakyGreen2()), identity=True)
    monkeypatch.setattr(LeakyGreen2, "code_sha256", "0a")
    after = canonical(Mixture(LeakyGreen2()), identity=True)
    assert CODE not in before["mixture"]["one"]["leaky_green2"]
    assert after["mixture"]["one"]["leaky_green2"].pop(CODE) == "0a"
    assert after == before
    assert CODE not in str(canonical(Mixture(LeakyGreen2())))


def test_a_field_that_says_nothing_is_written_only_where_it_says_something() -> None:
    @dataclasses.dataclass(frozen=True)
    class Asked:
        size: int = 1
        use: tuple[str, ...] = ()
        unwritten: ClassVar[Mapping[str, tuple[Any, ...]]] = {"use": ()}

    assert canonical(Asked()) == {"size": 1}
    assert canonical(Asked(use=("a",))) == {"size": 1, "use": ["a"]}


@pytest.mark.parametrize("value", [{1}, Colour, object, 1j, b"bytes"], ids=repr)
def test_what_cannot_be_written_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(f'cannot write {value!r} canonically')}$"):
        canonical(value)


def module_of(name: str, *class_names: str) -> ModuleType:
    """A module that defines colours of these names."""
    module = ModuleType(name)
    for class_name in class_names:
        made = dataclasses.make_dataclass(class_name, [], bases=(Colour,), frozen=True)
        made.__module__ = name
        setattr(module, class_name, made)
    return module


def test_table_holds_definitions_in_reading_order() -> None:
    assert list(table(Colour, module_of("first", "Red", "LightBlue"), module_of("second", "Amber"))) == [
        "red",
        "light_blue",
        "amber",
    ]


def test_table_finds_what_its_module_defines_below_it() -> None:
    module = module_of("growing", "Red")
    known = table(Colour, module)
    module.Late = module_of("growing", "Late").Late
    assert list(known) == ["red", "late"]


def test_every_definition_of_the_package_is_in_a_table() -> None:
    """None is overlooked because its module is not named where its table is made."""
    below, found = [Definition], set()
    while below:
        kind = below.pop()
        below += kind.__subclasses__()
        if is_definition(kind) and kind.__module__.startswith("pipeline."):
            found.add(kind)
    assert found - {kind for members in TABLES.values() for kind in members.values()} == set()


def test_table_holds_only_dataclasses_of_its_kind_that_the_module_defines() -> None:
    module = module_of("painted", "Red")
    module.Imported, module.Abstract, module.Other, module.number = LeakyGreen2, Colour, Plain, 3
    module.Abstract.__module__, before = "painted", Colour.__module__
    try:
        assert list(table(Colour, module)) == ["red"]
    finally:
        Colour.__module__ = before


def test_table_refuses_two_of_one_name() -> None:
    expected = "^" + re.escape("two definitions are called 'light_blue'") + "$"
    with pytest.raises(TypeError, match=expected):
        len(table(Colour, module_of("one", "LightBlue"), module_of("two", "LightBlue")))
