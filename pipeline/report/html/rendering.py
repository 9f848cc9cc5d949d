"""Pages from templates: each is one file that needs no network.

Jinja escapes whatever a template shows, but for values of ``Markup``: these are made here alone, from files of this
package and from JSON. A name that a template does not get is an error, not an empty place.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.home import cache_folder
from pipeline.records.atomic_writes import replacing
from pipeline.report.figures.charts import IN_THE_DARK, INK
from pipeline.report.html.formulas import with_formulas
from pipeline.report.html.scripts import script

TEMPLATES, STATIC = Path(__file__).with_name("templates"), Path(__file__).with_name("static")
PLACE_OF_DARK_COLOURS = "  /* colours of the charts on a dark page */\n"
"""A comment of ``style.css``, so that the file is CSS as it stands."""


def render_page(
    template: str,
    title: str,
    *,
    charts: bool,
    entries: Sequence[str] = (),
    worker: str = "",
    styles: Sequence[str] = (),
    **shown: object,
) -> str:
    """A whole page as text.

    Args:
        template: File name of a template that extends ``frame.html``.
        title: Plain text.
        charts: Whether there are charts to draw, which takes a megabyte of scripts.
        entries: Modules that the page runs, by their paths below ``report/scripts``.
        worker: Module that a worker of the page runs, from the script of the first entry; empty for none.
        styles: Style sheets of the page's own behind that of every page, by their file names in ``static/``.
        shown: What the template shows, by name.

    Returns:
        HTML.

    Raises:
        jinja2.UndefinedError: If the template shows a name that is not among these.
    """
    workers = [worker, *[""] * len(entries)]
    scripts = [script(*pair) for pair in zip(entries, workers, strict=False)]
    scripts += [chart_libraries(), script("charts/charts.js")] if charts else []
    frame = {"scripts": scripts, "worker": worker, "policy": _policy(scripts, worker)}
    sheets = Markup("").join([style(), *(Markup(_static(name)) for name in styles)])
    return render(template, title=title, style=sheets, **frame, **shown)


def _policy(scripts: Sequence[str], worker: str) -> str:
    """What a browser may load and run: what stands in the page, its own pictures, and of scripts these alone."""
    rules = [f"script-src {' '.join(map(_hash_source, scripts))}"] if scripts else []
    rules += ["worker-src blob:"] if worker else []
    return "; ".join(["default-src 'none'", *rules, "style-src 'unsafe-inline'", "img-src data: blob: file:"])


def _hash_source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def render(template: str, **shown: object) -> str:
    """A template as text, each value escaped.

    Returns:
        HTML.

    Raises:
        jinja2.UndefinedError: If the template shows a name that is not among ``shown``.
    """
    return _environment().get_template(template).render(**shown)


@functools.cache
def _environment() -> Environment:
    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters |= {"one_line": one_line, "script_json": script_json, "with_formulas": with_formulas}
    return environment


def one_line(text: str) -> Markup:
    """Text with single spaces in place of line breaks and indentation."""
    return Markup(" ").join(text.split())


def script_json(value: Any) -> Markup:
    """A value as JSON that cannot end the script element it stands in: ``<`` is written as an escape of JSON."""
    return Markup(json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"))


@functools.cache
def style() -> Markup:
    """The style sheet of every page, with the colours of charts on a dark page."""
    return Markup(_static("style.css").replace(PLACE_OF_DARK_COLOURS, dark_colours()))


def dark_colours() -> str:
    """Rules that turn the colours of charts where the page is dark; what is drawn does not know of it."""
    line, area = "{1}[stroke='{0}'] {{ stroke: {2}; }}", "{1}[fill='{0}'] {{ fill: {2}; }}"
    rules = []
    for light, dark in IN_THE_DARK.items():
        filled = "text, .mark-rect path" if light == INK else "text, .mark-rect path, .mark-symbol path"
        rules += [line.format(light, "", dark), area.format(light, f":is({filled})", dark)]
    return "".join(f"  figure svg.marks {rule}\n" for rule in rules)


@functools.cache
def chart_libraries() -> Markup:
    """Vega, Vega-Lite and Vega-Embed in one script, kept in the user's cache: bundling takes a second or two."""
    path = cache_folder() / "scripts" / f"vega-embed-{version('vl-convert-python')}.js"
    script = _kept_script(path)
    if script is None:
        bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
        script = bundle.replace("</script", "<\\/script").encode()
        _keep_script(path, script)
    return Markup(script.decode())


def _kept_script(path: Path) -> bytes | None:
    try:
        digest, script = path.read_bytes().split(b"\n", maxsplit=1)
    except (OSError, ValueError):
        return None
    return script if hashlib.sha256(script).hexdigest().encode() == digest else None  # cut short, as by a full disk


def _keep_script(path: Path, script: bytes) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # a browser runs it: nobody else may write it
        with replacing(path) as part:
            part.write_bytes(hashlib.sha256(script).hexdigest().encode() + b"\n" + script)
    except OSError:  # a full or missing home: the next process bundles again
        return


def _static(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")
