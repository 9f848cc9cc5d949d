"""A file or a package is run once, under its digest; what goes wrong in it is one message with its file and line."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.extensions.extension import Extension
from pipeline.extensions.loading import load_file, load_package, loaded, sources

Write = Callable[..., Path]
BODY = "\nclass Nothing: ...\n"


def test_a_file_is_its_definitions_and_the_digest_of_its_bytes(write: Write) -> None:
    path = write()
    made = load_file(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert made.extension == Extension("mine.py", digest, path=path)
    assert [one.name() for one in made.definitions] == ["tent"]
    assert made.definitions[0].code_sha256 == digest
    assert made.files == {"mine.py": path.read_bytes()}


def test_equal_files_are_run_once_and_a_changed_one_lives_beside_the_old(write: Write) -> None:
    (first,) = load_file(write()).definitions
    assert load_file(write()).definitions == (first,)
    path = write()
    path.write_text(path.read_text() + "\n# a remark\n")
    (second,) = load_file(path).definitions
    assert second is not first
    assert second.name() == first.name()
    assert second.code_sha256 != first.code_sha256


def test_no_bytecode_is_left_beside_the_file(write: Write) -> None:
    load_file(write(name="clean.py"))
    assert [path.name for path in write(name="clean.py").parent.iterdir()] == ["clean.py"]


def test_a_missing_file_is_told_with_the_nearest(write: Write, tmp_path: Path, refused: Callable) -> None:
    write()
    with refused(tmp_path / "mime.py", "there is no such file", "did you mean 'mine.py'? known: mine.py"):
        load_file(tmp_path / "mime.py")


def test_a_folder_is_no_file(tmp_path: Path, refused: Callable) -> None:
    with refused(tmp_path, "cannot be read: is a directory", "name a Python file"):
        load_file(tmp_path)


def test_a_syntax_error_is_told_with_its_line(write: Write, refused: Callable) -> None:
    path = write("\ndef f(:\n    pass\n", "syntax.py")
    with refused(f"{path}:9", "not Python: invalid syntax", "mend this line"):
        load_file(path)


def test_an_error_while_it_is_run_is_told_with_the_line_of_the_file_not_of_what_it_called(
    write: Write, refused: Callable
) -> None:
    path = write("\ndef f():\n    return np.zeros(3).reshape(2, 2)\n\nf()\n", "raises.py")
    what = "ValueError: cannot reshape array of size 3 into shape (2,2)"
    with refused(f"{path}:10", what, f"python {path} shows more"):
        load_file(path)
    assert not [name for name in sys.modules if name.startswith("pipeline_ext") and name.endswith(".raises")]


def test_what_exits_is_no_way_out(write: Write, refused: Callable) -> None:
    path = write("\nraise SystemExit(3)\n", "leaves.py")
    with refused(f"{path}:9", "SystemExit: 3", f"python {path} shows more"):
        load_file(path)


def test_what_lies_nowhere_is_told_with_its_line(write: Write, refused: Callable) -> None:
    (write().parent / "folder").mkdir()
    path = write("\nimport folder.within\n", "leans.py")
    hint = "a file may import what is installed, and the files beside it; a folder of files has to be installed"
    with refused(f"{path}:9", "ModuleNotFoundError: No module named 'folder'", hint):
        load_file(path)


def test_a_refusal_of_ours_while_it_is_run_has_the_line_of_the_file(write: Write, refused: Callable) -> None:
    path = write("\nfrom pipeline.problems.targets import Sine\nSine(frequency=-1.0)\n", "sine.py")
    with refused(f"{path}:10", "frequency -1.0 is not positive", "take the number of periods on [-1, 1], above 0"):
        load_file(path)


def test_a_plan_gets_the_file_it_was_made_with_from_its_copy_or_a_refusal(write: Write, refused: Callable) -> None:
    path = write(BODY + "\n# planned\n" + "x = 1\n", "kept.py")
    planned = Extension("kept.py", "0" * 64, path=path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
    what = f"is another file than the one it was planned with (sha256 {digest}, not 0000000000)"
    with refused(path, what, "put the old one back, or run the configuration again"):
        loaded(planned)
    with refused(
        path.parent / "copies" / "kept.py",
        "there is no such file",
        f"no Python file is in {str(path.parent / 'copies')!r}",
    ):
        loaded(planned, path.parent / "copies")


def test_an_installed_package_is_its_version_and_the_digest_of_all_its_python(package: Path) -> None:
    made = load_package("tents")
    assert made.extension.version == "tents-of-mine 1.2"
    assert [one.name() for one in made.definitions] == ["tent"]
    assert made.definitions[0].code_sha256 == made.extension.sha256
    assert not made.files
    assert loaded(made.extension) is made
    (package / "unused.py").write_text("# it counts too\n")
    assert load_package("tents").extension.sha256 != made.extension.sha256


def test_another_version_than_the_planned_one_is_refused(package: Path, refused: Callable) -> None:
    planned = Extension("tents", "0" * 64, "tents-of-mine 1.1")
    what = "was planned with tents-of-mine 1.1, and tents-of-mine 1.2 with another source is installed"
    with refused("tents", what, "install that version, or run the configuration again"):
        loaded(planned)


def test_a_package_that_is_not_installed_or_cannot_be_imported_is_named(package: Path, refused: Callable) -> None:
    message = "no installed package has definitions called 'tent'\n  hint: did you mean 'tents'? known: tents"
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}$"):
        load_package("tent")
    (package / "shapes.py").write_text("import nowhere_to_be_found\n")
    what = "tents cannot be imported: ModuleNotFoundError: No module named 'nowhere_to_be_found'"
    with refused("tents", what, "python -c 'import tents' shows more"):
        load_package("tents")


def test_another_process_unpickles_what_is_made_of_them(write: Write, package: Path) -> None:
    path = write(name="pickled.py")
    used = load_file(path)
    (kind,) = used.definitions
    mine = sources([used.extension, load_package("tents").extension])
    path.unlink()
    sent = pickle.dumps(kind(height=2.0))  # type: ignore[call-arg]
    program = (
        "import pickle, sys\nfrom pipeline.extensions.loading import load_again\n"
        "known, sent = pickle.load(sys.stdin.buffer)\nload_again(known)\none = pickle.loads(sent)\n"
        "print(one.label(), type(one).code_sha256)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps((mine, sent)),
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(package.parent)])},
    )
    assert done.stdout.decode().split() == ["tent(height=2.0)", kind.code_sha256]


def test_of_what_was_loaded_another_process_gets_only_what_is_used(write: Write, package: Path) -> None:
    used = load_file(write(name="used.py"))
    load_package("tents")
    assert [extension for extension, _ in sources([used.extension])] == [used.extension]
