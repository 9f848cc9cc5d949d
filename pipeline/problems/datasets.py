"""Real tables: those that scikit-learn ships, and any delimited text, Parquet or NPZ file.

Nothing is repaired: a cell that is empty, not a number or infinite is refused with its
file, row and column, and so is a column that cannot be standardised.

Shape letters: R rows of the table.
"""

from __future__ import annotations

import collections
import functools
import hashlib
import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from pipeline.definitions import Definition, table
from pipeline.errors import FieldError, brief
from pipeline.problems.delimited_file import separator_of
from pipeline.problems.losses import Task
from pipeline.problems.table_columns import Decimal
from pipeline.problems.table_files import default_separator, read_bytes, read_table, table_file
from pipeline.problems.table_formats import Layout
from pipeline.problems.table_rows import Matrix, Rows, Split


class Data(Definition, ABC):
    """Table with named inputs and outputs."""

    bounds: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    """Ends between which every input lies after ``split``, if they are known without reading the table."""

    @property
    @abstractmethod
    def task(self) -> Task:
        """What the outputs mean."""

    @property
    @abstractmethod
    def num_rows(self) -> int:
        """Rows of the whole table."""

    @property
    @abstractmethod
    def num_inputs(self) -> int:
        """D, input columns."""

    @property
    @abstractmethod
    def num_outputs(self) -> int:
        """K, outputs: columns, or classes."""

    @abstractmethod
    def split(self, train_rows: NDArray[np.int64], test_rows: NDArray[np.int64]) -> tuple[Split, Split]:
        """Training and held-out rows; what is standardised is standardised on the training rows only.

        Args:
            train_rows: Indices of the training rows.
            test_rows: Indices of the held-out rows.

        Returns:
            Training inputs and targets, then held-out inputs and targets, float64.

        Raises:
            PipelineError: If a column to be standardised is constant in the training rows.
        """

    def outputs(self) -> Matrix:
        """Outputs of all rows, those of classes and labels as ``split`` gives them, ``[R, K]``."""
        rows = np.arange(self.num_rows)
        return self.split(rows, rows[:1])[0][1]

    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs: classes, labels or columns."""
        return tuple(map(str, range(self.num_outputs)))


@final
@dataclass(frozen=True)
class Digits(Data):
    """Handwritten digits, 8 x 8 pixels each, as ten classes: 1797 rows.

    The 64 pixels, known to lie in 0..16, become ``x / 8 - 1`` in [-1, 1]. They are not
    standardised: three pixels are the same in every image, and more in a small training set.

    Source: the test part of "Optical recognition of handwritten digits" (UCI), in scikit-learn.
    """

    task: ClassVar[Task] = Task.CLASSES
    num_rows: ClassVar[int] = 1797  # written down: importing scikit-learn takes a second, and planning need not
    num_inputs: ClassVar[int] = 64
    num_outputs: ClassVar[int] = 10
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def split(self, train_rows: NDArray[np.int64], test_rows: NDArray[np.int64]) -> tuple[Split, Split]:
        inputs_RD, outputs_RK = _digits()
        return (inputs_RD[train_rows], outputs_RK[train_rows]), (inputs_RD[test_rows], outputs_RK[test_rows])


@functools.cache
def _digits() -> Split:
    """Pixels and one-hot classes of all images."""
    from sklearn.datasets import load_digits

    pixels_RD, digits_R = load_digits(return_X_y=True)
    return pixels_RD / 8 - 1, np.eye(10)[digits_R]


@final
@dataclass(frozen=True)
class DigitProperties(Data):
    """Three labels of each of the same handwritten digits: whether it is even, above four, a prime."""

    task: ClassVar[Task] = Task.LABELS
    num_rows: ClassVar[int] = Digits.num_rows
    num_inputs: ClassVar[int] = Digits.num_inputs
    num_outputs: ClassVar[int] = 3

    def split(self, train_rows: NDArray[np.int64], test_rows: NDArray[np.int64]) -> tuple[Split, Split]:
        inputs_RD, classes_RK = _digits()
        digit_R = classes_RK.argmax(axis=1)
        properties = (digit_R % 2 == 0, digit_R > 4, np.isin(digit_R, (2, 3, 5, 7)))
        labels_RK = np.stack(properties, axis=1).astype(np.float64)
        return (inputs_RD[train_rows], labels_RK[train_rows]), (inputs_RD[test_rows], labels_RK[test_rows])


@final
@dataclass(frozen=True)
class Diabetes(Data):
    """Progression of diabetes after one year, from ten measurements of 442 patients.

    Inputs and output are standardised on the training rows, so an error of 1 is the standard
    deviation of the training targets.

    Source: Efron et al., "Least angle regression" (Annals of Statistics, 2004), in scikit-learn.
    """

    task: ClassVar[Task] = Task.REGRESSION
    num_rows: ClassVar[int] = 442
    num_inputs: ClassVar[int] = 10
    num_outputs: ClassVar[int] = 1

    def split(self, train_rows: NDArray[np.int64], test_rows: NDArray[np.int64]) -> tuple[Split, Split]:
        return _diabetes().split(train_rows, test_rows)


@functools.cache
def _diabetes() -> Rows:
    """All rows, in the units of the measurements."""
    from sklearn.datasets import load_diabetes

    # scaled=False: the default is scaled by means and deviations of all 442 rows, the held-out ones among them.
    loaded = load_diabetes(scaled=False)
    names = tuple(loaded.feature_names)
    return Rows("diabetes", loaded.data, loaded.target[:, None], names, ("progression",), Task.REGRESSION)


@final
@dataclass(frozen=True)
class Table(Data):
    """A table of your own: a CSV, TSV, Parquet or NPZ file, and the names of its input and output columns.

    A regression has numbers as outputs, standardised like all inputs on the training
    rows, so an error of 1 is the deviation of the training targets. Classes are one
    column of integers or words, sorted, then one-hot. Labels are columns of 0 and 1, or
    false and true.

    Text is UTF-8 with a header, its fields separated by commas, or by tabs in a TSV file; ``separator``,
    ``decimal`` and ``skip_rows`` say what is otherwise. It may be gzipped. In an NPZ file an array of one
    axis is a column; one of two axes is a block of columns, all meant by the array's name.

    Args:
        path: The file; ``.csv``, ``.tsv``, ``.csv.gz``, ``.tsv.gz``, ``.parquet`` or ``.npz`` says what it is.
        inputs: Columns to predict from, in this order; ``all_but_output`` for all others of the file, in its
            order. A plan names them one by one.
        output: Columns to predict.
        outputs_are: What the outputs mean.
        sha256: Digest of the bytes of the file, unpacked if it is gzipped; filled in where it is empty. It, and
            not the path, is what a trial's id depends on.
        shape: Rows, inputs and outputs, filled in where it is empty. A plan writes digest and
            shape down, so that a run can be reported where the file is not: with both, the
            file is read, and held against them, only when its rows are needed.
        separator: One character between two fields, or ``tab``.
        decimal: What stands before the fraction in a number.
        skip_rows: Lines before the header.

    Raises:
        FieldError: If the file is not what ``sha256`` or ``shape`` says, cannot be read,
            lacks a column, or has a cell or a column that cannot be used.
    """

    path: Path = field(compare=False)
    inputs: tuple[str, ...]
    output: tuple[str, ...]
    outputs_are: Literal["regression", "classes", "labels"] = "regression"
    sha256: str = ""
    shape: tuple[int, ...] = field(default=(), compare=False)
    separator: str = ""
    decimal: Decimal = "."
    skip_rows: int = 0
    not_identity: ClassVar[tuple[str, ...]] = ("path", "shape")
    unsaid: ClassVar[Mapping[str, tuple[Any, ...]]] = {"separator": ("", ","), "decimal": (".",), "skip_rows": (0,)}

    def __post_init__(self) -> None:
        self._resolve_layout()
        if self.inputs == (ALL_BUT_OUTPUT,):
            object.__setattr__(self, "inputs", self._all_but_output())
        named: set[str] = set()
        for where, names in (("inputs", self.inputs), ("output", self.output)):
            if not names:
                raise FieldError((where,), f"{where} names no column", hint="name at least one column of the table")
            for position, name in enumerate(names):
                if name in named:
                    what = f"column {brief(name)!r} is named twice"
                    raise FieldError((where, position), what, hint="name each column once")
                named.add(name)
        if self.shape and (len(self.shape) != 3 or min(self.shape) < 1):
            what = f"{self.shape} is not the shape of a table"
            raise FieldError(("shape",), what, hint="write rows, inputs, outputs, or leave it out")
        if self.sha256 and self.shape:
            return
        if not self.sha256:
            object.__setattr__(self, "sha256", hashlib.sha256(read_bytes(self.path)).hexdigest())
        object.__setattr__(self, "shape", self._rows().shape)

    def _resolve_layout(self) -> None:
        """Fill in the separator, so that tabs are tabs whether they are written or follow from the ending.

        Raises:
            FieldError: If the layout is that of no text, or contradicts itself.
        """
        default = default_separator(self.path)
        if default is None:
            for name in self.unsaid:
                if getattr(self, name) not in self.unsaid[name]:
                    what = f"{name} is for text; {self.path.name} is none"
                    raise FieldError((name,), what, hint=f"leave {name} out")
            return
        object.__setattr__(self, "separator", separator_of(self.separator) or default)
        if self.separator == self.decimal:
            what = f"{self.decimal!r} cannot both separate fields and stand before the fraction of a number"
            hint = "set separator to what is between the fields, such as ';', or decimal to '.'"
            raise FieldError(("decimal",), what, hint=hint)
        if self.skip_rows < 0:
            what = f"skip_rows is a number of lines, not {self.skip_rows!r}"
            raise FieldError(("skip_rows",), what, hint="take 0 for none, or how many lines stand before the header")

    @property
    def layout(self) -> Layout:
        """Layout of the text of the file."""
        return Layout(self.separator or ",", self.decimal, self.skip_rows)

    def _all_but_output(self) -> tuple[str, ...]:
        """All columns but the outputs, unless one has that very name.

        Returns:
            Names in the order of the file.

        Raises:
            FieldError: If there are none, or one has no name or that of another.
        """
        names = table_file(self.path, self.layout).names()
        if ALL_BUT_OUTPUT in names:
            return self.inputs
        if "" in names:
            what = f"{self.path.name}: column {names.index('') + 1} has no name; it may be the number of the row"
            raise FieldError(("inputs",), what, hint="give it a name in the header, or name the inputs one by one")
        inputs = tuple(name for name in names if name not in self.output)
        if not inputs:
            what = f"{self.path.name} has no column but the output"
            raise FieldError(("inputs",), what, hint="give it a column to predict from")
        (name, times), *_ = collections.Counter(inputs).most_common(1)
        if times > 1:
            what = f"{self.path.name} has {times} columns {brief(name)!r}"
            raise FieldError(("inputs",), what, hint="rename all but one, or name the inputs one by one")
        return inputs

    def label(self) -> str:
        """Name of the file and of its inputs and outputs, such as ``wine.csv(alcohol, sugar -> quality)``."""
        inputs = ", ".join(self.inputs) if len(self.inputs) <= 4 else f"{len(self.inputs)} inputs"
        output = ", ".join(self.output) if len(self.output) <= 4 else f"{len(self.output)} outputs"
        return f"{self.path.name}({inputs} -> {output})"

    @property
    def task(self) -> Task:
        return Task(self.outputs_are)

    @property
    def num_rows(self) -> int:
        return self.shape[0]

    @property
    def num_inputs(self) -> int:
        return self.shape[1]

    @property
    def num_outputs(self) -> int:
        return self.shape[2]

    def split(self, train_rows: NDArray[np.int64], test_rows: NDArray[np.int64]) -> tuple[Split, Split]:
        return self._rows().split(train_rows, test_rows)

    def outputs(self) -> Matrix:
        return self._rows().outputs_RK

    def output_names(self) -> tuple[str, ...]:
        return self._rows().output_names

    def _rows(self) -> Rows:
        rows = read_table(self.path, self.sha256, self.inputs, self.output, self.task, self.layout)
        if self.shape and self.shape != rows.shape:
            what = f"{self.path} has rows, inputs, outputs {rows.shape}, not {self.shape}"
            raise FieldError(("shape",), what, hint="leave shape out")
        return rows


ALL_BUT_OUTPUT = "all_but_output"
"""As inputs: every column of the file that is no output."""

DATA = table(Data, sys.modules[__name__])
