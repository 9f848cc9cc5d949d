"""Where the pages of a run on W&B are, from the note that ``dashboard`` leaves in its folder."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

NOTE = Path("wandb", "dashboard.json")


def read_wandb_links(run: Path) -> dict[str, str]:
    """The addresses of the workspace and of the report, by these names; without those that were never made."""
    try:
        note = json.loads((run / NOTE).read_bytes())
        pages = {"workspace": note["url"], "report": note["report"]["url"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {
        name: url for name, url in pages.items() if isinstance(url, str) and urlsplit(url).scheme in ("http", "https")
    }
