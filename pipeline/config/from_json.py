"""Plain JSON types into nodes, so that a plan is read by the same rules as a YAML file."""

from __future__ import annotations

from pipeline.config.nodes import (
    MAX_DEPTH,
    MappingEntry,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    Source,
    check_characters,
    spelled,
    too_deep,
)


def from_json(content: object, source: Source, depth: int = 0) -> Node:
    """Make nodes of a JSON document.

    Args:
        content: Dictionaries, lists, strings, numbers, truth values and ``None``.
        source: What the document is, for complaints.
        depth: Number of dictionaries and lists around the content.

    Returns:
        The root. A string is a quoted scalar, for it was one in JSON; a number is a plain one.

    Raises:
        PipelineError: If it is nested too deep, or a string holds half a character.
        TypeError: If the content is not made of JSON types.
    """
    where, folder = source.label, source.folder
    if depth > MAX_DEPTH:
        raise too_deep(where)
    match content:
        case dict():
            nodes = {str(key): from_json(value, source, depth + 1) for key, value in content.items()}
            return MappingNode(where, folder, {key: MappingEntry(where, node) for key, node in nodes.items()})
        case list():
            return SequenceNode(where, folder, tuple(from_json(item, source, depth + 1) for item in content))
        case str():
            check_characters(content, where)
            return ScalarNode(where, folder, content, plain=False)
        case None | bool() | int() | float():
            return ScalarNode(where, folder, spelled(content), plain=True)
    raise TypeError(f"{content!r} is not made of JSON types")
