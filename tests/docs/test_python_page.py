"""The page of the Python interface has every name that the package offers, with what it takes and gives."""

import re

from reference_pages.python_page import python_page

import pipeline


def test_every_name_has_one_section():
    assert re.findall(r"^## `pipeline\.(\w+)`$", python_page(), re.MULTILINE) == list(pipeline.__all__)


def test_every_public_method_of_a_run_is_described_with_its_arguments():
    page = python_page()
    methods = [name for name in vars(pipeline.Run) if not name.startswith("_")]
    assert methods == re.findall(r"^### `Run\.(\w+)`$", page, re.MULTILINE)
    section = page.partition("### `Run.results`")[2].partition("\n### ")[0]
    assert "run.results(*, where='', select='', sort='', top=None)" in section
    assert all(f"`{name}`\n: " in section for name in ("where", "select", "sort", "top"))
    assert "**Returns.** The axes" in section
    assert "**Raises** `PipelineError`: " in section
