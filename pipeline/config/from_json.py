"""Plain JSON types into what is written."""

from __future__ import annotations

from pipeline.config.nodes import MAX_DEPTH, Entry, List, Map, Node, Source, Word, check_characters, spelled, too_deep


def from_json(content: object, source: Source, depth: int = 0) -> Node:
    """Write dictionaries, lists, strings, numbers, truth values and ``None`` as nodes; ``depth`` counts those around.

    Raises:
        TypeError: If the content is not made of JSON types.
    """
    where, folder = source.label, source.folder
    if depth > MAX_DEPTH:
        raise too_deep(where)
    match content:
        case dict():
            nodes = {str(key): from_json(value, source, depth + 1) for key, value in content.items()}
            return Map(where, folder, {key: Entry(where, node) for key, node in nodes.items()})
        case list():
            return List(where, folder, tuple(from_json(item, source, depth + 1) for item in content))
        case str():
            check_characters(content, where)
            return Word(where, folder, content, plain=False)
        case None | bool() | int() | float():
            return Word(where, folder, spelled(content), plain=True)
    raise TypeError(f"{content!r} is not made of JSON types")
