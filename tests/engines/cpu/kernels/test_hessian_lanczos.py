"""The largest eigenvalue of a tridiagonal matrix that grows, and the last entry of its eigenvector, are LAPACK's."""

import numpy as np
import pytest

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.hessian_lanczos import Tridiagonal


def grown(diagonal, off_diagonal):
    """The largest eigenvalue and the last entry of its vector, after each row."""
    p = Program("float64")
    matrix = Tridiagonal(p)
    entries, beside, found = (p.array_parameter(name) for name in ("entries", "entries_beside", "found"))
    with p.loop(p.int_parameter("size")) as number:
        matrix.grow(number, entries.load(number))
        matrix.off_diagonal.store(number, beside.load(number))
        found.store(number * 2 + 1, matrix.last_entry(number))
        found.store(number * 2, matrix.largest.get())
    size = len(diagonal)
    arrays = {name: np.zeros(size) for name in ("diagonal", "off_diagonal", "eigenvector")}
    found_S2 = np.zeros((size, 2))
    Kernel(p)(arrays | {"entries": diagonal, "entries_beside": off_diagonal, "found": found_S2, "size": size})
    return found_S2


@pytest.mark.parametrize("scale", [1.0, 1e-12, 1e12])
def test_value_and_last_entry_are_those_of_lapack_at_every_size(scale):
    rng = np.random.default_rng(6)
    diagonal, off_diagonal = scale * rng.standard_normal(12), scale * rng.uniform(0.5, 1, 12)
    for size, (largest, last) in enumerate(grown(diagonal, off_diagonal), 1):
        inner = off_diagonal[: size - 1]
        values, vectors = np.linalg.eigh(np.diag(diagonal[:size]) + np.diag(inner, 1) + np.diag(inner, -1))
        assert largest == pytest.approx(values[-1], rel=1e-14, abs=1e-14 * scale)
        assert abs(last) == pytest.approx(abs(vectors[-1, -1]), rel=1e-9)


def test_the_largest_value_only_grows():
    rng = np.random.default_rng(7)
    largest = grown(rng.standard_normal(20), rng.uniform(0.1, 1, 20))[:, 0]
    assert (np.diff(largest) >= 0).all()
