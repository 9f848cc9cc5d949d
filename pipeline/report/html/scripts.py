"""Scripts of pages: ES modules of JavaScript as one script, with neither a network nor a build step.

A module may import and export by name alone, at the beginning of a line; whatever else begins with these words is an
error. Each becomes a function of its own, so that names of two modules never meet.

A page that starts a worker holds one script for both: what they share is written once, and the rest of the page runs
only where there is a page.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from markupsafe import Markup

SCRIPTS = Path(__file__).parents[1] / "scripts"
IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]*)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*? |class |const )(\w+))", re.MULTILINE)
LEFT_OVER = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)
COMMENT = re.compile(r"^[ \t]*(?://.*|/\*\*(?:(?!\*/)[\s\S])*\*/[ \t]*)$", re.MULTILINE)
"""A comment that has its lines for itself."""
ENDS_A_SCRIPT = re.compile(r"</script|<!--", re.IGNORECASE)


IN_A_PAGE, ELSE = 'if (typeof document === "object") {', "} else {"


@functools.cache
def script(entry: str, worker: str = "") -> Markup:
    """A module and all that it imports as one script; the module runs when the script does.

    Args:
        entry: Path of the module below ``report/scripts``, such as ``explorer/explorer.js``.
        worker: Path of the module that runs in its place where the same script is run by a worker; empty for none.

    Returns:
        JavaScript, to stand in a script element.

    Raises:
        ValueError: If a module imports itself on the way, imports or exports in another form, or would end the element.
        FileNotFoundError: If a module is not there.
    """
    of_page, of_worker = dict(_in_order(entry)), dict(_in_order(worker)) if worker else {}
    of_both = [name for name in of_page if name in of_worker]  # with all that these import
    lines = [_as_function(name, of_page[name]) for name in of_both]
    page_alone = [_as_function(name, text) for name, text in of_page.items() if name not in of_worker]
    worker_alone = [_as_function(name, text) for name, text in of_worker.items() if name not in of_page]
    lines += [IN_A_PAGE, *page_alone, ELSE, *worker_alone, "}"] if worker else page_alone
    return Markup("\n".join(['"use strict";', "(() => {", "const $modules = {};", *lines, "})();\n"]))


def _in_order(name: str, importers: tuple[str, ...] = (), seen: set[str] | None = None) -> Iterator[tuple[str, str]]:
    """Modules, each behind what it imports."""
    seen = set() if seen is None else seen
    if name in importers:
        raise ValueError(f"modules import each other: {' -> '.join([*importers, name])}")
    if name in seen:
        return
    seen.add(name)
    text = without_comments((SCRIPTS / name).read_text(encoding="utf-8"))
    for _, other in IMPORT.findall(text):
        yield from _in_order(_beside(name, other), (*importers, name), seen)
    yield name, text


def without_comments(text: str) -> str:
    """A module without the comments that have lines for themselves, which are a third of it; it has as many lines."""
    return COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)


def _beside(name: str, other: str) -> str:
    """The path below ``report/scripts`` of what a module imports as ``other``."""
    parts: list[str] = []
    for part in (PurePosixPath(name).parent / other).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _as_function(name: str, text: str) -> str:
    """A module as a function that returns what it exports."""
    if ENDS_A_SCRIPT.search(text):
        raise ValueError(f"{name} has a text that ends a script element")
    exported = EXPORT.findall(text)
    body = EXPORT.sub("", IMPORT.sub(lambda match: _binding(name, *match.groups()), text))
    if other := LEFT_OVER.search(body):
        raise ValueError(f"{name}: neither import {{ a }} from nor export of a function, class or const: {other[0]}")
    return f"$modules[{name!r}] = (() => {{\n{body}\nreturn {{ {', '.join(exported)} }};\n}})();"


def _binding(name: str, names: str, other: str) -> str:
    """An import as a declaration; it takes as many lines, so that those of an error are the module's."""
    return f"const {{{names.replace(' as ', ': ')}}} = $modules[{_beside(name, other)!r}];"
