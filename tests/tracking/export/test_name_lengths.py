"""A name that is too long for W&B is cut to what it takes, and two that differ stay two."""

from __future__ import annotations

import pytest

from pipeline.tracking.export.name_lengths import LONGEST_JOB_TYPE, LONGEST_NAME, shortened


@pytest.mark.parametrize("text", ["", "linear(cosine)", "x" * LONGEST_JOB_TYPE, "é" * (LONGEST_JOB_TYPE // 2)])
def test_a_name_that_fits_stays_as_it_is(text: str) -> None:
    assert shortened(text, LONGEST_JOB_TYPE) == text


@pytest.mark.parametrize("letter", ["x", "é", "½", "🙂"])
@pytest.mark.parametrize("longest", [LONGEST_JOB_TYPE, LONGEST_NAME])
def test_a_longer_one_is_cut_whatever_its_letters_are(letter: str, longest: int) -> None:
    cut = shortened(letter * (longest + 1), longest)
    assert longest - 4 < len(cut.encode()) <= longest
    assert cut.startswith(letter * 10)
    assert shortened(cut, longest) == cut


def test_names_that_differ_after_the_cut_still_differ() -> None:
    assert shortened("x" * 200 + "a", LONGEST_NAME) != shortened("x" * 200 + "b", LONGEST_NAME)
