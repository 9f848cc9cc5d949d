"""The signature of a kernel: parameters by name, dtype and least length, each checked once when an argument is bound.

A compiled kernel reads numbers at an address. It cannot know whether numbers of its own dtype lie there: float64
learning rates read as float32 are other rates, and no step would fail.
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
    """Contiguous memory: its address, dtype and length, and the array that keeps it alive."""

    address: int
    dtype: str
    length: int
    owner: object


ArgumentValue: TypeAlias = int | Buffer | np.ndarray | Tensor
"""What is passed for a parameter: an integer or an array."""

NO_ARGUMENTS: Mapping[str, ArgumentValue] = MappingProxyType({})


def buffer(array: np.ndarray | Tensor) -> Buffer:
    """The memory of an array that is passed to many calls, looked at once.

    Args:
        array: Contiguous.

    Returns:
        Its address, dtype and length; it keeps the array alive.

    Raises:
        ValueError: If the array is not contiguous.
    """
    return Buffer(*_memory_of(array, "array"), array)


def _memory_of(array: np.ndarray | Tensor, name: str) -> tuple[int, str, int]:
    """Address, dtype and length of an array."""
    if isinstance(array, Tensor):
        if array.is_contiguous():
            return array.data_ptr(), _NAMES_OF_TORCH.get(array.dtype) or str(array.dtype), array.numel()
    elif array.flags.c_contiguous:
        return array.ctypes.data, _NAMES.get(array.dtype) or str(array.dtype), array.size
    raise ValueError(f"{name}: its numbers do not lie one after another, where a kernel takes them so")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a kernel: an integer, or an array of one dtype and a least length.

    Args:
        name: The name that arguments are passed by.
        dtype: ``float32``, ``float64`` or ``int64`` of an array; ``None`` for an integer.
        sizes: Integers, or names of integer parameters, whose product is the least length. Empty where only the
            engine knows it: it allots working memory by the ``buffer_sizes`` of the same kernel spec.
    """

    name: str
    dtype: str | None = None
    sizes: tuple[int | str, ...] = ()

    def checked(self, arguments: Mapping[str, ArgumentValue], bound: Mapping[str, ArgumentValue] = NO_ARGUMENTS) -> int:
        """The machine word that a kernel takes for its argument: the integer, or the address of the array.

        Args:
            arguments: By their names, this one among them.
            bound: Arguments that were bound before, which may be sizes of this one.

        Returns:
            A number of 64 bits.

        Raises:
            TypeError: If it is missing, or not of the dtype of the parameter.
            ValueError: If an array is too short or not contiguous.
        """
        if self.name not in arguments:
            raise TypeError(f"{self.name}: missing, where the kernel takes {self.kind}")
        given = arguments[self.name]
        if self.dtype is None:
            return _integer(given, self.name)
        if isinstance(given, int):
            raise TypeError(f"{self.name}: a number, where the kernel takes {self.kind}")
        address, dtype, length = given[:3] if isinstance(given, Buffer) else _memory_of(given, self.name)
        if dtype != self.dtype:
            raise TypeError(f"{self.name}: an array of {dtype}, where the kernel takes {self.dtype}")
        if self.sizes and length < (least := self._least_length(arguments, bound)):
            raise ValueError(f"{self.name}: an array of length {length}, where the kernel takes {least}")
        return address

    @property
    def kind(self) -> str:
        """What it takes, in words."""
        return "an integer" if self.dtype is None else f"an array of {self.dtype}"

    def _least_length(self, arguments: Mapping[str, ArgumentValue], bound: Mapping[str, ArgumentValue]) -> int:
        """The product of the sizes; one that is no parameter of the kernel counts as 1, as trials do in an update."""
        least = 1
        for size in self.sizes:
            number = size if isinstance(size, int) else arguments[size] if size in arguments else bound.get(size, 1)
            least *= _integer(number, str(size))
        return least


def _integer(argument: ArgumentValue, name: str) -> int:
    if not isinstance(argument, int):
        raise TypeError(f"{name}: an array, where the kernel takes an integer")
    return argument
