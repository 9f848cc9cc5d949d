"""Three-way merge of a page on W&B, as raw JSON: what people have changed stays, what is ours is brought up to date.

The base is the page as it was last made, ours is the page as it is made now, theirs is the page as it is there. What
is theirs as in the base becomes ours; what people have changed, added or put in another order stays. Panels of ours
that are gone come back. Nothing is read into classes: what the pages of W&B write is more than any client knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Item = dict[str, Any]


def merged(before: Any, ours: Any, theirs: Any) -> Any:
    """The merge of a value.

    Args:
        before: The base, as it was last made; ``None`` if that is not known, and then a value that is there stays.
        ours: As it is made now.
        theirs: As it is there.

    Returns:
        ``ours`` where ``theirs`` equals ``before``, else ``theirs``; objects and lists of panels item by item.
    """
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return _objects(before if isinstance(before, dict) else {}, ours, theirs)
    if _have_ids(ours) and _have_ids(theirs):
        return _placed(_updated(before if _have_ids(before) else [], ours, theirs), ours, theirs)
    if isinstance(ours, dict) and theirs is None:
        return ours
    return ours if theirs == before else theirs


def _objects(before: Item, ours: Item, theirs: Item) -> Item:
    whole: Item = {}
    for key, value in theirs.items():
        if key == "runSets" and value and ours.get(key):  # the first is ours, whatever the pages of W&B call it
            first = (before.get(key) or [None])[0]
            whole[key] = [merged(first, ours[key][0], value[0]), *value[1:]]
        elif key in ours:
            whole[key] = merged(before.get(key), ours[key], value)
        elif key not in before or not untouched(before[key], value):
            whole[key] = value
    taken_away = {key for key, value in before.items() if not isinstance(value, dict | list)}
    return whole | {key: ours[key] for key in ours if key not in theirs and key not in taken_away}


def untouched(before: Any, theirs: Any) -> bool:
    """Whether a value is there as it was made; the pages of W&B may have added defaults.

    Args:
        before: As it was made.
        theirs: As it is there.

    Returns:
        Whether ``theirs`` has all of ``before``.
    """
    if isinstance(before, dict) and isinstance(theirs, dict):
        return all(key in theirs and untouched(value, theirs[key]) for key, value in before.items())
    if isinstance(before, list) and isinstance(theirs, list):
        return len(before) == len(theirs) and all(map(untouched, before, theirs))
    return bool(before == theirs)


# Panels, which keep their ids wherever people move them.


def id_of(item: Item) -> str:
    """The id of a panel."""
    return str(item.get("__id__") or "")


def _have_ids(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, dict) and id_of(item) for item in items)


def _updated(before: Iterable[Item], ours: Iterable[Item], theirs: Iterable[Item]) -> list[Item]:
    """The panels that are there, without those that are no longer made and nobody has touched."""
    made, make = {id_of(item): item for item in before}, {id_of(item): item for item in ours}
    kept = [item for item in theirs if id_of(item) in make or not _is_left_over(made.get(id_of(item)), item)]
    return [merged(made.get(id_of(item)), make[id_of(item)], item) if id_of(item) in make else item for item in kept]


def _is_left_over(before: Item | None, theirs: Item) -> bool:
    return before is not None and untouched(before, theirs)


def _placed(there: list[Item], ours: Sequence[Item], anywhere: Iterable[Item]) -> list[Item]:
    """Panels with those of ours that are nowhere, each after the one that it follows in ours."""
    known, place = {id_of(item) for item in anywhere}, 0
    whole = list(there)
    for item in ours:
        if id_of(item) not in known:
            whole.insert(place, item)
        places = [number for number, other in enumerate(whole) if id_of(other) == id_of(item)]
        place = places[0] + 1 if places else place
    return whole


# Sections.


def merged_sections(before: Sequence[Item], ours: Sequence[Item], theirs: Sequence[Item]) -> list[Item]:
    """The sections of a workspace that is there, in people's order, with our panels brought up to date where they are.

    Args:
        before: As they were last made.
        ours: As they are made now; each with ``name`` and ``panels``.
        theirs: As they are there.

    Returns:
        The sections to save.
    """
    made, make = _by_name(before), _by_name(ours)
    anywhere = list(_panels(theirs))
    whole: list[Item] = []
    for section in theirs:
        name, panels = section.get("name"), _panels([section])
        own = make.get(name, {})
        left = _placed(_updated(_panels(before), _panels(ours), panels), own.get("panels", []), anywhere)
        if left or name not in made or name in make:
            settings = merged(made.get(name), own, section) if own else section
            whole.append({**settings, "panels": left})
    place = 0
    for section in ours:
        names = [other.get("name") for other in whole]
        if section["name"] not in names and (panels := _placed([], section["panels"], anywhere)):
            whole.insert(place, {**section, "panels": panels})
            names.insert(place, section["name"])
        place = names.index(section["name"]) + 1 if section["name"] in names else place
    return whole


def _by_name(sections: Iterable[Item]) -> dict[Any, Item]:
    return {section.get("name"): section for section in sections}


def _panels(sections: Iterable[Item]) -> list[Item]:
    return [panel for section in sections for panel in section.get("panels") or []]
