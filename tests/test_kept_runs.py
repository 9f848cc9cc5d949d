"""Small runs as an earlier version made them: their plans, records and reports are still the same, byte for byte.

``python tests/test_kept_runs.py`` keeps them anew, for a change that is meant to change them.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

from pipeline.cli import main

KEPT = Path(__file__).parent / "kept"
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
