"""The page of the command line, from its parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from pipeline.cli.arguments import parser


def verb_page() -> str:
    """A section for each verb: what it does, what it takes, an example.

    Returns:
        Markdown.
    """
    whole = parser()
    (verbs,) = (action for action in whole._actions if isinstance(action, argparse._SubParsersAction))
    parts = ["# The command line", f"`{whole.prog} VERB`. {whole.description}"]
    for name, verb in verbs.choices.items():
        parts += [f"(verb-{name})=\n## `{name}`", str(verb.description), *_options(verb)]
        _, _, example = str(verb.epilog or "").partition("\n")
        parts.append(f"```\n{example.strip()}\n```")
    return "\n\n".join(parts) + "\n"


def _options(verb: argparse.ArgumentParser) -> Iterator[str]:
    for action in verb._actions:
        if action.help in (None, argparse.SUPPRESS) or action.dest == "help":
            continue
        values = action.metavar or ("" if action.nargs == 0 else "|".join(map(str, action.choices or [])))
        names = ", ".join(action.option_strings) or str(action.metavar)
        shown = f"{names} {values}" if action.option_strings and values else names
        said = str(action.help).replace("%%", "%")
        yield f"`{shown}`\n: {said[:1].upper()}{said[1:]}."
