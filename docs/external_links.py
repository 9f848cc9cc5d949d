"""Follow the links of the documentation to other sites; without a network say so, and end well."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

SITE = "https://www.python.org/"
FOLDER = Path(__file__).parent


def has_network() -> bool:
    """Whether a site that is up answers."""
    try:
        with urllib.request.urlopen(SITE, timeout=5):
            return True
    except (OSError, urllib.error.URLError):
        return False


def main() -> int:
    """Follow the links, if there is a network.

    Returns:
        The exit code.
    """
    if not has_network():
        print(f"{SITE} does not answer: links to other sites were not followed")
        return 0
    command = [
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "linkcheck",
        str(FOLDER),
        str(FOLDER / "_build" / "links"),
    ]
    return subprocess.run([sys.executable, *command], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
