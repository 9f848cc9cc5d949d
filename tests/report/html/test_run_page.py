"""The page shows itself in a browser without a network, and shows hostile text as text."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import re
from dataclasses import replace
from html import escape, unescape

import polars as pl
import pytest
from browser import complaints, prefer, reset, resize, violations
from ended_run import ended
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from synthetic_run import OF_RATES

from pipeline.errors import PipelineError
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan, write_plan
from pipeline.report.figures.catalogue import draw
from pipeline.report.figures.charts import INK, OKABE_ITO
from pipeline.report.figures.figure import FigureSpec
from pipeline.report.html.explored_run import run_data
from pipeline.report.html.run_page import page, write_report
from pipeline.report.tables.results import results
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan

BY_NAME = {figure.name: figure for figure in OF_RATES}
HOSTILE = "<script>alert(1)</script> & [red]more[/red] Donaudampfschifffahrt" + "sgesellschaft" * 9


@pytest.fixture(scope="module")
def written(run):
    """The report of the run, written once."""
    return write_report(run.folder)


@pytest.fixture(scope="module")
def html(written):
    return written.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser(written, chromium) -> webdriver.Chrome:
    """Chromium with the report open and every chart drawn."""
    chromium.get(written.as_uri())
    WebDriverWait(chromium, 200).until(drawn(chromium))
    return chromium


def test_the_report_and_its_pictures_lie_in_the_folder_of_the_run(run, written):
    assert written == run.folder / "report.html"
    for figure in OF_RATES:
        assert (run.folder / "figures" / f"{figure.name}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        spec = json.loads((run.folder / "figures" / f"{figure.name}.json").read_text(encoding="utf-8"))
        assert spec["description"] == f"{figure.title}. {figure.caption_of(spec)}"
    assert not list(run.folder.rglob("*.part"))


def test_every_chart_is_drawn_with_marks_one_can_see(browser):
    charts = browser.find_elements(By.CSS_SELECTOR, ".chart")
    assert [chart.get_attribute("data-name") for chart in charts] == [figure.name for figure in OF_RATES]
    for chart in charts:
        assert chart.get_attribute("data-drawn") == "yes"
        svg = chart.find_element(By.CSS_SELECTOR, "svg.marks")
        assert svg.size["width"] > 300
        assert svg.size["height"] > 200
        script = """return [...arguments[0].querySelectorAll('.mark-line path, .mark-rect path, .mark-symbol path')]
            .map((mark) => mark.getBoundingClientRect()).filter((box) => box.width + box.height > 2).length"""
        assert browser.execute_script(script, svg) >= 4
        words = chart.find_element(By.CSS_SELECTOR, "[role=graphics-document]").get_attribute("aria-label")
        assert words.startswith(BY_NAME[chart.get_attribute("data-name")].title)


def test_the_console_is_silent(browser):
    assert complaints(browser) == []


def test_nothing_is_loaded_from_anywhere(browser):
    entries = browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in entries if not name.startswith("file://")] == []


def test_hostile_text_stays_text(browser, html):
    heading = browser.find_element(By.TAG_NAME, "h1").text
    assert heading == f"Does it work? {HOSTILE}"
    assert HOSTILE in [element.text for element in browser.find_elements(By.TAG_NAME, "pre")]
    assert "<script>alert(1)" not in html
    assert len(browser.find_elements(By.TAG_NAME, "script")) == 4 + len(OF_RATES)


def test_wide_tables_scroll_and_the_page_does_not(browser):
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")


def test_every_trial_is_as_wide_as_the_page_and_what_has_no_room_is_named(browser):
    wide = """const place = document.querySelector("[aria-label='Every trial']");
    return [place.scrollWidth - place.clientWidth, place.parentElement.querySelector("p.quiet").textContent]"""
    resize(browser, 1400)
    beyond, above = browser.execute_script(wide)
    reset(browser)
    assert beyond == 0
    assert above.startswith("The command prints more columns, for which there is no room here: grounds,")


def drawn(browser):
    """Whether every chart is drawn."""
    charts = browser.find_elements(By.CSS_SELECTOR, ".chart")
    return lambda _: all(chart.get_attribute("data-drawn") for chart in charts)


@pytest.fixture(params=[390, 768, 1100, 1400])
def width(request, browser):
    """A screen of this width in pixels, changed while the page is open, as a telephone is turned."""
    resize(browser, request.param)
    WebDriverWait(browser, 200).until(drawn(browser))
    yield request.param
    reset(browser)


TOO_WIDE = """return [...document.querySelectorAll(".chart")].filter((place) => place.scrollWidth > place.clientWidth)
    .map((place) => place.dataset.name)"""
CONTRASTS = """
const light = (colour) => colour.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
const style = (query, name) => [...document.querySelectorAll(query)].map((one) => getComputedStyle(one)[name]);
const paper = light(style("body", "backgroundColor")[0]);
const contrast = (colour) => (Math.max(light(colour), paper) + 0.05) / (Math.min(light(colour), paper) + 0.05);
return [
    Math.min(...style("svg.marks text", "fill").map(contrast)),
    Math.min(...style("svg.marks .mark-line path", "stroke").map(contrast)),
    [...new Set(style("svg.marks", "backgroundColor"))],
];
"""
"""The least contrast of words and of lines with the paper, as WCAG 2.2 defines it, and the grounds of the charts."""
CUT = """return [...document.querySelectorAll("svg.marks")].flatMap((chart) => {
    const frame = chart.getBoundingClientRect();
    const outside = (box) => box.left < frame.left - 1 || box.right > frame.right + 1;
    return [...chart.querySelectorAll("text")].filter((text) => outside(text.getBoundingClientRect()))
        .map((text) => text.textContent);
})"""
"""Words that go beyond the edge of their chart."""


def test_page_and_charts_fit_every_screen_and_can_be_read_on_light_and_dark_ones(browser, width):
    # A trial that cannot be played has no link to do so, and its verdict the whole panel.
    for can_be_played in (True, False):
        browser.execute_script("document.querySelector('.play-trial').hidden = !arguments[0]", can_be_played)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(TOO_WIDE) == []
    assert browser.execute_script(CUT) == []
    for scheme, ground in (("light", "rgb(255, 255, 255)"), ("dark", "rgba(0, 0, 0, 0)")):
        prefer(browser, color_scheme=scheme)
        words, lines, grounds = browser.execute_script(CONTRASTS)
        assert words >= 4.5  # WCAG 2.2, 1.4.3
        assert lines >= (3 if scheme == "dark" else 1.4)  # the yellow of viridis is pale on white
        assert grounds == [ground]


def test_axe_core_finds_nothing_that_keeps_anybody_from_reading_the_page(browser):
    assert violations(browser) == []
    prefer(browser, color_scheme="dark")
    assert violations(browser, runOnly=["color-contrast"]) == []
    reset(browser)


def test_a_figure_has_a_heading_which_is_its_name(browser):
    figures = browser.find_elements(By.CSS_SELECTOR, "figure:has(.chart)")
    assert [figure.accessible_name for figure in figures] == [figure.title for figure in OF_RATES]
    headings = [heading.text for heading in browser.find_elements(By.CSS_SELECTOR, "h2:not(#explorer *)")]
    assert headings[: len(OF_RATES)] == [figure.title for figure in OF_RATES]


LISTEN = """document.activeElement.blur(); scrollTo(0, 0); window.stops = [];
document.addEventListener("focusin", ({target}) => {
    if (target.closest("#explorer")) return;
    const top = (target.closest("table, .chart") ?? target).getBoundingClientRect().top + scrollY;
    window.stops.push([target.tagName.toLowerCase(), top, getComputedStyle(target).outlineStyle]);
});
const all = [...document.querySelectorAll("summary, a, button, input, select, [tabindex='0']")]
    .filter((one) => one.tabIndex >= 0 && one.checkVisibility({visibilityProperty: true}));
return [all.length, all.filter((one) => !one.closest("#explorer")).map((one) => one.tagName.toLowerCase())]"""
"""Notes every stop of the keyboard but those in the explorer, whose columns lie side by side: its name, where on the
page it, its table or its chart begins, and how one sees it."""


def test_a_keyboard_goes_down_the_page_to_every_chart_and_table_and_one_sees_where_it_is(browser):
    number, reached = browser.execute_script(LISTEN)
    browser.switch_to.active_element.send_keys(Keys.TAB * number)
    names, tops, outlines = zip(*browser.execute_script("return window.stops"), strict=True)
    assert list(names) == reached
    assert sorted(tops) == list(tops)
    assert set(outlines) == {"solid"}


ENTRY = ".chart[data-name=error_by_width] .legend-buttons [aria-label='{}']"
LINES_OF = """return [...document.querySelectorAll(".chart[data-name=error_by_width] .mark-line.role-mark path")]
    .map((line) => line.getAttribute("stroke"))"""


def test_an_entry_of_a_legend_hides_its_series_and_shows_it_alone(browser):
    def entry(name):
        return browser.find_element(By.CSS_SELECTOR, ENTRY.format(name))

    def lines_once(button, pressed):  # the chart is drawn before its buttons change
        WebDriverWait(browser, 20, 0.02).until(lambda _: entry(button).get_attribute("aria-pressed") == pressed)
        return browser.execute_script(LINES_OF)

    every = lines_once("shallow(relu)", "true")
    assert [one.text for one in browser.find_elements(By.CSS_SELECTOR, ".legend-hint")] == [
        "Click on an entry of a legend to hide or show it, with Shift or twice to see it alone."
    ]
    labels = entry("shallow(relu)").find_elements(By.XPATH, "../..//*[name()='text']")
    (label,) = [one for one in labels if one.text == "shallow(relu)"]
    assert entry("shallow(relu)").rect["x"] <= label.rect["x"]
    assert entry("shallow(relu)").rect["y"] <= label.rect["y"] + label.rect["height"] / 2
    entry("linear(monomial)").click()
    others = lines_once("linear(monomial)", "false")
    hidden = OKABE_ITO[0]
    assert hidden in every
    assert others == [colour for colour in every if colour != hidden]
    entry("linear(monomial)").send_keys(Keys.SHIFT, Keys.ENTER)
    assert set(lines_once("linear(legendre)", "false")) <= {hidden, INK}
    entry("linear(monomial)").send_keys(Keys.SHIFT, Keys.ENTER)
    assert lines_once("linear(legendre)", "true") == every
    twice = "for (const detail of [1, 2]) arguments[0].dispatchEvent(new MouseEvent('click', {detail}))"
    browser.execute_script(twice, entry("linear(monomial)"))
    assert set(lines_once("linear(legendre)", "false")) <= {hidden, INK}
    browser.execute_script(twice, entry("linear(monomial)"))
    assert lines_once("linear(legendre)", "true") == every
    assert complaints(browser) == []


ROWS_SEEN = """return [...arguments[0].closest("label").nextElementSibling.querySelectorAll("tbody tr")]
    .filter((row) => row.checkVisibility()).map((row) => row.textContent)"""


def test_a_long_table_shows_the_rows_with_every_word_that_is_typed_and_says_how_many(browser):
    field = browser.find_elements(By.CSS_SELECTOR, "label.filter input")[-1]  # of every trial
    rows = browser.execute_script(ROWS_SEEN, field)
    wanted = [row for row in rows if "monomial" in row and "diverged" in row]
    assert 0 < len(wanted) < len(rows) == 24
    field.send_keys("MONOMIAL  diverged")
    said = field.find_element(By.XPATH, "../output").text
    assert browser.execute_script(ROWS_SEEN, field) == wanted
    assert said == f"{len(wanted)} of 24 rows"
    field.send_keys(Keys.CONTROL, "a", Keys.DELETE)
    assert browser.execute_script(ROWS_SEEN, field) == rows


def test_a_run_that_diverged_altogether_has_charts_without_warnings_and_no_colour_bar(browser, tmp_path):
    tables, outcomes = ended(
        lambda trial: math.inf,
        models=(Shallow(), Linear()),
        widths=(2, 4),
        rates=(10.0, 100.0),
        seeds=1,
        also=lambda trial: [(0, "loss", 1.0), (0, "largest_stable_learning_rate", 0.5)],
    )
    write_plan(tables.plan, tmp_path)
    path, window = tmp_path / "diverged.html", browser.current_window_handle
    text = page(tmp_path, tables.plan, tables.results, outcomes, list(draw(tables)), explored=run_data(tables))
    path.write_text(text, encoding="utf-8")
    browser.switch_to.new_window("tab")
    browser.get(path.as_uri())
    WebDriverWait(browser, 60).until(drawn(browser))
    told = complaints(browser)
    words = browser.find_element(By.CSS_SELECTOR, ".chart[data-name=loss_by_rate_and_width]").text
    explored = browser.find_element(By.CSS_SELECTOR, "#explorer .legend").text
    browser.close()
    browser.switch_to.window(window)
    assert told == []
    assert words.count("every trial diverged") == 2
    assert "final loss" not in words
    assert explored == "every trial diverged"


def test_on_paper_there_are_figures_and_answers_and_not_every_trial(browser, run, tmp_path):
    path, shown = tmp_path / "long.html", "return getComputedStyle(document.querySelector(arguments[0])).display"
    path.write_text(page(run.folder, run.plan, pl.concat([run.results] * 25), run.outcomes, []), encoding="utf-8")
    window = browser.current_window_handle
    browser.switch_to.new_window("tab")
    browser.get(path.as_uri())
    on_screen = [browser.execute_script(shown, query) for query in (".scroll.tall", ".on-paper")]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    on_paper = [browser.execute_script(shown, query) for query in (".scroll.tall", ".on-paper")]
    left_out = browser.find_element(By.CSS_SELECTOR, ".on-paper").text
    browser.close()
    browser.switch_to.window(window)
    assert (on_screen, on_paper) == (["block", "none"], ["none", "block"])
    assert left_out == "Left out on paper: 500 rows."


def test_the_page_loads_nothing_and_no_text_becomes_a_script(html):
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    rules = dict(rule.split(" ", 1) for rule in unescape(policy).split("; "))
    assert rules["default-src"] == "'none'"
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    assert rules["script-src"].split() == [f"'sha256-{digest}'" for digest in digests]


def test_data_written_into_the_page_is_json_without_nan(html):
    specs = re.findall(r'<script type="application/json" id="spec-(\w+)">(.*?)</script>', html, flags=re.DOTALL)
    assert [name for name, _ in specs] == [figure.name for figure in OF_RATES]

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    for _, spec in specs:
        assert json.loads(spec, parse_constant=refuse)["description"]


def test_a_label_cannot_end_the_script_that_holds_a_chart(run):
    spec = FigureSpec(OF_RATES[0], {"description": "</script><script>alert(1)</script>"})
    text = page(run.folder, run.plan, run.results, run.outcomes, [spec])
    assert "<script>alert(1)" not in text
    written = re.search(r'id="spec-error_by_width">(.*?)</script>', text).group(1)
    assert json.loads(written) == spec.chart


def test_a_question_in_the_language_of_templates_is_shown_as_it_is(run):
    question = "{{ 7 * 7 }} {% raw %} {# no #} </title>"
    plan = replace(run.plan, experiment=replace(run.plan.experiment, question=question))
    text = page(run.folder, plan, run.results, run.outcomes, [])
    assert f"<title>{escape(question)}</title>" in text
    assert f"<h1>{escape(question)}</h1>" in text


def test_the_page_counts_what_ran_so_far(html):
    assert "20 of 24 trials so far" in html
    for count in ("<b>10</b> done", "<b>8</b> diverged", "<b>2</b> failed", "<b>4</b> pending"):
        assert count in html
    (reason,) = re.findall(r"<p>2 trials:</p><pre [^>]*>(.*?)</pre>", html)
    assert reason == escape(HOSTILE)


@pytest.mark.parametrize("seeds, words", [((0,), "one: 0 of 1 trial so far"), ((0, 1), "one: 0 of 2 trials so far")])
def test_one_trial_is_not_one_trials(tmp_path, run, seeds, words):
    experiment = replace(run.plan.experiment, models=(Linear(),), widths=(2,), learning_rates=(0.5,), seeds=seeds)
    write_plan(make_plan("one", experiment), tmp_path)
    assert words in write_report(tmp_path).read_text(encoding="utf-8")


def test_the_page_begins_with_its_answer_and_the_figure_that_shows_it(html):
    head = html[html.index("<header>") : html.index("</header>")]
    answer = "linear(monomial) has the lowest median test error, 0.0263 (width 4, learning rate 0.5)"
    assert head.index(answer) < head.index('id="spec-error_by_width"') < head.index("<b>10</b> done")
    assert html.count('id="spec-error_by_width"') == 1
    assert (
        "8 trials diverged: all 8 above the predicted limit, as asked for; none of 8 below the predicted limit." in head
    )
    assert html.count('<td class="agrees">agrees (8 of 8 trials)</td>') == 2


def test_what_was_best_is_told_apart_by_all_that_differs(tmp_path, run):
    inputs = replace(run.plan.experiment.inputs, dimension=(1, 2), seed=0)
    experiment = replace(run.plan.experiment, models=(Linear(),), widths=(2,), learning_rates=(0.5,), inputs=inputs)
    plan = make_plan("two", experiment)
    run_plan(plan, tmp_path, TrainingProgress(io.StringIO()))
    write_plan(plan, tmp_path)
    html = write_report(tmp_path).read_text(encoding="utf-8")
    assert "absolute_value, 1 input (0.2" in html
    assert "absolute_value, 2 inputs has the lowest" in html


def test_the_page_says_what_most_of_each_error_is(html):
    assert "<h2>What the error is made of</h2>" in html
    assert "linear(legendre), width 4: 50 % of the squared error is approximation. What lowers it: more width" in html


def test_the_page_says_why_it_says_nothing_of_what_was_computed_in_closed_form(run):
    formula = run.outcomes.with_columns(engine=pl.lit("closed_form"))
    text = page(run.folder, run.plan, results(run.plan, run.records, formula), formula, [])
    assert "20 trials were computed in closed form, which is what theory says" in text
    assert '<td class="agrees">' not in text


def test_the_page_says_where_it_comes_from(html, run):
    for fact in (run.plan.folder_name, "host&lt;1&gt;", "fused", "0.1.0", "10 of 12 ended", "gradient_descent"):
        assert f"<dd>{fact}</dd>" in html


def test_a_long_table_is_cut_and_says_how_to_get_all_of_it(run):
    table = pl.concat([run.results] * 25)
    text = page(run.folder, run.plan, table, run.outcomes, [])
    command = f"<code>python -m pipeline results {run.folder} --json</code>"
    assert f"All of them: {command}" in text
    assert "The first 500 of 600 rows." in text
    assert text.count("<tr>") < 600


def test_a_run_that_has_not_begun_has_a_page(tmp_path, run):
    plan = make_plan("early", replace(run.plan.experiment, question="Is there anything?"))
    write_plan(plan, tmp_path)
    text = write_report(tmp_path).read_text(encoding="utf-8")
    assert "0 of 24 trials so far" in text
    assert 'class="chart"' not in text


def test_a_report_is_made_again_in_place_of_the_old_one(tmp_path, run):
    write_plan(run.plan, tmp_path)
    (tmp_path / "report.html").write_text("old")
    assert write_report(tmp_path).read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_folder_without_a_plan_is_refused(tmp_path):
    with pytest.raises(PipelineError, match=re.escape(f"{str(tmp_path)!r} is not the folder of a run")):
        write_report(tmp_path)
