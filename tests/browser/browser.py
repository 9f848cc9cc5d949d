"""A real Chromium, and what people meet in a page: its size, its colours, its words, and what keeps anybody out."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1100,1400",
)


@contextmanager
def started(folder: Path) -> Iterator[webdriver.Chrome]:
    """A browser with a profile of its own in ``folder``; its console and what it asks for are logged."""
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    missing = [name for name, path in programs.items() if path is None]
    if missing:
        reason = f"needs {' and '.join(missing)} on the PATH"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = programs["chromium"]
    for flag in (*FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(programs["chromedriver"]))
    try:
        yield driver
    finally:
        driver.quit()


def resize(chromium: webdriver.Chrome, width: int, height: int = 900) -> None:
    """Give the open page a screen of this size in pixels, as a telephone is turned; returns when it has drawn again."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    # A page hears of its new size before its next frame.
    chromium.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))")


def prefer(chromium: webdriver.Chrome, **features: str) -> None:
    """Ask the page for what a person prefers, such as ``color_scheme="dark"`` or ``reduced_motion="reduce"``."""
    asked = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in features.items()]
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": asked})


def reset(chromium: webdriver.Chrome) -> None:
    """The screen and the preferences that a browser starts with."""
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def complaints(chromium: webdriver.Chrome) -> list[str]:
    """Errors and warnings of the console since they were last asked for."""
    return [one["message"] for one in chromium.get_log("browser") if one["level"] in ("SEVERE", "WARNING")]


def addresses(chromium: webdriver.Chrome) -> list[str]:
    """What pages of files have asked for since this was last asked."""
    events = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    asked = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [one["request"]["url"] for one in asked if one["documentURL"].startswith("file:")]  # not of the first tab


AXE = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
VIOLATIONS = """const [options, done] = arguments;
axe.run({exclude: [["svg.marks > g"]]}, {resultTypes: ["violations"], ...options}).then((found) => done(
    found.violations.flatMap((violation) => violation.nodes.map((node) => `${violation.id}: ${node.html}`))))"""


def violations(chromium: webdriver.Chrome, **options: Any) -> list[str]:
    """What axe-core finds wrong in names, roles, headings, contrast and what a keyboard reaches.

    The marks of charts are left out, which would take minutes.
    """
    chromium.execute_script(AXE)
    found: list[str] = chromium.execute_async_script(VIOLATIONS, options)
    return found
