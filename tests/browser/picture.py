"""A picture of a page for the documentation.

python tests/browser/picture.py runs/.../report.html docs/_static/explorer.png "#trial=..." [WIDTH] [HEIGHT] [PRESSED]
python tests/browser/picture.py runs/lecture.html docs/_static/lecture.png "#xor" 1100 1480 "#xor .skip"
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from browser import resize, started


def main(
    page: str, picture: str, address: str = "", width: str = "1200", height: str = "1000", pressed: str = ""
) -> None:
    """Open the page at an address, press what is named, wait until it is drawn, and keep what such a screen shows."""
    with tempfile.TemporaryDirectory() as profile, started(Path(profile)) as chromium:
        resize(chromium, int(width), int(height))
        chromium.get(Path(page).resolve().as_uri() + address)
        chromium.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        if pressed:
            chromium.find_element("css selector", pressed).click()
            chromium.execute_script("scrollTo(0, 0)")
        time.sleep(3)
        chromium.save_screenshot(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
