"""The page of the command line has every verb with its options, as --help says them."""

import re

import pytest
from reference_pages.verb_page import verb_page

from pipeline.cli import main


def test_every_verb_of_help_has_a_section_with_an_example(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    listed = re.findall(r"^    ([a-z]+)(?: |$)", capsys.readouterr().out, re.MULTILINE)
    page = verb_page()
    assert re.findall(r"^## `(\w+)`$", page, re.MULTILINE) == listed
    assert page.count("```\npython -m pipeline ") == len(listed)


def test_every_option_of_a_verb_is_an_entry(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["submit", "--help"])
    options = set(re.findall(r"(--[a-z-]+)", capsys.readouterr().out)) - {"--help", "--set"}
    section = verb_page().partition("(verb-submit)=")[2].partition("(verb-")[0]
    assert options <= set(re.findall(r"(--[a-z-]+)", section))
