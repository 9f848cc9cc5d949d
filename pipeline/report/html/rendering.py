"""The frame of every page: one file that needs no network."""

from __future__ import annotations

import functools
from html import escape

import vl_convert

from pipeline.report.html.template import DRAW, POLICY, STYLE


def document(title: str, body: str, *, charts: bool) -> str:
    """A whole page as text.

    Args:
        title: Plain text.
        body: HTML.
        charts: Whether there are charts to draw, which takes a megabyte of scripts.
    """
    scripts = f"<script>{_libraries()}</script>\n<script>{DRAW}</script>" if charts else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{body}
</main>
{scripts}
</body>
</html>
"""


def section(title: str, *parts: str) -> str:
    """A part of the page: a title in plain text, and HTML."""
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


@functools.cache
def _libraries() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script, which bundling takes a second to make."""
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script")
