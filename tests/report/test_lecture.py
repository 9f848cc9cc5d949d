"""The lecture in a real browser, as a person walks through it: by mouse, by keys, on every screen, for a projector."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import polars as pl
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from pipeline.report.figures.charts import IN_THE_DARK, INK, chart_of, panels
from pipeline.report.html.index_page import IndexEntry
from pipeline.report.lecture.stations import CONFIGS, STATIONS
from pipeline.report.lecture.walk_page import StationFile, write_walk

ROOT = Path(__file__).parents[2]
NAMES = [station.name for station in STATIONS]
WIDE_FORMULAS = """return [...document.querySelectorAll("div.formula")]
    .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)"""

SCROLLED_FORMULAS = """return [...document.querySelectorAll("div.formula")]
    .filter((one) => getComputedStyle(one).overflowY !== "hidden").map((one) => one.textContent)"""


LONG = "In units of the limit at the first weights the loss of shallow(identity) rises from 1 and diverges from 2 on; "


def files() -> dict[str, StationFile]:
    """The files of all experiments as they are."""
    return {
        name: StationFile(f"configs/{name}.yaml", "Why?", (ROOT / "configs" / f"{name}.yaml").read_text())
        for name in CONFIGS
    }


def entry(folder: Path, name: str, answer: str, num_panels: int = 1) -> IndexEntry:
    """What is known of a run: its report and its chart are there, with so many panels in a row."""
    figures = folder / f"{name}-1" / "figures"
    figures.mkdir(parents=True)
    report = figures.parent / "report.html"
    report.write_text("")
    rows = pl.DataFrame({"panel": [f"panel {number}" for number in range(num_panels)], "x": 1.0, "y": 2.0})
    chart = panels(rows, lambda those: chart_of(those).mark_point(color=INK).encode(x="x:Q", y="y:Q"))
    assert chart is not None
    (figures / "loss.json").write_text(json.dumps(chart.to_dict() | {"description": f"Loss. {LONG}"}))
    told = ("4 done", "agrees (4 of 4 trials)", (), answer, "descent", LONG)
    return IndexEntry(name, "What happens above the largest stable rate? It comes back.", report, *told)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A walk of which one experiment has run."""
    folder = tmp_path_factory.mktemp("walk")
    (folder / "index.html").write_text("")
    return write_walk(folder / "lecture.html", files(), {"xor": entry(folder, "xor", "It does.")})


@pytest.fixture
def walk(chromium: Chrome, page: Path) -> Iterator[Chrome]:
    """The page, opened anew."""
    browser.reset(chromium)
    browser.complaints(chromium)
    chromium.get("about:blank")
    chromium.get(page.as_uri())
    yield chromium
    browser.reset(chromium)


def press(walk: Chrome, *keys: str) -> None:
    for key in keys:
        walk.switch_to.active_element.send_keys(key)


def go(walk: Chrome, name: str) -> WebElement:
    """The station of a name, gone to by its link in the contents."""
    walk.execute_script("location.hash = 'start'")
    walk.find_element(By.CSS_SELECTOR, f'#contents a[href="#{name}"]').click()
    station = walk.find_element(By.ID, name)
    until(walk, station.is_displayed)
    return station


def until(walk: Chrome, holds: Any) -> None:
    WebDriverWait(walk, 200, 0.05).until(lambda _: holds())


def shown(walk: Chrome) -> list[str]:
    return [
        one.get_attribute("id") or "" for one in walk.find_elements(By.CSS_SELECTOR, ".station") if one.is_displayed()
    ]


def parts_in_sight(station: WebElement) -> list[str]:
    parts = station.find_elements(By.CSS_SELECTOR, ".part")
    return [(part.get_attribute("class") or "").split()[1] for part in parts if part.is_displayed()]


def choices(station: WebElement) -> list[WebElement]:
    return station.find_elements(By.CSS_SELECTOR, ".quiz li button")


def button(place: WebElement, name: str) -> WebElement:
    (found,) = [one for one in place.find_elements(By.TAG_NAME, "button") if one.text == name]
    return found


def step_of(station: WebElement) -> int:
    said = re.match(r"Step ([\d,]+);", station.find_element(By.CSS_SELECTOR, ".standing").text)
    return int(said[1].replace(",", "")) if said else -1


def test_arrow_keys_lead_from_the_contents_through_every_station_and_back(walk: Chrome) -> None:
    seen = [*shown(walk)]
    for _ in NAMES:
        press(walk, Keys.ARROW_RIGHT)
        seen += shown(walk)
    assert seen == ["start", *NAMES]
    assert walk.execute_script("return location.hash") == f"#{NAMES[-1]}"
    assert walk.title == f"{STATIONS[-1].title} · The lecture"
    press(walk, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert shown(walk) == [NAMES[-2]]
    walk.find_element(By.LINK_TEXT, "The lecture").click()
    assert shown(walk) == ["start"]
    assert browser.complaints(walk) == []


def test_an_address_opens_its_station_and_one_that_is_damaged_opens_the_contents(walk: Chrome, page: Path) -> None:
    for address, name in (("#losses", "losses"), ("#%E0%A4%A", "start")):
        walk.get("about:blank")
        walk.get(page.as_uri() + address)
        assert shown(walk) == [name]


def test_what_is_asked_is_shown_only_after_an_answer(walk: Chrome) -> None:
    station, quiz = go(walk, "xor"), STATIONS[NAMES.index("xor")].quiz
    assert parts_in_sight(station) == ["text", "quiz"]
    wrong = next(place for place in range(len(quiz.choices)) if place != quiz.right)
    choices(station)[wrong].click()
    assert parts_in_sight(station) == ["text", "quiz", "live", "measured", "yaml"]
    assert station.find_element(By.CSS_SELECTOR, ".said").text == f"No: {'ABCD'[quiz.right]} is right."
    assert quiz.because.split(".")[0] in station.find_element(By.CSS_SELECTOR, ".quiz details").text
    choices(station)[quiz.right].click()
    assert station.find_element(By.CSS_SELECTOR, ".said").text == "That is right."
    assert "It does." in station.find_element(By.CSS_SELECTOR, ".measured").text


def test_the_number_game_is_played_to_its_end_by_keys_alone(walk: Chrome) -> None:
    station = go(walk, "number_game")
    choices(station)[0].send_keys(Keys.ENTER)
    game = station.find_element(By.CSS_SELECTOR, ".game")
    game.find_element(By.TAG_NAME, "button").send_keys("")
    for owned in ("589", "124789"):
        walk.execute_script("arguments[0].querySelector('button:enabled').focus()", game)
        press(walk, *owned)
        button(game, "Own these").send_keys(Keys.ENTER)
        for _ in range(3):
            (goal,) = re.findall(r"The goal is (\d+)\.", game.find_element(By.CSS_SELECTOR, "[role=status]").text)
            press(walk, "9")
            button(game, "Add these up").send_keys(Keys.ENTER)
            last = game.find_elements(By.CSS_SELECTOR, ".played li")[-1].text
            assert last.startswith(f"Goal {goal}: 9 is {abs(int(goal) - 9)} away.")
        if owned == "589":
            button(game, "Next round").send_keys(Keys.ENTER)
    said = game.find_element(By.CSS_SELECTOR, ".ending").text
    assert "With 3 numbers you were" in said
    assert "Yours can do 1.25 a goal in the mean. The best, 5, 8 and 9" in said
    assert "Yours can do 0.29 a goal in the mean." in said
    button(game, "Play again").click()
    assert "Round 1 of 2." in game.text


def test_terms_are_chosen_for_the_target_by_hand_and_by_the_greedy_method(walk: Chrome) -> None:
    station = go(walk, "adapting")
    choices(station)[0].click()
    said = station.find_element(By.CSS_SELECTOR, ".dictionary .standing")
    (error,) = set(re.findall(r"an error of (\d\.\d+)", said.text))
    assert 0.2 < float(error) < 0.3
    button(station, "x").click()
    button(station, "x¹⁰").click()
    assert said.text == f"2 terms leave no error; the first 2 leave an error of {error}."
    assert button(station, "x¹⁰").get_attribute("aria-pressed") == "true"
    button(station, "None").click()
    for _ in range(2):
        button(station, "The best next one").click()
    assert said.text.startswith("2 terms leave no error;")
    button(station, "The first ones").click()
    assert said.text.startswith(f"2 terms leave an error of {error};")


def test_a_rate_is_dragged_past_the_limit_until_descent_diverges_and_it_begins_again(walk: Chrome) -> None:
    station = go(walk, "large_rates")
    choices(station)[0].click()
    until(walk, lambda: step_of(station) > 5)
    standing = station.find_element(By.CSS_SELECTOR, ".standing")
    assert "0.9 times the limit; condition number of the Hessian κ = 1." in standing.text
    slider = station.find_element(By.CSS_SELECTOR, "input[type=range]")
    slider.send_keys(Keys.END)
    assert slider.get_attribute("aria-valuetext") == "1.5"
    told = station.find_element(By.CSS_SELECTOR, ".live .told")
    until(walk, lambda: "Descent has diverged at step" in told.text)
    assert button(station, "Play").is_displayed()
    slider.send_keys(*[Keys.ARROW_LEFT] * 7)
    assert slider.get_attribute("aria-valuetext") == "0.5"
    until(walk, lambda: step_of(station) == 0 and told.text == "")
    button(station, "Step").click()
    until(walk, lambda: step_of(station) == 1)
    button(station, "Play").click()
    until(walk, lambda: step_of(station) > 5)
    button(station, "Begin again").click()
    until(walk, lambda: step_of(station) == 0)
    assert browser.complaints(walk) == []


def test_figures_of_each_kind_train_and_draw_what_they_learn(walk: Chrome) -> None:
    """A linear model, a network with kinks, two inputs, labels, and one with its sharpness."""
    for name in ("fixed_bases", "hidden_units", "dimension", "losses", "networks"):
        station = go(walk, name)
        choices(station)[0].click()
        until(walk, lambda station=station: step_of(station) > 0)
        canvases = station.find_elements(By.CSS_SELECTOR, "canvas")
        in_sight = [canvas for canvas in canvases if canvas.is_displayed()]
        assert len(in_sight) == (3 if name == "networks" else 2), name
        until(walk, lambda drawn=in_sight: all("Nothing" not in str(one.get_attribute("aria-label")) for one in drawn))
    assert browser.complaints(walk) == []
    assert [asked for asked in browser.addresses(walk) if not asked.startswith(("file:", "blob:", "data:"))] == []


@pytest.mark.parametrize("name", ["more_functions", "classification", "networks"])
def test_a_figure_goes_on_in_the_playground_as_the_same_trial(walk: Chrome, name: str) -> None:
    station = go(walk, name)
    choices(station)[0].click()
    until(walk, lambda: step_of(station) >= 0)
    figure = station.find_element(By.CSS_SELECTOR, "[data-live]")
    first = figure.get_attribute("data-trial")
    station.find_element(By.CSS_SELECTOR, ".knob:last-child input").send_keys(Keys.END)
    until(walk, lambda: figure.get_attribute("data-trial") != first)
    trial = figure.get_attribute("data-trial")
    link = station.find_element(By.LINK_TEXT, "The same in the playground")
    walk.execute_script("arguments[0].scrollIntoView({block: 'center'})", link)
    link.click()
    until(walk, lambda: walk.find_elements(By.CSS_SELECTOR, "#playground[data-trial]"))
    assert walk.find_element(By.ID, "playground").get_attribute("data-trial") == trial
    assert not walk.find_element(By.ID, "complaint").is_displayed()


def test_a_projector_shows_one_thing_at_a_time_in_large_type(walk: Chrome) -> None:
    station = go(walk, "xor")
    size = station.find_element(By.CSS_SELECTOR, ".text p")
    small = size.value_of_css_property("font-size")
    press(walk, "p")
    seen = [parts_in_sight(station)]
    assert float(size.value_of_css_property("font-size")[:-2]) > 1.3 * float(small[:-2])
    assert walk.execute_script(SCROLLED_FORMULAS) == []
    press(walk, Keys.ARROW_RIGHT)
    seen.append(parts_in_sight(station))
    choices(station)[2].click()
    for _ in range(3):
        press(walk, Keys.PAGE_DOWN)
        seen.append(parts_in_sight(station))
    assert seen == [["text"], ["quiz"], ["live"], ["measured"], ["yaml"]]
    press(walk, Keys.PAGE_DOWN)
    assert shown(walk) == ["hidden_units"]
    press(walk, Keys.PAGE_DOWN, Keys.PAGE_DOWN)  # the second shows the answer to what nobody has answered
    other = walk.find_element(By.ID, "hidden_units")
    assert parts_in_sight(other) == ["quiz"]
    assert other.find_element(By.CSS_SELECTOR, "details b").is_displayed()
    press(walk, Keys.PAGE_DOWN)
    assert parts_in_sight(other) == ["live"]
    press(walk, *[Keys.PAGE_UP] * 3)
    assert parts_in_sight(station) == ["yaml"]
    press(walk, Keys.ESCAPE)
    assert len(parts_in_sight(station)) == 5


CUT_OFF = """const done = arguments[0], frame = () => new Promise(requestAnimationFrame);
const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", {key}));
const station = () => [...document.querySelectorAll(".station")].find((one) => !one.hidden);
const part = () => [...station().querySelectorAll(".part")].find((one) => one.offsetHeight > 0);
const wide = (one) => one.scrollHeight > one.clientHeight || one.scrollWidth > one.clientWidth;
const trains = (live) => live?.querySelector(".standing")?.textContent !== "";
(async () => {
  const seen = [], cut = [];
  press("Home");
  for (let before = null; before !== part(); press("ArrowRight")) {
    before = part();
    while (before.matches(".live") && before.querySelector("[data-live]") && !trains(before)) await frame();
    await frame(); await frame();
    seen.push(before.className.split(" ")[1]);
    const also = [document.documentElement, ...before.querySelectorAll("div.formula, .plots, .numbers, figure")];
    if ([before, ...also].some(wide)) cut.push(`${station().id}: ${before.className}, ${before.textContent}`);
    if (before.querySelector(".skip:not([hidden])")) { press("ArrowRight"); await frame(); await frame(); }
    if (wide(before)) cut.push(`${station().id}, answered`);
  }
  done([seen, cut]);
})();"""
"""Goes through all that a projector shows; what does not fit on its screen."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A walk of which every experiment has run, with long answers, and charts of one panel and of three."""
    folder = tmp_path_factory.mktemp("measured")
    entries = {
        name: entry(folder, name.split("/")[-1], f"{LONG * 2}it ends. {LONG * 2}it ends.", 1 + 2 * (number % 2))
        for number, name in enumerate(CONFIGS)
    }
    return write_walk(folder / "lecture.html", files(), entries)


def test_a_slider_keeps_the_arrows_until_escape_and_the_buttons_of_a_presenter_lead_on_from_it(walk: Chrome) -> None:
    station = go(walk, "large_rates")
    choices(station)[0].click()
    press(walk, "p", *[Keys.ARROW_RIGHT] * 2)
    slider = station.find_element(By.CSS_SELECTOR, "input[type=range]")
    slider.send_keys(Keys.ARROW_RIGHT)
    assert parts_in_sight(station) == ["live"]
    assert slider.get_attribute("aria-valuetext") == "0.99"
    slider.send_keys(Keys.PAGE_DOWN)
    assert parts_in_sight(station) == ["measured"]
    assert slider.get_attribute("aria-valuetext") == "0.99"
    press(walk, Keys.PAGE_UP)
    slider.send_keys(Keys.ESCAPE)
    press(walk, Keys.ARROW_RIGHT)
    assert parts_in_sight(station) == ["measured"]


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (1280, 720)])
def test_nothing_is_cut_off_on_the_screen_of_a_projector(walk: Chrome, measured: Path, width: int, height: int) -> None:
    browser.resize(walk, width, height)
    browser.prefer(walk, reduced_motion="reduce")
    walk.get(measured.as_uri())
    press(walk, "p")
    walk.set_script_timeout(300)  # other tests have their turns, too
    seen, cut = walk.execute_async_script(CUT_OFF)
    assert cut == []
    assert seen.count("quiz") == len(STATIONS)
    assert seen.count("measured") == len(CONFIGS)
    assert browser.complaints(walk) == []


def test_a_measured_figure_has_the_colours_of_the_page_and_the_size_of_its_place(walk: Chrome) -> None:
    station = go(walk, "xor")
    station.find_element(By.CSS_SELECTOR, ".skip").click()
    figure = station.find_element(By.CSS_SELECTOR, ".measured svg.marks")
    assert figure.accessible_name == "Loss"
    small = figure.size["width"]
    colours = set()
    for scheme in ("light", "dark"):
        browser.prefer(walk, color_scheme=scheme)
        title = figure.find_element(By.CSS_SELECTOR, ".role-axis-title text")
        colours.add(walk.execute_script("return getComputedStyle(arguments[0]).fill", title))
    assert colours == {
        f"rgb({', '.join(str(int(one[n : n + 2], 16)) for n in (1, 3, 5))})" for one in (INK, IN_THE_DARK[INK])
    }
    browser.resize(walk, 1600, 1200)
    press(walk, "p", *[Keys.ARROW_RIGHT] * 3)
    assert figure.size["width"] > 1.5 * small
    assert station.find_element(By.CSS_SELECTOR, ".measured .answer").is_displayed()


@pytest.mark.parametrize(
    ("width", "scheme", "names"),
    [(390, "light", ["networks"]), (768, "dark", ["number_game"]), (1400, "light", ["start", "xor"])],
)
def test_a_station_fits_every_screen_and_nothing_keeps_anybody_out(
    walk: Chrome, width: int, scheme: str, names: list[str]
) -> None:
    browser.resize(walk, width)
    browser.prefer(walk, reduced_motion="reduce", color_scheme=scheme)
    for name in names:
        station = go(walk, name) if name != "start" else walk.find_element(By.ID, "start")
        for first in choices(station)[:1]:
            first.click()
        assert walk.execute_script("return document.documentElement.scrollWidth") <= width
        assert browser.violations(walk) == []
    walk.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})  # all stations in sight
    assert walk.execute_script(WIDE_FORMULAS) == []


def test_without_scripts_the_whole_lecture_can_be_read(chromium: Chrome, page: Path) -> None:
    browser.reset(chromium)
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        chromium.get(page.as_uri() + "?without")
        assert shown(chromium) == ["start", *NAMES]
        assert chromium.find_element(By.CSS_SELECTOR, "#xor .measured").is_displayed()
        assert "takes scripts" in chromium.find_element(By.CSS_SELECTOR, "#xor .live").text
        assert chromium.find_element(By.CSS_SELECTOR, "#xor .quiz summary").is_displayed()
        assert not chromium.find_element(By.ID, "next").is_displayed()
    finally:
        chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_on_paper_there_are_all_stations_and_nothing_to_press(walk: Chrome) -> None:
    walk.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert shown(walk) == ["start", *NAMES]
    pressed = walk.find_elements(By.CSS_SELECTOR, "#bar button, .live button, .skip")
    assert not any(one.is_displayed() for one in pressed)
    assert walk.find_element(By.CSS_SELECTOR, "#xor .measured").is_displayed()
