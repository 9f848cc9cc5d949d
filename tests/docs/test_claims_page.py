"""The page of the claims has every module that makes one."""

import inspect

from reference_pages.claims_page import claim_modules, claims_page

from pipeline.report.theory import trial_verdicts
from pipeline.report.theory.stable_rates import GROUNDS


def test_every_claim_that_a_verdict_hears_is_on_the_page():
    heard = [
        function.__module__
        for name, function in inspect.getmembers(trial_verdicts, inspect.isfunction)
        if name.endswith("_verdict") and function.__module__ != trial_verdicts.__name__
    ]
    assert heard
    assert set(heard) <= {module.__name__ for module in claim_modules()}


def test_a_section_is_what_its_module_says_without_its_shape_letters():
    page = claims_page()
    assert "## Stable rates\n\nStable learning rates of linear models:" in page
    assert "Shape letters:" not in page
    assert all(f"`{reason}`\n: " in page for reason in GROUNDS)
