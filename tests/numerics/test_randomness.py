"""What a stream gives depends on its name, all of it, and on nothing else."""

import subprocess
import sys

import numpy as np

from pipeline.numerics.randomness import stream


def test_same_name_gives_the_same_numbers_whatever_was_drawn_before() -> None:
    first = stream("trial", 3, "weights").standard_normal(10)
    stream("other").standard_normal(1000)
    np.random.default_rng().random(7)
    np.testing.assert_array_equal(first, stream("trial", 3, "weights").standard_normal(10))


def test_numbers_are_the_same_in_another_process() -> None:
    code = "from pipeline.numerics.randomness import stream; print(stream('a', 1).random().hex())"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == stream("a", 1).random().hex()


def test_bits_are_those_of_the_day_they_were_written_down() -> None:
    """A change here changes every trial of every past experiment."""
    assert [hex(word) for word in stream("trial", 1).bit_generator.random_raw(2)] == [
        "0xbcfba33bae3f657c",
        "0xf3f4c1a884b95a15",
    ]


def test_names_cut_elsewhere_are_other_names() -> None:
    names = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("a", "b", "c"), ("", "abc"), (1, 11), (11, 1), (111,)]
    drawn = {stream(*name).integers(2**63) for name in names}
    assert len(drawn) == len(names)


def test_a_hundred_thousand_streams_start_differently() -> None:
    """32-bit seeds would be expected to collide once: 100,000^2 / 2 pairs in 2^32."""
    drawn = {int(stream("trial", number).integers(2**63)) for number in range(100_000)}
    assert len(drawn) == 100_000


def test_streams_of_neighbouring_names_are_independent() -> None:
    drawn = np.stack([stream("seed", number).standard_normal(1000) for number in range(50)])
    correlation = np.corrcoef(drawn) - np.eye(50)
    assert np.abs(correlation).max() < 5.5 / np.sqrt(1000)  # 1225 pairs: beyond 5.5 deviations once in 20,000
