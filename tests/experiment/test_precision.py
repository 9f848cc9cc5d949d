"""Every precision of the arithmetic has one in which numbers are stored."""

from typing import get_args

import torch

from pipeline.experiment.precision import STORED, Dtype


def test_every_dtype_is_stored_in_one_that_pytorch_has():
    assert STORED.keys() == set(get_args(Dtype))
    assert all(getattr(torch, stored).is_floating_point for stored in STORED.values())


def test_what_is_a_format_in_memory_is_stored_as_itself():
    assert {dtype for dtype, stored in STORED.items() if dtype == stored} == {"float32", "float64"}
