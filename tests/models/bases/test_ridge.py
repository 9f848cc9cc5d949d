"""Ridges begin at knots that grow ever denser; together they span splines."""

import re

import numpy as np
import pytest
import torch

from pipeline.errors import FieldError
from pipeline.models.bases.ridge import Ridge

LINE = torch.linspace(-1, 1, 1001, dtype=torch.float64)


@pytest.mark.parametrize("power", [1, 2])
def test_functions_are_powers_of_what_lies_beyond_a_knot(power: int) -> None:
    expected = [torch.relu(LINE - knot) ** power for knot in (-1.0, 0.0, -0.5, 0.5, -0.75, 0.25, -0.25, 0.75)]
    torch.testing.assert_close(Ridge(power=power)(LINE, 9), torch.stack([LINE**0, *expected], dim=1), rtol=0, atol=0)


@pytest.mark.parametrize("level", [1, 2, 5])
def test_ridges_of_power_one_span_the_splines_of_their_knots(level: int) -> None:
    """2^level equal cells have 2^level + 1 hat functions, and as many ridges with the constant."""
    knots = np.linspace(-1, 1, 2**level + 1)
    hats = np.stack([np.interp(LINE.numpy(), knots, row) for row in np.eye(len(knots))], axis=1)
    values = Ridge()(LINE, len(knots)).numpy()
    weights = np.linalg.lstsq(values, hats, rcond=None)[0]
    np.testing.assert_allclose(values @ weights, hats, atol=1e-11)


def test_power_that_cannot_be_is_refused() -> None:
    message = "power: power 0 is not at least 1\n  hint: take an integer from 1"
    with pytest.raises(FieldError, match=f"^{re.escape(message)}$"):
        Ridge(power=0)
