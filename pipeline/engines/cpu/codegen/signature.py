"""What a kernel is told, by name; of every array the type, the order and the size are looked at when it is bound.

A kernel reads numbers at an address. It cannot know whether numbers of its own type lie there: rates in float64, read
as float32, are other rates, and no step would fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

INT64_NAME = "int64"

_NAMES = {np.dtype(name): name for name in ("float32", "float64", INT64_NAME)}
_NAMES |= {np.dtype("uint64"): INT64_NAME}  # bits, to a kernel
_NAMES_OF_TORCH = {torch.float32: "float32", torch.float64: "float64", torch.int64: INT64_NAME}


class Buffer(NamedTuple):
    """Where numbers lie one after another, of what type, how many, and what keeps them there."""

    address: int
    dtype: str
    length: int
    owner: object


ArgumentValue: TypeAlias = int | Buffer | np.ndarray | Tensor
"""A whole number, or an array."""

NO_ARGUMENTS: Mapping[str, ArgumentValue] = MappingProxyType({})


def buffer(array: np.ndarray | Tensor) -> Buffer:
    """The memory of an array, for a kernel that is told of it many times.

    Raises:
        ValueError: If its numbers do not lie one after another.
    """
    return Buffer(*_place_of(array, "array"), array)


def _place_of(array: np.ndarray | Tensor, name: str) -> tuple[int, str, int]:
    """Address, type and length of an array."""
    if isinstance(array, Tensor):
        if array.is_contiguous():
            return array.data_ptr(), _NAMES_OF_TORCH.get(array.dtype) or str(array.dtype), array.numel()
    elif array.flags.c_contiguous:
        return array.ctypes.data, _NAMES.get(array.dtype) or str(array.dtype), array.size
    raise ValueError(f"{name}: its numbers do not lie one after another, where a kernel takes them so")


@dataclass(frozen=True)
class Parameter:
    """A whole number that a kernel takes, or an array.

    Args:
        name: What it is called.
        dtype: Of an array.
        sizes: Whole numbers, or names of such, whose product is the least length of an array.
    """

    name: str
    dtype: str | None = None
    sizes: tuple[int | str, ...] = ()

    def word(self, told: Mapping[str, ArgumentValue], before: Mapping[str, ArgumentValue] = NO_ARGUMENTS) -> int:
        """The number, or the address of the array, where some sizes may have been told before.

        Raises:
            TypeError: If it is not of the type that the kernel takes.
            ValueError: If an array is too short, or does not lie in one piece.
        """
        given = told[self.name]
        if self.dtype is None:
            return _whole(given, self.name)
        if isinstance(given, int):
            raise TypeError(f"{self.name}: a number, where the kernel takes an array of {self.dtype}")
        address, dtype, length = given[:3] if isinstance(given, Buffer) else _place_of(given, self.name)
        if dtype != self.dtype:
            raise TypeError(f"{self.name}: an array of {dtype}, where the kernel takes {self.dtype}")
        if self.sizes and length < (least := self._least(told, before)):
            raise ValueError(f"{self.name}: an array of length {length}, where the kernel takes {least}")
        return address

    def _least(self, told: Mapping[str, ArgumentValue], before: Mapping[str, ArgumentValue]) -> int:
        """The product of the sizes; where a kernel is not told how many there are of something, there is one."""
        least = 1
        for size in self.sizes:
            number = size if isinstance(size, int) else told[size] if size in told else before.get(size, 1)
            least *= _whole(number, str(size))
        return least


def _whole(told: ArgumentValue, name: str) -> int:
    if not isinstance(told, int):
        raise TypeError(f"{name}: an array, where the kernel takes a whole number")
    return told
