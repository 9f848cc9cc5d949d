"""A file imports those beside it as a program would: they are part of what it is, of its copy, and of no other file."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.extensions.copies import changed_since, copies_folder, copies_for
from pipeline.extensions.extension import Extension
from pipeline.extensions.loading import load_file, loaded, sources
from pipeline.extensions.neighbours import digest_of, with_neighbours

Write = Callable[..., Path]
WAYS = {
    "import": ("import heights", "heights.TWO"),
    "import as": ("import heights as tall", "tall.TWO"),
    "from import": ("from heights import TWO", "TWO"),
    "from a package": ("from .heights import TWO", "TWO"),
    "from this package": ("from . import heights", "heights.TWO"),
}


def leaning(write: Write, way: str, name: str = "leans.py") -> Path:
    """A file with a target whose height is that of a neighbour, which has it from another one."""
    statement, height = WAYS[way]
    write("TWO = float(second())\n", "heights.py", "from deeper import second\n")
    write("import math\ndef second():\n    return math.floor(2.9)\n", "deeper.py", "")
    body = f"\n{statement}\n\n\n@final\n@dataclass(frozen=True)\nclass Tall(Target):\n    height: float = {height}\n\n"
    return write(f"{body}    def __call__(self, inputs_PD):\n        return self.height * inputs_PD[:, 0]\n", name)


@pytest.mark.parametrize("way", WAYS)
def test_a_file_imports_its_neighbours_and_they_theirs_in_every_way_there_is(write: Write, way: str) -> None:
    made = load_file(leaning(write, way))
    (tall,) = made.definitions
    assert tall().height == 2.0  # type: ignore[attr-defined]
    assert list(made.files) == ["leans.py", "heights.py", "deeper.py"]
    assert not {"heights", "deeper"} & sys.modules.keys()


def test_a_function_may_import_when_it_is_called(write: Write) -> None:
    write("TWO = 2\n", "heights.py", "")
    path = write("\ndef later():\n    from heights import TWO\n    return TWO\n" + TENT_OF_LATER, "late.py")
    (tent,) = load_file(path).definitions
    assert tent()(None) == 2  # type: ignore[call-arg, operator]


TENT_OF_LATER = """
@final
@dataclass(frozen=True)
class Late(Target):
    def __call__(self, inputs_PD):
        return later()
"""


def test_a_changed_neighbour_is_another_extension_that_lives_beside_the_old(write: Write) -> None:
    path = leaning(write, "import")
    old = load_file(path)
    write("TWO = 3.0\n", "heights.py", "")
    new = load_file(path)
    assert old.extension.sha256 != new.extension.sha256
    assert [one.definitions[0]().height for one in (old, new)] == [2.0, 3.0]  # type: ignore[attr-defined]
    write("unused = True\n", "elsewhere.py", "")
    assert load_file(path) is new


def test_what_python_brings_and_this_package_are_no_neighbours(write: Write) -> None:
    path = write("\nimport random\nassert random.random\n" + TENT_OF_LATER, "plain.py")
    for name in ("random.py", "pipeline.py"):
        write("raise SystemExit\n", name, "")
    assert list(load_file(path).files) == ["plain.py"]


def test_a_file_alone_has_the_digest_of_its_bytes_and_no_text_is_no_python(tmp_path: Path) -> None:
    assert digest_of({"a.py": b""}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest_of({"a.py": b"1", "b.py": b""}) != digest_of({"a.py": b"", "b.py": b"1"})
    (tmp_path / "b.py").touch()
    assert list(with_neighbours(tmp_path / "a.py", b"import b\ndef (")) == ["a.py"]
    assert list(with_neighbours(tmp_path / "a.py", b"import b, c.d, b.c")) == ["a.py", "b.py"]


def test_an_error_in_a_neighbour_is_told_with_its_line_and_nothing_is_left_of_it(
    write: Write, refused: Callable
) -> None:
    path = leaning(write, "import")
    deeper = write("def second():\n    raise OverflowError(7)\n", "deeper.py", "")
    before = set(sys.modules)
    with refused(f"{deeper}:2", "OverflowError: 7", f"python {path} shows more"):
        load_file(path)
    assert not {name for name in sys.modules if name.startswith("pipeline_ext")} - before


def test_files_that_import_each_other_are_each_run_once(write: Write) -> None:
    path = leaning(write, "import")
    write("import leans\nTWO = 2.0\n", "heights.py", "")
    assert len(load_file(path).definitions) == 1


def test_a_run_keeps_the_neighbours_and_is_read_with_them(write: Write, tmp_path: Path) -> None:
    path = leaning(write, "from import", "kept.py")
    made = load_file(path)
    run = tmp_path / "run"
    copies_folder(run).mkdir(parents=True)
    for name, source in copies_for([made.extension]).items():
        (copies_folder(run) / name).write_bytes(source)
    assert {copy.name for copy in copies_folder(run).iterdir()} == {"kept.py", "heights.py", "deeper.py"}
    assert changed_since(made.extension, [run]) is None
    (copies_folder(run) / "deeper.py").write_text("second = int\n")
    assert changed_since(made.extension, [run]) == run


def test_another_process_has_the_neighbours_too(write: Write) -> None:
    made = load_file(leaning(write, "import", "sent.py"))
    again = sources([Extension("sent.py", made.extension.sha256)])
    assert [dict(files) for _, files in again] == [dict(made.files)]
    assert pickle.loads(pickle.dumps(again)) == again
    assert loaded(made.extension) is made
