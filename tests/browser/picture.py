"""A picture of a page for the documentation.

python tests/browser/picture.py runs/.../report.html docs/_static/explorer.png "#trial=..." [WIDTH] [HEIGHT]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from browser import resize, started


def main(page: str, picture: str, address: str = "", width: str = "1200", height: str = "1000") -> None:
    """Open the page at an address, wait until it is drawn, and keep what a screen of that size shows."""
    with tempfile.TemporaryDirectory() as profile, started(Path(profile)) as chromium:
        resize(chromium, int(width), int(height))
        chromium.get(Path(page).resolve().as_uri() + address)
        chromium.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        time.sleep(3)
        chromium.save_screenshot(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
