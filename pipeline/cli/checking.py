"""The verb check: the claims of definitions of your own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.prose import say

if TYPE_CHECKING:
    from pipeline.claims.claim import CheckedClaim
    from pipeline.definitions import Definition


@dataclass(frozen=True)
class CheckOptions:
    """Options of check.

    Args:
        extensions: Python files, or names of entry points of installed packages.
    """

    extensions: tuple[str, ...]


def check(options: CheckOptions) -> int:
    """Hold definitions of your own against their claims, as the tests do those that are built in."""
    from pipeline.config.used_extensions import distinct
    from pipeline.extensions.extension import Extension
    from pipeline.extensions.loading import load_file, load_package

    found = [
        load_file(Path(name).absolute()) if Extension(name, "").is_file else load_package(name)
        for name in options.extensions
    ]
    definitions = distinct(found)
    findings = [_show(definition) for definition in definitions]
    verdicts = [finding.verdict for several in findings for finding in several]
    failed = verdicts.count("fails")
    say(f"definitions: {len(definitions)}; claims that hold: {verdicts.count('holds')}, that fail: {failed}")
    return 1 if failed else 0


def _show(definition: type[Definition]) -> list[CheckedClaim]:
    """Print the claims of a definition, one a line, and what became of each."""
    from pipeline.extensions.classes import kind_of

    print(f"{kind_of(definition).name()} {definition.name()}")
    findings = _findings(definition)
    for finding in findings:
        print(f"  {finding.verdict:<11}  {finding.claim}{f': {finding.what}' if finding.what else ''}")
    return findings


def _findings(definition: type[Definition]) -> list[CheckedClaim]:
    """The findings of the default definition of a class; only that one is checked."""
    from pipeline.claims.claim import CheckedClaim, examine
    from pipeline.claims.kinds import claims_of
    from pipeline.config.fields import required_of

    if required := required_of(definition):
        return [CheckedClaim("every field has a default", "fails", f"{', '.join(required)} has none")]
    return examine(definition(), claims_of(definition))
