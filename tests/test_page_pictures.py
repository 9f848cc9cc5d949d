"""Pictures of pages in the documentation are of the pages as they are now.

Each is taken here and held against the one that is kept. Where they differ, take them anew:
``PICTURES=keep python -m pytest tests/test_page_pictures.py -n 0``. That also trains the experiment whose page the
explorer's picture is of, which takes a quarter of a minute, and is done for that alone. In a browser that has another
typeface than theirs only what they show is looked for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import browser
import pytest
from page_picture import difference, not_in_sight, show, width_of_letters
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from pipeline.cli import main
from pipeline.config import read_experiment
from pipeline.experiment.trial import Trial
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.problems.targets import Sine
from pipeline.report.lecture.stations import CONFIGS
from pipeline.report.lecture.walk_page import StationFile, write_walk
from pipeline.report.playground.playground_page import write_playground

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "docs" / "_static"
DEFAULT = ROOT / "configs" / "fixed_vs_learned_basis.yaml"
KEEP = os.environ.get("PICTURES") == "keep"
LETTERS = Path(__file__).with_name("page_pictures.json")
"""How wide some words are in the pictures that are kept."""
MOST_DIFFERENCE = 0.04
"""Of the screen. A page with a line more at its top is above."""


@dataclass(frozen=True)
class Picture:
    """A picture of a page.

    Args:
        name: Of its file.
        size: Width and height of the screen.
        take: Brings a page, written into a folder, to what is to be seen.
        shows: Selectors of what the documentation says that it shows.
    """

    name: str
    size: tuple[int, int]
    take: Callable[[Chrome, Path, tuple[int, int]], None]
    shows: Sequence[str]


def until(chromium: Chrome, script: str) -> None:
    WebDriverWait(chromium, 120, 0.05).until(lambda _: chromium.execute_script(script))


def train_xor(chromium: Chrome, folder: Path, size: tuple[int, int]) -> None:
    """The station with its answer, and its figure after some hundred steps."""
    files = {
        name: StationFile(f"configs/{name}.yaml", "?", (ROOT / "configs" / f"{name}.yaml").read_text())
        for name in CONFIGS
    }
    show(chromium, write_walk(folder / "lecture.html", files, {}), "#xor", *size)
    chromium.find_element(By.CSS_SELECTOR, "#xor .skip").click()
    at = "document.querySelector('#xor .standing').textContent.split(';')[0].replace(/\\D/g, '')"
    until(chromium, f"return Number({at}) > 100")
    chromium.find_element(By.XPATH, "//*[@id='xor']//button[text()='Pause']").click()
    chromium.execute_script("document.activeElement.blur(); scrollTo(0, 0)")


def play_a_preset(chromium: Chrome, folder: Path, size: tuple[int, int]) -> None:
    show(chromium, write_playground(folder), "", *size)
    chromium.find_element(By.XPATH, "//button[text()='Why so slow?']").click()
    at = "document.getElementById('at').textContent.replace(/\\D/g, '')"
    until(chromium, f"return Number({at}) > 1500")
    chromium.find_element(By.ID, "play").click()
    chromium.find_element(By.ID, "step").click()
    chromium.execute_script("document.activeElement.blur()")


def explore_the_default(chromium: Chrome, folder: Path, size: tuple[int, int]) -> None:
    assert main(["run", str(DEFAULT), "--out", str(folder / "run")]) == 0
    (trial,) = [
        trial for pack in make_plan("", read_experiment(DEFAULT)).packs for trial in pack.trials if is_shown(trial)
    ]
    show(chromium, folder / "run" / "report.html", f"#trial={trial.id}&step=250", *size)
    until(chromium, "return document.querySelector('#explorer canvas') !== null")


def is_shown(trial: Trial) -> bool:
    shape = trial.shape
    is_wave, is_network = isinstance(shape.problem.target, Sine), shape.model == Shallow()
    return is_wave and is_network and (shape.width, trial.learning_rate, trial.seed) == (32, 0.1, 0)


XOR_SHOWS = (
    "#xor .text .formula",
    "#xor .quiz",
    "#xor .quiz details[open]",
    "#xor .knobs",
    "canvas.plane",
    "canvas.loss",
)
PICTURES = (
    Picture("lecture", (1100, 1480), train_xor, XOR_SHOWS),
    Picture("playground", (1280, 1060), play_a_preset, ("#presets", "#rate", "#marker", "#fit", "#loss", "#modes")),
)
OF_A_RUN = Picture(
    "explorer", (1180, 1240), explore_the_default, ("#explorer .rate-map", "#explorer .player", "#explorer canvas.plot")
)


@pytest.fixture
def screen(chromium: Chrome) -> Iterator[Chrome]:
    browser.reset(chromium)
    yield chromium
    chromium.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": False})
    browser.reset(chromium)


@pytest.mark.parametrize("picture", [*PICTURES, *[OF_A_RUN] * KEEP], ids=lambda picture: picture.name)
def test_a_picture_is_of_the_page_as_it_is(screen: Chrome, tmp_path: Path, picture: Picture) -> None:
    picture.take(screen, tmp_path, picture.size)
    assert not_in_sight(screen, picture.shows) == []
    taken, kept = screen.get_screenshot_as_png(), KEPT / f"{picture.name}.png"
    if KEEP:
        kept.write_bytes(taken)
        LETTERS.write_text(json.dumps({"width of letters": width_of_letters(screen)}) + "\n")
    if width_of_letters(screen) != json.loads(LETTERS.read_text())["width of letters"]:
        return
    share = difference(screen, kept.read_bytes(), taken)
    assert share < MOST_DIFFERENCE, f"{kept} shows another page than there is now: see {Path(__file__).name}"


def test_a_picture_of_a_page_that_has_changed_is_found(screen: Chrome, tmp_path: Path) -> None:
    """By a line at its top, and by another size."""
    show(screen, write_playground(tmp_path), "", 1280, 860)
    until(screen, "return document.getElementById('play').offsetParent !== null")
    before = screen.get_screenshot_as_png()
    assert difference(screen, before, before) == 0
    screen.execute_script(
        "const line = document.createElement('p'); line.textContent = 'News'; "
        "document.querySelector('main').prepend(line)"
    )
    after = screen.get_screenshot_as_png()
    assert difference(screen, before, after) > MOST_DIFFERENCE
    browser.resize(screen, 1280, 800)
    assert difference(screen, before, screen.get_screenshot_as_png()) == 1
    assert not_in_sight(screen, ["#play", "#yaml", "#nothing"]) == ["#yaml", "#nothing"]
