"""A page says from which code, packages, machine and configuration its numbers come."""

import re
from dataclasses import replace
from html import unescape

import polars as pl
import yaml

from pipeline.definitions import canonical
from pipeline.plans import read_provenance, write_plan
from pipeline.report.html.run_page import page
from pipeline.report.html.run_provenance import facts

PLANNED = {
    "date": "2026-11-30T08:00:00+00:00",
    "host": "login1",
    "code": "0a1b2c3d4e5f",
    "python": "3.11.7",
    "packages": {"numpy": "2.4.6", "torch": "2.13.0"},
}


def test_date_machine_commit_and_packages_are_shown(run):
    known = dict(facts(run.plan, PLANNED, run.outcomes.with_columns(code=pl.lit(""))))
    assert known["planned"] == "2026-11-30T08:00:00+00:00 on login1"
    assert known["commit"] == "0a1b2c3d4e5f"
    assert known["packages"] == "Python 3.11.7, numpy 2.4.6, torch 2.13.0"


def test_commit_is_that_of_the_code_that_trained(run):
    codes = pl.Series("code", ["feedbeef", ""] * run.outcomes.height)[: run.outcomes.height]
    assert dict(facts(run.plan, PLANNED, run.outcomes.with_columns(codes)))["commit"] == "feedbeef"


def test_trials_that_another_run_has_trained_are_counted_for_it(run):
    outcomes = run.outcomes.with_columns(run=pl.lit(""))
    assert "taken from other runs" not in dict(facts(run.plan, {}, outcomes))
    number = outcomes.height - 1
    taken = outcomes.with_columns(
        run=pl.when(pl.int_range(pl.len()) > 0).then(pl.lit("xor-0a1b2c3d4e")).otherwise(pl.lit(""))
    )
    known = dict(facts(run.plan, {}, taken.with_columns(seconds=pl.lit(2.0))))
    assert known["taken from other runs"] == f"{number} trials from xor-0a1b2c3d4e"
    assert known["training time"] == f"2 s, added over packs; {2 * number} s in the other runs"


def test_what_is_not_known_is_shown_as_unknown(run):
    known = dict(facts(run.plan, {}, run.outcomes.with_columns(code=pl.lit(""))))
    assert [known[name] for name in ("planned", "commit", "packages")] == [
        "unknown",
        "unknown: the code is no checkout",
        "unknown",
    ]


def test_plan_knows_when_and_with_what_it_was_made(run, tmp_path):
    write_plan(run.plan, tmp_path)
    planned = read_provenance(tmp_path)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", planned["date"])
    assert planned["packages"]["polars"] == pl.__version__


def test_configuration_is_there_as_yaml_with_its_defaults_and_as_text(run):
    plan = replace(run.plan, experiment=replace(run.plan.experiment, question="<b>Why?</b>"))
    html = page(run.folder, plan, run.results, run.outcomes, [])
    assert "<b>Why" not in html
    shown = re.search("<summary>.*?<pre [^>]*>(.*?)</pre>", html, re.DOTALL)[1]
    assert yaml.safe_load(unescape(shown)) == canonical(plan.experiment)
