"""The playground as a person goes through it: open, choose, drag, draw, play, take it along; by mouse and by keys."""

from __future__ import annotations

import re

import pytest
from browser import addresses, complaints, prefer, reset, resize, violations
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from pipeline.cli import main
from pipeline.config import read_experiment
from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan, write_plan
from pipeline.problems.datasets import Diabetes
from pipeline.problems.targets import Sine
from pipeline.records.store import scan_records
from pipeline.report.figures.charts import OKABE_ITO
from pipeline.report.html.rendering import STATIC
from pipeline.report.playground.playground_page import KINDS, playground_page, summaries, write_playground
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan

CONVERGES, DIVERGES = "Theory: descent converges", "as theory says"
SMALL, LONG = "#num_points=16&width=4&steps=40", "#num_points=16&width=4&steps=100000"
STEP = "return Number(document.getElementById('at').textContent.replace(/\\D/g, ''))"
THUMB = """const slider = arguments[0], part = (slider.value - slider.min) / (slider.max - slider.min);
return part * (slider.clientWidth - 16) + 8 - slider.clientWidth / 2"""
"""Where the thumb of a slider is, from its middle."""
BLANK = """return [...document.querySelectorAll('canvas')].filter((canvas) => canvas.offsetParent && canvas.width > 0
    && new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size < 3)
    .map((canvas) => canvas.id)"""
"""Canvases in sight on which nothing is drawn."""


COUNT = """window.drawn = {};
    const clear = CanvasRenderingContext2D.prototype.clearRect;
    CanvasRenderingContext2D.prototype.clearRect = function (...box) {
        window.drawn[this.canvas.id] = (window.drawn[this.canvas.id] ?? 0) + 1;
        clear.apply(this, box);
    };
    window.written = 0;
    new MutationObserver((changes) => { window.written += changes.length; })
        .observe(document.getElementById("play"), {childList: true, characterData: true, subtree: true});"""
"""Count from now on how often each canvas is drawn, and the button to play is written."""


@pytest.fixture(scope="module")
def plan():
    models, inputs = (Linear(), Shallow()), Inputs(train=(16,))
    return make_plan("waves", Experiment("Which?", models, (3,), (Sine(),), inputs=inputs, steps=60, seeds=2))


@pytest.fixture(scope="module")
def written(plan, tmp_path_factory):
    """The playground of a run, beside its report."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "report.html").write_text("<!doctype html><title>The report</title>", encoding="utf-8")
    return write_playground(folder, plan)


class Visit:
    """What a person does on the open page, and sees there."""

    def __init__(self, chromium, page):
        self.chromium, self.page = chromium, page

    def open(self, end=""):
        self.chromium.get("about:blank")
        self.chromium.get(self.page.as_uri() + end)
        return self

    def find(self, id_):
        return self.chromium.find_element(By.ID, id_)

    def press(self, id_):
        self.find(id_).click()

    def text(self, id_):
        return self.find(id_).text

    @property
    def step(self):
        return self.chromium.execute_script(STEP)

    def until(self, holds):
        return WebDriverWait(self.chromium, 200, poll_frequency=0.02).until(lambda _: holds())

    def until_said(self, id_, text):
        self.until(lambda: text in self.text(id_))

    def field(self, label):
        """The control that a label names."""
        (element,) = self.chromium.find_elements(By.XPATH, f"//form//label[text()='{label}']")
        return self.find(element.get_attribute("for"))

    def choose(self, label, name):
        Select(self.field(label)).select_by_visible_text(name)

    def number(self, name):
        cell = f"//dl[@id='numbers']//dt[text()='{name}']/following-sibling::dd"
        return float(self.chromium.find_element(By.XPATH, cell).text.replace("−", "-"))


@pytest.fixture
def visitor(chromium, written):
    """Somebody who has yet to open the page."""
    yield Visit(chromium, written)
    reset(chromium)


@pytest.fixture
def visit(visitor):
    return visitor.open(SMALL)


def test_it_opens_without_a_network_in_silence_and_every_figure_is_drawn(visit):
    visit.until_said("verdict", CONVERGES)
    visit.until(lambda: visit.chromium.execute_script(BLANK) == [])
    assert complaints(visit.chromium) == []
    assert [address for address in addresses(visit.chromium) if not address.startswith(("file:", "blob:"))] == []
    assert not visit.find("complaint").is_displayed()
    visit.until(lambda: visit.find("loss").get_attribute("aria-label").startswith("Training loss from "))


def test_play_goes_on_pause_stops_step_makes_one_and_reset_begins_again(visitor):
    visit = visitor.open(LONG)
    visit.until_said("verdict", CONVERGES)
    visit.press("step")
    visit.until(lambda: visit.step == 1)
    Select(visit.find("speed")).select_by_value("1")
    visit.press("play")
    visit.until(lambda: visit.text("play") == "Pause")
    visit.until(lambda: visit.step > 5)
    visit.press("play")
    visit.until(lambda: visit.text("play") == "Play")
    visit.press("reset")
    visit.until(lambda: visit.step == 0)


def test_a_frame_draws_what_has_changed_and_is_in_sight_and_nothing_else(visitor):
    visit = visitor.open(LONG)
    resize(visit.chromium, 390, 500)  # a phone, on which the figures stand below each other
    visit.until_said("verdict", CONVERGES)
    visit.press("play")
    visit.chromium.execute_script(COUNT)
    visit.chromium.execute_script("document.getElementById('fit').scrollIntoView({block: 'end'})")

    def drawn_in_thirty_steps():
        visit.chromium.execute_script("window.drawn = {}; window.written = 0")
        begun = visit.step
        visit.until(lambda: visit.step > begun + 30)
        return visit.chromium.execute_script("return Object.keys(window.drawn)")

    # The loss is out of sight, the modes do not change, a line has no sharpness.
    visit.until(lambda: drawn_in_thirty_steps() == ["fit"])
    assert visit.chromium.execute_script("return window.written") == 0
    visit.chromium.execute_script("document.getElementById('loss').scrollIntoView()")
    visit.until(lambda: "loss" in visit.chromium.execute_script("return Object.keys(window.drawn)"))


def test_a_rate_that_is_being_typed_is_left_alone_while_it_plays(visitor):
    visit = visitor.open(LONG + "&model=shallow")  # whose limit moves at every frame
    visit.until_said("verdict", "At these weights")
    visit.press("play")
    field = visit.find("rate-field")
    field.send_keys(Keys.CONTROL + "a")
    field.send_keys("0.0")
    begun = visit.step
    visit.until(lambda: visit.step > begun + 20)
    assert field.get_attribute("value") == "0.0"
    field.send_keys("7" + Keys.ENTER)
    visit.until(lambda: visit.number("learning rate") == 0.07)


def test_play_stops_at_the_last_step_of_the_trial_and_goes_on_beyond_it_if_it_is_asked(visit):
    visit.find("play").send_keys(Keys.SPACE)
    visit.until(lambda: visit.text("play") == "Play" and visit.step == 40)
    visit.press("play")
    visit.until(lambda: visit.step > 60)


def test_the_pointer_is_dragged_past_the_largest_stable_rate_until_descent_diverges_and_back(visitor):
    visit = visitor.open(LONG)
    visit.until_said("verdict", CONVERGES)
    slider, before = visit.find("rate"), visit.number("rate / limit")
    thumb = visit.chromium.execute_script(THUMB, slider)
    limit = visit.find("marker").rect["x"] - slider.rect["x"] - slider.rect["width"] / 2
    visit.press("play")
    drag = ActionChains(visit.chromium).move_to_element_with_offset(slider, int(thumb), 0).click_and_hold()
    drag.move_to_element_with_offset(slider, int(limit) + 40, 0).release().perform()
    visit.until_said("verdict", DIVERGES)
    assert visit.number("rate / limit") > 1 > before
    assert "beyond" in slider.get_attribute("class")
    visit.until(lambda: visit.text("play") == "Play")  # it has stopped by itself
    slider.send_keys(Keys.HOME)
    visit.until_said("verdict", CONVERGES)
    visit.until(lambda: visit.text("play") == "Pause" and visit.step > 5)


def test_a_rate_of_a_thousand_million_diverges_says_so_and_another_goes_on(visitor):
    visit = visitor.open(LONG)
    visit.until_said("verdict", CONVERGES)
    field = visit.find("rate-field")
    field.clear()
    field.send_keys("1e9" + Keys.ENTER)
    visit.press("play")
    visit.until_said("verdict", DIVERGES)
    visit.until(lambda: visit.text("play") == "Play")
    visit.press("play")  # once more, from the start
    visit.until_said("verdict", DIVERGES)
    field.clear()
    field.send_keys("nothing" + Keys.ENTER)
    assert field.get_attribute("aria-invalid") == "true"
    field.clear()
    field.send_keys("0.1" + Keys.ENTER)
    visit.until_said("verdict", CONVERGES)


def test_what_is_chosen_stands_in_the_address_and_is_there_again(visit):
    visit.choose("Function", "runge")
    visit.choose("Model", "shallow")
    visit.choose("activation", "tanh")
    visit.until_said("verdict", "At these weights")
    visit.until(lambda: visit.find("sharpness-figure").is_displayed())
    visit.until(lambda: "activation=tanh" in visit.chromium.current_url)
    address = visit.chromium.current_url
    assert address.split("#")[1].split("&")[0] == "target=runge"
    visit.open(address.removeprefix(visit.page.as_uri()))
    visit.until_said("verdict", "At these weights")
    assert Select(visit.field("activation")).first_selected_option.text == "tanh"
    assert visit.chromium.current_url == address


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        ("#width=%E0", "The address of this page is damaged"),
        ("#target=nonsense", "There is no target called nonsense"),
        ("#drawn=", "The drawing has no points"),
        ("?trial=0123456789abcdef", "There is no trial 0123456789ab… of waves to play here."),
    ],
)
def test_what_an_address_asks_for_in_vain_is_one_sentence_and_the_rest_works(visitor, end, sentence):
    visit = visitor.open(end)
    visit.until_said("complaint", sentence)
    visit.press("step")
    visit.until(lambda: visit.step == 1)


def test_every_trial_of_the_run_opens_from_its_start(visitor, plan):
    for trial in list(plan.trials.values())[::7]:
        visitor.open(f"?trial={trial.id}")
        visitor.until(lambda trial=trial: visitor.find("playground").get_attribute("data-trial") == trial.id)
        assert visitor.number("learning rate") == pytest.approx(trial.learning_rate, rel=1e-2)
        assert not visitor.find("complaint").is_displayed()
    assert (
        visitor.chromium.find_element(By.LINK_TEXT, "The report of waves").get_attribute("href").endswith("report.html")
    )


def test_a_trial_on_a_table_of_many_inputs_opens_and_is_still_there_by_the_address_after_a_change(chromium, tmp_path):
    inputs = Inputs(train=(20,))
    plan = make_plan("patients", Experiment("?", (Shallow(),), (3,), data=(Diabetes(),), inputs=inputs, steps=40))
    id_ = next(iter(plan.trials))
    visit = Visit(chromium, write_playground(tmp_path, plan)).open(f"?trial={id_}")
    visit.until(lambda: visit.find("playground").get_attribute("data-trial") == id_)
    visit.until(lambda: chromium.execute_script(BLANK) == [])  # they are drawn at the next frame of the screen
    visit.choose("Optimizer", "momentum")
    visit.until(lambda: "table=0" in chromium.current_url)
    visit.open(chromium.current_url.removeprefix(visit.page.as_uri()))
    visit.press("play")
    visit.until(lambda: visit.step == 40)
    assert "data: {diabetes: {}}" in visit.text("yaml")
    reset(chromium)


def test_an_optimizer_without_a_largest_stable_rate_plays_with_a_rate_of_its_own(visit):
    visit.choose("Optimizer", "adam")
    visit.until_said("verdict", "For adam no largest stable rate")
    assert visit.number("learning rate") == 0.01
    assert not visit.find("marker").is_displayed()
    visit.choose("Optimizer", "momentum")
    visit.choose("Batch size", "4")
    visit.until_said("verdict", "For minibatches")
    visit.press("play")
    visit.until(lambda: visit.step == 40)
    visit.open(SMALL + "&optimizer=adam")  # an address by hand, without a rate
    visit.until_said("verdict", "For adam no largest stable rate")


def test_a_target_is_drawn_with_the_mouse_and_with_arrow_keys(visit):
    visit.choose("Function", "drawn")
    visit.until_said("complaint", "The drawing has no points")
    pad = visit.find("pad")
    stroke = ActionChains(visit.chromium).move_to_element_with_offset(pad, -150, 40).click_and_hold()
    stroke.move_to_element_with_offset(pad, 0, -60).move_to_element_with_offset(pad, 150, 40).release().perform()
    visit.until(lambda: not visit.find("complaint").is_displayed())
    visit.until_said("verdict", CONVERGES)
    before = visit.text("yaml")
    pad.send_keys(Keys.ARROW_LEFT, Keys.ARROW_UP, Keys.ARROW_UP)
    visit.until(lambda: "drawn=" in visit.chromium.current_url)
    assert re.match(r"at x = −0\.05 the target is ", pad.get_attribute("aria-valuetext"))
    assert "target: {piecewise_linear: {knots: [-0." in before
    assert visit.text("yaml") != before


def test_the_yaml_is_a_sweep_that_runs_and_holds_the_trial_that_was_played(visitor, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    visit = visitor.open(f"{SMALL}&model=shallow&learning_rate=0.25")
    visit.press("play")
    visit.until(lambda: visit.step == 40)
    (tmp_path / "found.yaml").write_text(visit.text("yaml"), encoding="utf-8")
    id_ = visit.find("playground").get_attribute("data-trial")
    planned = make_plan("found", read_experiment(tmp_path / "found.yaml"))
    assert planned.trials[id_].learning_rate == 0.25
    assert main(["plan", "found.yaml"]) == 0
    assert "18 trials" in capsys.readouterr().err
    write_plan(planned, tmp_path / "run")
    run_plan(planned, tmp_path / "run", TrainingProgress())
    records = scan_records(tmp_path / "run").collect()
    loss = records.filter(trial=id_, step=40, diagnostic="loss")["value"].item()
    assert visit.number("training loss") == pytest.approx(loss, rel=6e-3)  # three digits


def test_the_yaml_of_a_drawing_is_saved_and_copied_and_holds_the_trial_that_was_played(visitor, tmp_path):
    behaviour = {"behavior": "allow", "downloadPath": str(tmp_path)}
    visitor.chromium.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
    visit = visitor.open(f"{SMALL}&drawn=-1,0;1,1")
    visit.until_said("verdict", CONVERGES)
    visit.press("download")
    visit.until(lambda: [path.name for path in tmp_path.iterdir()] == ["found.yaml"])
    assert (tmp_path / "found.yaml").read_text(encoding="utf-8").strip() == visit.text("yaml")
    planned = make_plan("found", read_experiment(tmp_path / "found.yaml"))
    assert visit.find("playground").get_attribute("data-trial") in planned.trials
    visit.press("copy")
    visit.until(lambda: re.match(r"Copied the YAML\.|This browser lets no page copy", visit.text("copied")))


def test_every_preset_plays(visit):
    buttons = visit.find("presets").find_elements(By.TAG_NAME, "button")
    assert len(buttons) >= 6
    for button in buttons:
        button.click()
        visit.until(lambda: visit.step > 0)
        assert not visit.find("complaint").is_displayed()


def test_who_wants_little_motion_plays_by_hand_alone(visit):
    prefer(visit.chromium, reduced_motion="reduce")
    visit.find("presets").find_element(By.TAG_NAME, "button").click()
    visit.until_said("verdict", "Theory: descent diverges")
    assert (visit.text("play"), visit.step) == ("Play", 0)


def test_a_browser_without_workers_plays_all_the_same(visitor):
    take_away = {"source": "delete window.Worker"}
    added = visitor.chromium.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", take_away)
    try:
        visitor.open(SMALL)
        visitor.press("play")
        visitor.until(lambda: visitor.step >= 40)
    finally:
        visitor.chromium.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_without_scripts_one_sentence_says_what_is_missing(visitor):
    visitor.chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        visitor.open()
        said = visitor.chromium.find_element(By.CSS_SELECTOR, "noscript .answer").text
        assert said.startswith("The playground trains in this page, which takes scripts")
        assert not visitor.find("play").is_displayed()
    finally:
        visitor.chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize("width", [390, 768, 1400])
def test_it_fits_every_screen_and_a_projector_shows_what_is_played_alone(visit, width):
    resize(visit.chromium, width)
    visit.until_said("verdict", CONVERGES)
    wide = "return document.documentElement.scrollWidth"
    assert visit.chromium.execute_script(wide) <= width
    if width < 720:  # a phone is no projector
        assert not visit.find("large").is_displayed()
        return
    visit.press("large")
    assert not visit.find("choices").is_displayed()
    assert visit.find("fit").is_displayed()
    assert visit.chromium.execute_script(wide) <= width


def test_axe_core_finds_nothing_in_light_or_dark_of_a_line_and_of_the_plane(visitor):
    for end in (SMALL, "#target=xor&model=shallow&num_points=4&loss=half_mean_square&learning_rate=0.3"):
        visitor.open(end)
        visitor.until(lambda: visitor.text("verdict"))
        visitor.chromium.execute_script("document.querySelector('.choices details').open = true")
        assert violations(visitor.chromium) == []
    prefer(visitor.chromium, color_scheme="dark")
    assert violations(visitor.chromium, runOnly=["color-contrast"]) == []


def test_a_keyboard_reaches_every_control(visit):
    visit.until_said("verdict", CONVERGES)
    reachable = "return [...document.querySelectorAll('button, select, input, a, summary, pre, #pad')]"
    shown = [element for element in visit.chromium.execute_script(reachable) if element.is_displayed()]
    seen = set()
    visit.chromium.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
    for _ in shown:
        visit.chromium.switch_to.active_element.send_keys(Keys.TAB)
        seen.add(visit.chromium.switch_to.active_element.id)
    assert {element.id for element in shown} <= seen


def test_every_definition_that_is_chosen_by_name_has_a_sentence():
    told = summaries()
    assert told.keys() == KINDS.keys()
    assert all(sentence and "\n" not in sentence for names in told.values() for sentence in names.values())


def test_the_colours_of_its_figures_are_those_of_the_charts_of_a_report():
    light = (STATIC / "style.css").read_text(encoding="utf-8").split("@media", 1)[0]
    for name, colour in (("blue", 0), ("vermillion", 1), ("green", 2), ("orange", 4)):
        assert f"--{name}: {OKABE_ITO[colour].lower()}" in light


def test_a_report_is_linked_where_there_is_one(plan):
    assert 'href="report.html"' in playground_page(plan, has_report=True)
    assert "report.html" not in playground_page(plan)


def test_hostile_names_stay_text(plan):
    hostile = make_plan("</script><script>alert(1)", plan.experiment)
    page = playground_page(hostile)
    assert "<script>alert(1)" not in page
