"""The random words of the shuffle are Philox's, and every number up to a place is as likely as any other."""

import numpy as np

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.fisher_yates import philox
from pipeline.engines.cpu.permutations import permutation_kernel


def test_words_are_those_of_numpys_philox():
    p = Program("float64")
    key, words = p.array_parameter("key", integers=True), p.array_parameter("words", integers=True)
    with p.loop(p.int_parameter("blocks")) as block:
        for n, word in enumerate(philox(p, block + 1, (key.load(0), key.load(1)))):
            words.store(block * 4 + n, word)
    given = np.array([0x0123456789ABCDEF, 0xFEDCBA9876543210], np.uint64)
    found = np.zeros(20, np.uint64)
    Kernel(p)({"key": given, "words": found, "blocks": 5})
    expected = np.random.Philox(key=given).random_raw(20)
    np.testing.assert_array_equal(found, expected)


def test_permutations_of_three_points_come_equally_often():
    number = 6000
    keys = np.random.default_rng(0).integers(0, 1 << 63, 2 * number).astype(np.uint64)
    found = np.zeros(3 * number, np.int64)
    permutation_kernel()(
        {"keys": keys, "permutations": found, "num_points": 3, "kept": 3, "mask": 3, "num_permutations": number}
    )
    _, counts = np.unique(found.reshape(number, 3), axis=0, return_counts=True)
    assert len(counts) == 6
    assert np.abs(counts - 1000).max() < 5 * (1000 * 5 / 6) ** 0.5  # five standard deviations
