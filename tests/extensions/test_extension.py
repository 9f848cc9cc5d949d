"""An extension is known by its name and the digest of its source, wherever it lies."""

from pathlib import Path

from pipeline.extensions.extension import Extension


def test_a_name_that_ends_like_a_python_file_is_that_of_a_file() -> None:
    assert Extension("mine.py", "").is_file
    assert not Extension("mine", "").is_file


def test_place_and_version_are_no_part_of_what_it_is() -> None:
    here, there = Extension("mine.py", "0a", path=Path("/here")), Extension("mine.py", "0a", "x 1", Path("/there"))
    assert (here, hash(here)) == (there, hash(there))
    assert here != Extension("mine.py", "0b", path=Path("/here"))


def test_label_is_the_name_or_the_version_of_a_package_and_ten_digits() -> None:
    digest = "0123456789abcdef"
    assert Extension("mine.py", digest).label() == "mine.py (0123456789)"
    assert Extension("mine", digest, "of-mine 1.2").label() == "of-mine 1.2 (0123456789)"
