"""Braces stand for what differs from person to person; dollars are the shell's."""

from __future__ import annotations

import re

import pytest

from pipeline.errors import FieldError
from pipeline.launch.clusters.placeholders import check_placeholders, fill


def test_every_placeholder_is_replaced_and_variables_of_the_shell_stay() -> None:
    values = {"user": "ada", "home": "/home/ada"}
    assert fill("{home}/runs/{user}/${NAME}", "folder", values, "soc") == "/home/ada/runs/ada/${NAME}"


def test_a_name_that_is_none_is_refused_with_the_known_ones() -> None:
    check_placeholders("folder", "/scratch/{user}/${ANY}")
    check_placeholders("folder", None)
    with pytest.raises(FieldError, match=re.escape("unknown placeholder {usr}")):
        check_placeholders("folder", "/scratch/{usr}")


@pytest.mark.parametrize(("name", "says"), [("project", "--set cluster.project=..."), ("home", "export HOME=...")])
def test_a_placeholder_without_a_value_says_how_to_give_it_one(name: str, says: str) -> None:
    with pytest.raises(FieldError, match=f"^folder: folder of soc needs a {name}") as refused:
        fill(f"/x/{{{name}}}", "folder", {name: None}, "soc")
    assert says in str(refused.value.hint)
