"""A table is read as it is or refused with its file, row and column; nothing of the test rows reaches the training."""

import dataclasses
import datetime
import gzip
import hashlib
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_digits

from pipeline.claims.claim import Claim
from pipeline.claims.data_claims import DATA_CLAIMS
from pipeline.definitions import canonical
from pipeline.errors import FieldError, PipelineError
from pipeline.experiment.experiment import Experiment
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan, read_plan, write_plan
from pipeline.problems.datasets import DATA, Data, Diabetes, DigitProperties, Digits, Table
from pipeline.problems.losses import Task
from pipeline.problems.table_files import read_table

FLOWERS = "length,width,kind,tall\n1.5,2,iris,0\n2.5,1e1,rose,true\n-3,.5,iris,False\n4,7,tulip,1\n"


@pytest.fixture(params=[kind for kind in DATA.values() if kind is not Table], ids=lambda kind: kind.name())
def bundled(request: pytest.FixtureRequest) -> Data:
    return request.param()


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    path = tmp_path / "flowers.csv"
    path.write_text(FLOWERS)
    return path


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def everything(data: Data) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and outputs of all rows, the training rows being all but the last."""
    rows = np.arange(data.num_rows)
    train, test = data.split(rows[:-1], rows[-1:])
    return np.concatenate([train[0], test[0]]), np.concatenate([train[1], test[1]])


def refused(make: Callable[[], Any], message: str, path: tuple[str | int, ...] | None = None) -> None:
    with pytest.raises(FieldError, match=f"^{re.escape(message)}$") as error:
        make()
    assert error.value.hint
    if path is not None:
        assert error.value.path == path


# What scikit-learn ships


@pytest.mark.parametrize("claim", DATA_CLAIMS, ids=lambda claim: claim.__name__)
def test_every_claim_of_a_bundled_table_holds_or_is_not_made(bundled: Data, claim: Claim) -> None:
    assert not claim(bundled)


def test_planning_with_a_table_needs_no_scikit_learn() -> None:
    code = (
        "import sys; from pipeline.problems.datasets import Digits; Digits().num_rows; print('sklearn' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout == "False\n"


def test_pixels_lie_between_minus_one_and_one_and_digits_are_one_hot() -> None:
    inputs, outputs = everything(Digits())
    assert Digits().task is Task.CLASSES
    assert (inputs.min(), inputs.max()) == (-1, 1)
    np.testing.assert_array_equal(8 * (inputs + 1), load_digits().data)
    np.testing.assert_array_equal(outputs.argmax(axis=1), load_digits().target)
    assert (outputs.sum(axis=1) == 1).all()


def test_properties_of_digits_are_those_of_the_numbers() -> None:
    even, above_four, prime = everything(DigitProperties())[1].T
    for digit, *said in zip(load_digits().target, even, above_four, prime, strict=True):
        divisors = [number for number in range(1, digit + 1) if digit % number == 0]
        assert said == [digit in range(0, 10, 2), digit in range(5, 10), len(divisors) == 2], digit
    np.testing.assert_array_equal(everything(DigitProperties())[0], everything(Digits())[0])


def test_diabetes_is_the_raw_table_up_to_the_scale_of_each_column() -> None:
    raw = load_diabetes(scaled=False)
    for mine, theirs in zip(everything(Diabetes()), (raw.data, raw.target[:, None]), strict=True):
        mean, deviation = theirs[:-1].mean(axis=0), theirs[:-1].std(axis=0)
        np.testing.assert_allclose(mine, (theirs - mean) / deviation, rtol=1e-12, atol=1e-12)


# Standardisation


def test_training_rows_have_mean_zero_and_deviation_one() -> None:
    rows = np.random.default_rng(0).permutation(442)
    for array in Diabetes().split(rows[:300], rows[300:])[0]:
        np.testing.assert_allclose(array.mean(axis=0), 0, atol=1e-13)
        np.testing.assert_allclose(array.std(axis=0), 1, rtol=1e-13)


def test_test_rows_do_not_touch_the_training_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    values, changed = rng.standard_normal((30, 3)), rng.standard_normal((30, 3))
    changed[:20] = values[:20]
    changed[20:] *= 1000
    tables = []
    for name, array in (("one", values), ("two", changed)):
        np.savez(tmp_path / f"{name}.npz", x=array[:, :2], y=array[:, 2])
        tables.append(Table(tmp_path / f"{name}.npz", ("x",), ("y",)))
    one, two = (data.split(np.arange(20), np.arange(20, 30)) for data in tables)
    for mine, theirs in zip(one[0], two[0], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert not np.array_equal(one[1][0], two[1][0])


def test_outputs_are_standardised_in_a_regression_only(flowers: Path) -> None:
    train, test = np.arange(3), np.arange(3, 4)
    np.testing.assert_allclose(Table(flowers, ("length",), ("width",)).split(train, test)[0][1].std(), 1)
    labels = Table(flowers, ("length",), ("tall",), "labels").split(train, test)
    assert labels[0][1].tolist() == [[0], [1], [0]]
    assert labels[1][1].tolist() == [[1]]
    np.testing.assert_allclose(labels[0][0].std(), 1)


def test_a_small_change_of_a_large_number_survives(tmp_path: Path) -> None:
    times = 1.7e9 + np.arange(4) / 1024
    np.savez(tmp_path / "times.npz", t=times, y=np.arange(4))
    (inputs, outputs), _ = Table(tmp_path / "times.npz", ("t",), ("y",)).split(np.arange(4), np.arange(1))
    np.testing.assert_allclose(inputs, outputs, rtol=1e-15)


def test_a_column_constant_in_the_training_rows_is_refused(flowers: Path) -> None:
    data = Table(write(flowers, "a,b\n1,2\n1,3\n2,4\n"), ("a",), ("b",))
    message = (
        "flowers.csv: column 'a' is the same in all 2 training rows, so it cannot be standardised\n"
        "  hint: raise inputs.train, take another inputs.seed, or leave the column out"
    )
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}$"):
        data.split(np.array([0, 1]), np.array([2]))


# What a file says


def test_classes_are_sorted_and_one_hot(flowers: Path, tmp_path: Path) -> None:
    data = Table(flowers, ("length", "width"), ("kind",), "classes")
    assert (data.task, data.num_rows, data.num_inputs, data.num_outputs) == (Task.CLASSES, 4, 2, 3)
    assert everything(data)[1].tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]  # iris, rose, tulip
    numbers = Table(write(tmp_path / "n.csv", "a,k\n1,10\n2,9\n3,-1\n4,9.0\n"), ("a",), ("k",), "classes")
    assert everything(numbers)[1].argmax(axis=1).tolist() == [2, 1, 0, 1]  # -1, 9, 10


def test_labels_are_zero_and_one_or_false_and_true(flowers: Path) -> None:
    data = Table(flowers, ("length",), ("tall",), "labels")
    assert (data.task, data.num_outputs) == (Task.LABELS, 1)
    assert everything(data)[1][:, 0].tolist() == [0, 1, 0, 1]


def save_npz(path: Path, frame: pl.DataFrame) -> None:
    np.savez(path, **{name: frame[name].to_numpy() for name in frame.columns if frame[name].dtype != pl.String})


@pytest.mark.parametrize("outputs_are", ["regression", "classes", "labels"])
def test_a_table_is_the_same_in_every_format(tmp_path: Path, outputs_are: Any) -> None:
    frame = pl.DataFrame({"a": [0.1, 2.0, -3e-7], "b": [3, 1, 2], "k": [0, 1, 1]})
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    save_npz(tmp_path / "t.npz", frame)
    read = [
        everything(Table(tmp_path / f"t.{kind}", ("b", "a"), ("k",), outputs_are)) for kind in ("csv", "parquet", "npz")
    ]
    for inputs, outputs in read[1:]:
        np.testing.assert_array_equal(inputs, read[0][0])
        np.testing.assert_array_equal(outputs, read[0][1])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=20, unique=True))
def test_numbers_in_text_are_read_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    path = tmp_path_factory.mktemp("bits") / "t.csv"
    path.write_text("a,b\n" + "".join(f"{value!r},{i}\n" for i, value in enumerate(values)))
    data = Table(path, ("a",), ("b",))
    np.testing.assert_array_equal(data._rows().inputs_RD[:, 0], values)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + FLOWERS.encode(),
        FLOWERS.replace("\n", "\r\n").encode(),
        (FLOWERS + "\n\n").encode(),
        FLOWERS.rstrip("\n").encode(),
        FLOWERS.replace(",", " , ").encode(),
        FLOWERS.replace("iris", '"iris"').replace("length", '"length"').encode(),
    ],
    ids=["byte order mark", "windows", "blank end", "no end", "spaces", "quotes"],
)
def test_the_same_table_written_by_another_program_reads_the_same(
    flowers: Path, content: bytes, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_bytes(content)
    one, two = (everything(Table(path, ("length", "width"), ("kind",), "classes")) for path in (flowers, other))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


def test_quotes_keep_commas_and_line_ends_inside_a_cell(tmp_path: Path) -> None:
    path = write(tmp_path / "q.csv", 'a,"b, c",k\n1,2,"x\ny"\n2,5,"say ""z"""\n3,4,z\n')
    assert everything(Table(path, ("a", "b, c"), ("k",), "classes"))[1].argmax(axis=1).tolist() == [1, 0, 2]


def test_the_name_of_a_block_means_all_its_columns(tmp_path: Path) -> None:
    x = np.arange(12.0).reshape(4, 3) ** 2
    np.savez(
        tmp_path / "b.npz",
        x=np.asfortranarray(x),
        y=x[:, :2].astype(">f4"),
        z=np.arange(4, dtype=">i4"),
        other=np.zeros(99),
    )
    data = Table(tmp_path / "b.npz", ("z", "x"), ("y",))
    assert (data.num_inputs, data.num_outputs) == (4, 2)
    inputs, outputs = everything(data)
    np.testing.assert_allclose(outputs, inputs[:, 1:3], rtol=1e-7)
    np.testing.assert_allclose(np.diff(inputs[:, 0], n=2), 0, atol=1e-15)  # 0, 1, 2, 3, in whatever order of bytes


def test_label_names_the_file_and_what_is_predicted(flowers: Path, tmp_path: Path) -> None:
    assert Table(flowers, ("length", "width"), ("kind",), "classes").label() == "flowers.csv(length, width -> kind)"
    wide = write(tmp_path / "wide.csv", "a,b,c,d,e,y\n0,0,0,0,0,0\n1,1,1,1,1,1\n")
    assert Table(wide, tuple("abcde"), ("y",)).label() == "wide.csv(5 inputs -> y)"


# What a table is


def test_digest_is_filled_in_and_is_that_of_the_file(flowers: Path) -> None:
    assert Table(flowers, ("length",), ("width",)).sha256 == hashlib.sha256(flowers.read_bytes()).hexdigest()


def test_same_table_elsewhere_is_the_same_data(flowers: Path, tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    copy = write(tmp_path / "away" / "renamed.csv", FLOWERS)
    here, there = (Table(path, ("length",), ("width",)) for path in (flowers, copy))
    assert here == there
    assert canonical(here, identity=True) == canonical(there, identity=True)
    assert list(canonical(here, identity=True)["table"]) == ["inputs", "output", "outputs_are", "sha256"]


def test_another_content_is_other_data(flowers: Path) -> None:
    before = Table(flowers, ("length",), ("width",))
    after = Table(write(flowers, FLOWERS.replace("2.5", "2.6")), ("length",), ("width",))
    assert canonical(before, identity=True) != canonical(after, identity=True)


def changed(path: Path, before: str) -> str:
    after = hashlib.sha256(path.read_bytes()).hexdigest()
    return (
        f"sha256: the table {path} changed since its sha256 was written down: it was {before}, it is {after}\n"
        "  hint: leave sha256 out to take the table as it is now; its trials are then other trials"
    )


def test_a_table_that_changed_is_refused(flowers: Path) -> None:
    asked_for = Table(flowers, ("length",), ("width",)).sha256
    assert Table(flowers, ("length",), ("width",), sha256=asked_for).num_rows == 4
    write(flowers, FLOWERS.replace("2.5", "2.6"))
    refused(lambda: Table(flowers, ("width",), ("length",), sha256=asked_for), changed(flowers, asked_for), ("sha256",))


def test_a_table_that_changed_on_the_way_to_a_worker_is_refused(flowers: Path) -> None:
    parcel = pickle.dumps(Table(flowers, ("length",), ("width",)))
    code = "import pickle, sys; pickle.load(sys.stdin.buffer).split([0, 1, 2], [3])"
    asked_for = pickle.loads(parcel).sha256
    write(flowers, FLOWERS.replace("2.5", "2.6"))
    worker = subprocess.run([sys.executable, "-c", code], input=parcel, capture_output=True)
    assert changed(flowers, asked_for) in worker.stderr.decode()


def test_no_caller_can_change_the_table_of_another(flowers: Path) -> None:
    data = Table(flowers, ("length",), ("tall",), "labels")
    (inputs, outputs), _ = data.split(np.arange(4), np.arange(1))
    inputs[:], outputs[:] = 99, 99
    assert everything(data)[1][:, 0].tolist() == [0, 1, 0, 1]


# What is refused: text of the file, what the outputs are, the message and the field to blame; inputs a, output y.

NUMBERS = "\n  hint: write numbers like -1.5e3; nothing is filled in here"
CLASSES = "\n  hint: classes are all integers or all words; for numbers, set outputs_are: regression"
LABELS = "\n  hint: write 0 or false, 1 or true"
CONSTANT = "\n  hint: a column that never changes tells nothing; leave it out"
CELLS = {
    "a word": ("a,y\n1,2\nn/a,3\n2,4\n", "regression", "t.csv, line 3, column 'a': 'n/a' is not a number" + NUMBERS),
    "several": (
        "a,y\n1,2\n?,3\n,4\nx,5\n",
        "regression",
        "t.csv, line 3, column 'a': '?' is not a number; 2 more of its cells are no better" + NUMBERS,
    ),
    "empty": ("a,y\n1,2\n2,\n3,4\n", "regression", "t.csv, line 3, column 'y': the cell is empty" + NUMBERS),
    "quoted empty": ('a,y\n1,2\n"",3\n3,4\n', "regression", "t.csv, line 3, column 'a': the cell is empty" + NUMBERS),
    "spaces": ("a,y\n1,2\n  ,3\n3,4\n", "regression", "t.csv, line 3, column 'a': the cell is empty" + NUMBERS),
    "short line": ("a,y\n1,2\n2\n3,4\n", "regression", "t.csv, line 3, column 'y': the cell is empty" + NUMBERS),
    "blank line": (
        "a,y\n1,2\n\n3,4\n",
        "regression",
        "t.csv, line 3, column 'a': the cell is empty" + NUMBERS,
    ),
    "nan": ("a,y\n1,2\nNaN,3\n", "regression", "t.csv, line 3, column 'a': 'NaN' is a missing value" + NUMBERS),
    "infinity": (
        "a,y\n1,-inf\n2,3\n",
        "regression",
        "t.csv, line 2, column 'y': '-inf' is not finite in float64" + NUMBERS,
    ),
    "overflow": (
        "a,y\n1,1e999\n2,3\n",
        "regression",
        "t.csv, line 2, column 'y': '1e999' is not finite in float64" + NUMBERS,
    ),
    "decimal comma": (
        'a,y\n"1,5",2\n2,3\n',
        "regression",
        "t.csv, line 2, column 'a': '1,5' is not a number" + NUMBERS,
    ),
    "after a cell of two lines": (
        'a,note,y\n1,"two\nlines",2\nx,"more\n\nlines",3\n',
        "regression",
        "t.csv, line 4, column 'a': 'x' is not a number" + NUMBERS,
    ),
    "a long cell": (
        f"a,y\n1,2\n{'long' * 100},3\n",
        "regression",
        "t.csv, line 3, column 'a': 'longlonglong...glonglonglong' is not a number" + NUMBERS,
    ),
    "constant input": ("a,y\n1,2\n1.0,3\n", "classes", "t.csv, column 'a': every row holds '1'" + CONSTANT),
    "constant output": ("a,y\n1,2\n2,2\n", "regression", "t.csv, column 'y': every row holds '2'" + CONSTANT),
    "one class": ("a,y\n1,x\n2,x\n", "classes", "t.csv, column 'y': every row holds 'x'" + CONSTANT),
    "one label": ("a,y\n1,true\n2,1\n", "labels", "t.csv, column 'y': every row holds 'true'" + CONSTANT),
    "a fraction as a class": (
        "a,y\n1,1\n2,2.5\n",
        "classes",
        "t.csv, line 3, column 'y': '2.5' is not an integer" + CLASSES,
    ),
    "a word among integers": (
        "a,y\n1,1\n2,NA\n3,2\n",
        "classes",
        "t.csv, line 3, column 'y': 'NA' is not an integer" + CLASSES,
    ),
    "a class too large": (
        "a,y\n1,1\n2,9007199254740994\n",
        "classes",
        "t.csv, line 3, column 'y': '9007199254740994' is larger than the integers that float64 tells apart" + CLASSES,
    ),
    "an empty class": ("a,y\n1,x\n2,\n3,z\n", "classes", "t.csv, line 3, column 'y': the cell is empty" + CLASSES),
    "an empty integer class": (
        "a,y\n1,1\n2,\n3,2\n",
        "classes",
        "t.csv, line 3, column 'y': the cell is empty" + CLASSES,
    ),
    "a two as a label": (
        "a,y\n1,1\n2,2\n3,0\n",
        "labels",
        "t.csv, line 3, column 'y': '2' is neither 0 nor 1" + LABELS,
    ),
    "a yes as a label": (
        "a,y\n1,1\n2,yes\n3,0\n",
        "labels",
        "t.csv, line 3, column 'y': 'yes' is neither 0 nor 1" + LABELS,
    ),
    "an empty label": ("a,y\n1,1\n2,\n3,0\n", "labels", "t.csv, line 3, column 'y': the cell is empty" + LABELS),
}


@pytest.mark.parametrize(("text", "outputs_are", "message"), CELLS.values(), ids=CELLS.keys())
def test_a_cell_or_column_that_cannot_be_used_is_named(
    tmp_path: Path, text: str, outputs_are: Any, message: str
) -> None:
    path = write(tmp_path / "t.csv", text)
    field = ("output", 0) if "column 'y'" in message else ("inputs", 0)
    refused(lambda: Table(path, ("a",), ("y",), outputs_are), f"{field[0]}.0: {message}", field)


HEADERS = {
    "unknown": ("aa,b,y\n1,2,3\n", "inputs.0: t.csv has no column 'a'\n  hint: did you mean 'aa'? known: aa, b, y"),
    "capital": ("A,y\n1,2\n", "inputs.0: t.csv has no column 'a'\n  hint: did you mean 'A'? known: A, y"),
    "twice": ("a,y,a\n1,2,3\n", "inputs.0: t.csv has 2 columns 'a'\n  hint: rename all but one"),
    "semicolons": (
        "a;y\n1;2\n",
        "inputs.0: t.csv has no column 'a'\n"
        "  hint: the header is not separated by commas but by semicolons: set separator: ';'",
    ),
}


@pytest.mark.parametrize(("text", "message"), HEADERS.values(), ids=HEADERS.keys())
def test_a_column_that_is_not_there_is_named(tmp_path: Path, text: str, message: str) -> None:
    refused(lambda: Table(write(tmp_path / "t.csv", text), ("a",), ("y",)), message, ("inputs", 0))


def test_the_nearest_column_is_proposed_in_every_format(flowers: Path, tmp_path: Path) -> None:
    frame = pl.DataFrame({"length": [1.0, 2.0], "width": [1, 2]})
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    save_npz(tmp_path / "t.npz", frame)
    for name in ("t.csv", "t.parquet", "t.npz"):
        message = f"output.0: {name} has no column 'widht'\n  hint: did you mean 'width'? known: length, width"
        refused(lambda name=name: Table(tmp_path / name, ("length",), ("widht",)), message, ("output", 0))


CSV = "write UTF-8 text: a header, then lines of as many fields, separated by commas"
QUOTES = 'within quotes, write a quote twice (""); in a cell that begins without one, write none'
BAD_FILES = {
    "two fields too many": (b"a,y\n1,2\n1,2,3,4\n", "line 3 has 4 fields, the header has 2", CSV),
    "a field too few": (b"a,y,note\n1,2,x\n1,2\n", "line 3 has 2 fields, the header has 3", CSV),
    "quote without end": (b'a,y\n1,2\n"3,4\n', "line 3: the quotes of a cell do not pair: '\"3,4\\n'", QUOTES),
    "empty csv": (b"", "the file is empty", CSV),
    "not utf-8": (b"a,y\n1,2\n\xff,2\n", "line 3: byte 0xff is not UTF-8", CSV),
    "utf-16": ("a,y\n1,2\n".encode("utf-16"), "it is UTF-16, as some programs write for 'Unicode text'", CSV),
    "a workbook": (
        b"PK\x03\x04\x14\x00",
        "it is a ZIP archive, as the workbooks of Excel are",
        "save the sheet as CSV (UTF-8)",
    ),
    "gzipped": (gzip.compress(b"a,y\n1,2\n2,3\n"), "it is gzipped", "name it t.csv.gz"),
}


@pytest.mark.parametrize(("content", "why", "hint"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_broken_csv_file_is_refused_with_the_reason(tmp_path: Path, content: bytes, why: str, hint: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    what = f"path: {path} cannot be read as .csv: {why}\n  hint: {hint}"
    refused(lambda: Table(path, ("a",), ("y",)), what, ("path",))


def test_a_title_before_the_header_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "measured by hand\na,y\n1,2\n2,3\n")
    below = "if the header stands further below, set skip_rows to the number of lines before it"
    message = f"inputs.0: t.csv has no column 'a'\n  hint: known: measured by hand; {below}"
    refused(lambda: Table(path, ("a",), ("y",)), message)
    assert Table(path, ("a",), ("y",), skip_rows=1).num_rows == 2


@pytest.mark.parametrize("kind", ["parquet", "npz"])
@pytest.mark.parametrize("content", [b"", b"a,y\n1,2\n", b"PAR1", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, kind: str, content: bytes) -> None:
    path = tmp_path / f"t.{kind}"
    path.write_bytes(content)
    with pytest.raises(FieldError, match=f"^{re.escape(f'path: {path} cannot be read as .{kind}: ')}.") as error:
        Table(path, ("a",), ("y",))
    assert error.value.hint.startswith("write the file again")


def test_every_cut_of_a_file_is_refused_or_read(tmp_path: Path) -> None:
    """No exception but our own, whatever the file lost."""
    frame = pl.DataFrame({"a": [1.0, 2.0, 3.0], "y": [1, 2, 4]})
    frame.write_parquet(tmp_path / "t.parquet")
    save_npz(tmp_path / "t.npz", frame)
    for path in (tmp_path / "t.parquet", tmp_path / "t.npz"):
        whole = path.read_bytes()
        for length in range(0, len(whole), 37):
            path.write_bytes(whole[:length])
            with pytest.raises(FieldError, match=r"^path: .* cannot be read as "):
                Table(path, ("a",), ("y",))


def test_a_lone_array_under_the_name_of_an_archive_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "t.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    message = (
        f"path: {tmp_path / 't.npz'} cannot be read as .npz: it is one array without a name, as numpy.save writes it\n"
        "  hint: name it by numpy.savez"
    )
    refused(lambda: Table(tmp_path / "t.npz", ("a",), ("y",)), message, ("path",))


COLUMNS = {
    "no input": (
        (),
        ("width",),
        "regression",
        "inputs: inputs names no column\n  hint: name at least one column of the table",
    ),
    "no output": (
        ("width",),
        (),
        "regression",
        "output: output names no column\n  hint: name at least one column of the table",
    ),
    "both": (
        ("length", "width"),
        ("width",),
        "regression",
        "output.0: column 'width' is named twice\n  hint: name each column once",
    ),
    "twice": (
        ("width", "width"),
        ("length",),
        "regression",
        "inputs.1: column 'width' is named twice\n  hint: name each column once",
    ),
    "two columns of classes": (
        ("length",),
        ("kind", "tall"),
        "classes",
        "output: classes are one column, not 2\n  hint: for several yes-or-no columns, set outputs_are: labels",
    ),
}


@pytest.mark.parametrize(("inputs", "output", "outputs_are", "message"), COLUMNS.values(), ids=COLUMNS.keys())
def test_columns_that_make_no_problem_are_refused(
    flowers: Path, inputs: tuple[str, ...], output: tuple[str, ...], outputs_are: Any, message: str
) -> None:
    refused(lambda: Table(flowers, inputs, output, outputs_are), message)


def test_rows_of_binary_files_are_counted_from_one(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1.0, None, 3.0], "y": [1, 2, 3]}).write_parquet(tmp_path / "t.parquet")
    np.savez(tmp_path / "t.npz", x=np.array([[1, 2], [3, np.inf], [5, 6]]), y=np.arange(3))
    message = "inputs.0: t.parquet, row 2, column 'a': the cell is empty" + NUMBERS
    refused(lambda: Table(tmp_path / "t.parquet", ("a",), ("y",)), message)
    message = "inputs.0: t.npz, row 2, column 'x.1': inf is not finite in float64" + NUMBERS
    refused(lambda: Table(tmp_path / "t.npz", ("x",), ("y",)), message)


AXES = "\n  hint: a column has one axis, a block of columns two; of numbers or str"
ARRAYS = {
    "a number": (np.array(3.0), "inputs.0: t.npz: 'a' is 0-dimensional, of float64" + AXES),
    "three axes": (np.zeros((3, 2, 2)), "inputs.0: t.npz: 'a' is 3-dimensional, of float64" + AXES),
    "complex": (np.arange(3) + 1j, "inputs.0: t.npz: 'a' is 1-dimensional, of complex128" + AXES),
    "times": (np.arange(3).astype("M8[s]"), "inputs.0: t.npz: 'a' is 1-dimensional, of datetime64[s]" + AXES),
}


@pytest.mark.parametrize(("array", "message"), ARRAYS.values(), ids=ARRAYS.keys())
def test_an_array_that_is_no_column_is_refused(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.savez(tmp_path / "t.npz", a=array, y=np.arange(3))
    refused(lambda: Table(tmp_path / "t.npz", ("a",), ("y",)), message, ("inputs", 0))


def test_an_array_of_python_objects_is_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", a=np.array([1, "x", None], dtype=object), y=np.arange(3))
    message = (
        "inputs.0: t.npz: 'a' is an array of Python objects\n"
        "  hint: take .astype(float) or .astype(str) of it before numpy.savez"
    )
    refused(lambda: Table(tmp_path / "t.npz", ("a",), ("y",)), message, ("inputs", 0))


def test_dates_and_lists_are_no_inputs(tmp_path: Path) -> None:
    days = [datetime.date(2024, 1, day) for day in (1, 2)]
    pl.DataFrame({"d": days, "l": [[1], [2]], "y": [1, 2]}).write_parquet(tmp_path / "t.parquet")
    for name, kind in (("d", "Date"), ("l", "List(Int64)")):
        message = (
            f"inputs.0: t.parquet, column {name!r}: {kind} is neither a number nor a text\n  hint: write it as numbers"
        )
        refused(lambda name=name: Table(tmp_path / "t.parquet", (name,), ("y",)), message)


# A run without its file


def test_shape_is_filled_in_and_is_no_part_of_the_identity(flowers: Path, tmp_path: Path) -> None:
    read = Table(flowers, ("length", "width"), ("kind",), "classes")
    assert read.shape == (read.num_rows, read.num_inputs, read.num_outputs) == (4, 2, 3)
    given = dataclasses.replace(read, path=tmp_path / "gone.csv")
    assert given == read
    assert canonical(given, identity=True) == canonical(read, identity=True)
    assert "shape" not in canonical(read, identity=True)["table"]


@pytest.mark.parametrize("end", ["moved", "changed"])
def test_plan_is_read_where_its_table_is_not_but_nothing_is_trained(flowers: Path, tmp_path: Path, end: str) -> None:
    written = make_plan("flowers", Experiment("?", (Shallow(),), (2,), data=(Table(flowers, ("length",), ("width",)),)))
    write_plan(written, tmp_path / "run")
    if end == "moved":
        flowers.rename(tmp_path / "elsewhere.csv")
    else:
        flowers.write_text(FLOWERS.replace("1.5", "1.6"))
    read_table.cache_clear()  # as in another process
    plan = read_plan(tmp_path / "run")
    assert list(plan.trials) == list(written.trials)
    assert [pack.id for pack in plan.packs] == [pack.id for pack in written.packs]
    problem = plan.packs[0].shape.problem
    assert problem.label() == "flowers.csv(length -> width)"
    why = "there is no file" if end == "moved" else "changed since its sha256 was written down"
    with pytest.raises(FieldError, match=why):
        problem.load()


def test_table_without_its_file_needs_digest_and_shape(flowers: Path, tmp_path: Path) -> None:
    read = Table(flowers, ("length",), ("width",))
    gone = tmp_path / "gone.csv"
    for given_ in ({"sha256": read.sha256}, {"shape": read.shape}, {}):
        message = f"path: there is no file {gone}\n  hint: look at the path"
        refused(lambda given_=given_: Table(gone, ("length",), ("width",), **given_), message, ("path",))
    assert Table(gone, ("length",), ("width",), sha256=read.sha256, shape=read.shape).num_rows == 4


def test_shape_that_is_not_that_of_the_file_is_refused(flowers: Path) -> None:
    read = Table(flowers, ("length",), ("width",))
    message = f"shape: {flowers} has rows, inputs, outputs (4, 1, 1), not (5, 1, 1)\n  hint: leave shape out"
    refused(lambda: Table(flowers, ("length",), ("width",), shape=(5, 1, 1)), message, ("shape",))
    wrong = dataclasses.replace(read, shape=(5, 1, 1))
    refused(lambda: wrong.split(np.arange(3), np.arange(3, 4)), message, ("shape",))


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 1, 1, 1), (0, 1, 1), (4, -1, 1)])
def test_shape_of_no_table_is_refused(flowers: Path, shape: tuple[int, ...]) -> None:
    message = f"shape: {shape} is not the shape of a table\n  hint: write rows, inputs, outputs, or leave it out"
    refused(lambda: Table(flowers, ("length",), ("width",), shape=shape), message, ("shape",))


# What is said of a text, and what follows from its name


def semicolons(path: Path) -> Path:
    return write(path, "by hand; 2024\n\nlength;width;kind\n1,5;2;iris\n2,5;1e1;rose\n-3;,5;iris\n4;7;tulip\n")


def test_separator_decimal_and_lines_before_the_header_can_be_said(flowers: Path, tmp_path: Path) -> None:
    path = semicolons(tmp_path / "t.csv")
    data = Table(path, ("length", "width"), ("kind",), "classes", separator=";", decimal=",", skip_rows=2)
    plain = Table(flowers, ("length", "width"), ("kind",), "classes")
    for mine, theirs in zip(everything(data), everything(plain), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_lines_are_counted_from_the_top_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "by hand\n\na;y\n1,5;2\n1.5;3\n")
    message = "inputs.0: t.csv, line 5, column 'a': '1.5' is not a number" + NUMBERS.replace(".", ",")
    refused(lambda: Table(path, ("a",), ("y",), separator=";", decimal=",", skip_rows=2), message)
    message = "inputs.0: t.csv, line 4, column 'a': '1,5' is not a number\n"
    message += "  hint: if its comma stands before a fraction, set decimal: ','"
    refused(lambda: Table(path, ("a",), ("y",), separator=";", skip_rows=2), message)


@pytest.mark.parametrize("separator", ["", "tab", "\\t", "\t"])
def test_tabs_follow_from_the_name_or_are_said(tmp_path: Path, separator: str) -> None:
    path = write(tmp_path / ("t.csv" if separator else "t.tsv"), FLOWERS.replace(",", "\t"))
    data = Table(path, ("length", "width"), ("kind",), "classes", separator=separator)
    assert (data.separator, data.shape) == ("\t", (4, 2, 3))


LAYOUTS = {
    "two characters": ({"separator": "::"}, "separator: '::' cannot separate fields"),
    "a quote": ({"separator": '"'}, "separator: '\"' cannot separate fields"),
    "a letter": ({"separator": "x"}, "separator: 'x' cannot separate fields"),
    "no ASCII": ({"separator": "¦"}, "separator: '¦' cannot separate fields"),
    "one comma for two things": (
        {"decimal": ","},
        "decimal: ',' cannot both separate fields and stand before the fraction of a number",
    ),
    "fewer than no lines": ({"skip_rows": -1}, "skip_rows: skip_rows is a number of lines, not -1"),
    "more lines than there are": (
        {"skip_rows": 9},
        "skip_rows: {path} has 5 lines, of which 9 are to be skipped",
    ),
    "all lines": ({"skip_rows": 5}, "skip_rows: {path} has 5 lines, of which 5 are to be skipped"),
}


@pytest.mark.parametrize(("said", "what"), LAYOUTS.values(), ids=LAYOUTS.keys())
def test_a_layout_that_cannot_be_is_refused(flowers: Path, said: dict[str, Any], what: str) -> None:
    with pytest.raises(FieldError, match=f"^{re.escape(what.format(path=flowers))}\n  hint: "):
        Table(flowers, ("length",), ("width",), **said)


@pytest.mark.parametrize("said", [{"separator": ";"}, {"decimal": ","}, {"skip_rows": 1}])
def test_no_layout_is_said_of_what_is_no_text(tmp_path: Path, said: dict[str, Any]) -> None:
    np.savez(tmp_path / "t.npz", a=np.arange(3), y=np.arange(3))
    (name,) = said
    message = f"{name}: {name} is for text; t.npz is none\n  hint: leave {name} out"
    refused(lambda: Table(tmp_path / "t.npz", ("a",), ("y",), **said), message, (name,))


# All columns but the outputs


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "npz"])
def test_all_but_the_output_are_the_other_columns_in_their_order(tmp_path: Path, kind: str) -> None:
    frame = pl.DataFrame({"b": [1, 2, 4], "y": [0, 1, 1], "a": [0.5, 2, 1]})
    frame.write_csv(tmp_path / "t.csv")
    frame.write_csv(tmp_path / "t.tsv", separator="\t")
    frame.write_parquet(tmp_path / "t.parquet")
    save_npz(tmp_path / "t.npz", frame)
    path = tmp_path / f"t.{kind}"
    one, two = Table(path, ("all_but_output",), ("y",)), Table(path, ("b", "a"), ("y",))
    assert one == two
    assert one.inputs == ("b", "a")
    assert canonical(one) == canonical(two)


def test_a_column_may_be_called_all_but_output(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "all_but_output,z,y\n1,2,3\n2,2,4\n")
    assert Table(path, ("all_but_output",), ("y",)).num_inputs == 1


def test_a_column_without_a_name_is_not_taken_unasked(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", ",a,y\n0,2,3\n1,3,4\n")
    message = (
        "inputs: t.csv: column 1 has no name; it may be the number of the row\n"
        "  hint: give it a name in the header, or name the inputs one by one"
    )
    refused(lambda: Table(path, ("all_but_output",), ("y",)), message, ("inputs",))
    assert Table(path, ("a",), ("y",)).num_inputs == 1


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("y\n1\n2\n", "t.csv has no column but the output", "give it a column to predict from"),
        ("a,b,a,y\n1,2,3,4\n5,6,7,8\n", "t.csv has 2 columns 'a'", "rename all but one, or name the inputs one by one"),
    ],
)
def test_all_but_the_output_need_names_of_their_own(tmp_path: Path, text: str, what: str, hint: str) -> None:
    path = write(tmp_path / "t.csv", text)
    refused(lambda: Table(path, ("all_but_output",), ("y",)), f"inputs: {what}\n  hint: {hint}", ("inputs",))


# Identity: what is read, not how that was said


def test_ids_of_tables_are_those_of_before_there_was_a_layout(flowers: Path) -> None:
    said = {"separator": ",", "decimal": ".", "skip_rows": 0}
    for data in (Table(flowers, ("length",), ("width",)), Table(flowers, ("length",), ("width",), **said)):
        assert canonical(data, identity=True)["table"] == {
            "inputs": ["length"],
            "output": ["width"],
            "outputs_are": "regression",
            "sha256": "0c81aaf3fdacecf942df0b919ea7deb5bd4ea99b014d5c4f13643a7e3dbc4249",
        }
        first = next(Experiment("?", (Shallow(),), (2,), data=(data,)).trials())
        assert first.id == "57e4d9d58afea1c047cdc3cb19d869351919fa6d8416d4a732cd4bd6ff2dc64d"


def test_another_reading_of_the_same_bytes_is_other_data(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a;y\n1;2\na;y\n3;4\n5;5\n")
    whole = write(tmp_path / "n.csv", "a;y\n1;2\n3;4\n5;5\n")
    ids = [
        str(canonical(data, identity=True))
        for data in (
            Table(path, ("a",), ("y",), separator=";", skip_rows=2),
            Table(path, ("a",), ("y",), separator=";", skip_rows=2, decimal=","),
            Table(whole, ("a",), ("y",), separator=";"),
        )
    ]
    assert len(set(ids)) == 3
