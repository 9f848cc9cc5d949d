"""The largest eigenvalues of a stack of operators, each certified, none spoilt by its neighbours."""

import pytest
import torch
from torch import Tensor

from pipeline.numerics.largest_eigenvalues import MOST_STEPS, KrylovBasis, Product, largest_eigenvalues, start_vectors
from pipeline.numerics.randomness import stream

NUM_ENTRIES = 60
DECAYING = 2.0 ** -torch.arange(NUM_ENTRIES, dtype=torch.float64)


def with_eigenvalues(*spectra: Tensor) -> Tensor:
    """Symmetric matrices of these eigenvalues, turned at random, shape ``[T, N, N]``."""
    rng, found = stream("turned"), []
    for values_N in spectra:
        turn_NN = torch.linalg.qr(torch.from_numpy(rng.standard_normal((len(values_N), len(values_N))))).Q
        found.append(turn_NN * values_N @ turn_NN.mT)
    return torch.stack(found)


def product_of(matrices_TNN: Tensor) -> Product:
    return lambda vectors_TN: (matrices_TNN @ vectors_TN[..., None])[..., 0]


def of_matrices(matrices_TNN: Tensor, **options):
    start_TN = options.pop("start", start_vectors(*matrices_TNN.shape[:2]))
    return largest_eigenvalues(product_of(matrices_TNN), start_TN, **options)


SPECTRA = {
    "decaying": DECAYING,
    "evenly spread": torch.linspace(-1, 1, NUM_ENTRIES, dtype=torch.float64),
    "all negative": -1 - torch.rand(NUM_ENTRIES, dtype=torch.float64, generator=torch.manual_seed(0)),
    "largest in size is negative": torch.cat([torch.tensor([-100.0]), DECAYING[1:]]).double(),
    "largest twice": torch.cat([torch.tensor([1.0, 1.0]), DECAYING[2:]]).double(),
    "of rank one": (torch.arange(NUM_ENTRIES) == 0).double(),
    "identity": torch.ones(NUM_ENTRIES, dtype=torch.float64),
    "huge": 1e150 * DECAYING,
    "tiny": 1e-150 * DECAYING,
}


@pytest.mark.parametrize("spectrum", SPECTRA.values(), ids=SPECTRA.keys())
def test_largest_eigenvalue_is_found_and_certified(spectrum: Tensor) -> None:
    matrices = with_eigenvalues(spectrum)
    found = of_matrices(matrices)
    exact = torch.linalg.eigvalsh(matrices)[0, -1]
    scale = float(spectrum.abs().max())
    assert found.certified_T.all()
    # An error of the order of the square of the residual over the gap, or, where there is no gap, of the residual.
    assert float(found.largest_T[0]) == pytest.approx(float(exact), rel=1e-8, abs=1e-14 * scale)


@pytest.mark.parametrize("spectrum", SPECTRA.values(), ids=SPECTRA.keys())
@pytest.mark.parametrize("most_steps", [1, 3, 10, MOST_STEPS])
def test_residual_is_that_of_the_vector(spectrum: Tensor, most_steps: int) -> None:
    """So an eigenvalue lies within it, and the value is a lower bound of the largest."""
    matrices, scale = with_eigenvalues(spectrum), float(spectrum.abs().max())
    found = of_matrices(matrices, most_steps=most_steps, tolerance=-1.0)
    vector = found.vectors_TN[0]
    assert float(vector.norm()) == pytest.approx(1, rel=1e-13)
    residual = (matrices[0] @ vector - found.largest_T[0] * vector).norm()
    assert float(found.residuals_T[0]) == pytest.approx(float(residual), rel=1e-6, abs=1e-13 * scale)
    values = torch.linalg.eigvalsh(matrices)[0]
    assert (values - found.largest_T[0]).abs().min() <= found.residuals_T[0] + 1e-13 * scale
    assert found.largest_T[0] <= values[-1] + 1e-13 * scale


def test_converged_value_does_not_return_as_another() -> None:
    """Three eigenvalues far above the others would be found again and again without reorthogonalisation."""
    spectrum = torch.cat([torch.tensor([100.0, 90.0, 80.0]), DECAYING[3:]]).double()
    matrices = with_eigenvalues(spectrum)
    krylov = KrylovBasis(product_of(matrices), start_vectors(1, NUM_ENTRIES), NUM_ENTRIES)
    for _ in range(NUM_ENTRIES):
        krylov.advance()
    basis_SN = krylov.basis_TMN[0, :NUM_ENTRIES]
    torch.testing.assert_close(basis_SN @ basis_SN.mT, torch.eye(NUM_ENTRIES).double(), rtol=0, atol=1e-13)
    beside_S = krylov.off_diagonal_TM[0, :-1]
    tridiagonal = torch.diag(krylov.diagonal_TM[0]) + torch.diag(beside_S, 1) + torch.diag(beside_S, -1)
    values = torch.linalg.eigvalsh(tridiagonal).flip(0)
    torch.testing.assert_close(values, spectrum.sort(descending=True).values, rtol=0, atol=1e-12)


def test_numbers_of_a_trial_do_not_depend_on_its_neighbours() -> None:
    """One needs three times the steps of the other; the one that is done keeps what it had."""
    matrices = with_eigenvalues(DECAYING, SPECTRA["evenly spread"], SPECTRA["all negative"])
    together = of_matrices(matrices)
    for trial in range(3):
        alone = of_matrices(matrices[trial : trial + 1])
        assert together.certified_T[trial]
        for name in ("largest_T", "residuals_T", "vectors_TN"):
            one, other = getattr(together, name)[trial], getattr(alone, name)[0]
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12, msg=name)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, 1e300])
def test_operator_that_is_not_finite_is_nan_and_leaves_its_neighbours_alone(bad: float) -> None:
    matrices = with_eigenvalues(DECAYING, DECAYING, DECAYING)
    healthy = of_matrices(matrices)
    matrices[1] = bad
    found = of_matrices(matrices)
    assert not found.certified_T[1] or found.largest_T[1].isfinite()
    if bad != 1e300:  # which is finite, and may or may not overflow on the way
        assert found.largest_T[1].isnan()
        assert found.residuals_T[1].isnan()
    torch.testing.assert_close(found.largest_T[[0, 2]], healthy.largest_T[[0, 2]], rtol=1e-14, atol=0)


def test_operator_of_zeros_has_eigenvalue_zero() -> None:
    found = of_matrices(torch.zeros(2, 5, 5, dtype=torch.float64))
    assert found.largest_T.tolist() == found.residuals_T.tolist() == [0, 0]
    assert found.certified_T.all()


@pytest.mark.parametrize("num_entries", [1, 2, 3, 5])
def test_small_operators_take_as_many_products_as_they_have_entries(num_entries: int) -> None:
    spectra = torch.from_numpy(stream("small", num_entries).standard_normal((4, num_entries)))
    matrices, products = with_eigenvalues(*spectra), []

    def product(vectors_TN: Tensor) -> Tensor:
        products.append(1)
        return product_of(matrices)(vectors_TN)

    found = largest_eigenvalues(product, start_vectors(4, num_entries), tolerance=-1.0)
    values = torch.linalg.eigvalsh(matrices)
    assert len(products) <= num_entries
    torch.testing.assert_close(found.largest_T, values[:, -1], rtol=1e-12, atol=1e-13)


def test_start_inside_an_invariant_space_does_not_hide_what_is_outside() -> None:
    """The space ends after two steps; steps after that look elsewhere."""
    matrices = torch.diag_embed(torch.tensor([[1.0, 2.0, 7.0, 5.0]], dtype=torch.float64))
    start = torch.tensor([[1.0, 1.0, 0.0, 0.0]], dtype=torch.float64)
    assert float(of_matrices(matrices, start=start, tolerance=-1.0).largest_T) == pytest.approx(7, rel=1e-14)


def test_warm_start_needs_fewer_products() -> None:
    matrices, counts = with_eigenvalues(DECAYING, SPECTRA["evenly spread"]), []

    def product(vectors_TN: Tensor) -> Tensor:
        counts.append(1)
        return product_of(matrices)(vectors_TN)

    cold = largest_eigenvalues(product, start_vectors(2, NUM_ENTRIES))
    cold_count = len(counts)
    counts.clear()
    noise = 1e-6 * start_vectors(2, NUM_ENTRIES) / NUM_ENTRIES**0.5
    warm = largest_eigenvalues(product, cold.vectors_TN + noise)
    assert warm.certified_T.all()
    assert len(counts) < cold_count / 2
    torch.testing.assert_close(warm.largest_T, cold.largest_T, rtol=1e-9, atol=0)


def test_too_few_steps_are_no_certificate() -> None:
    found = of_matrices(with_eigenvalues(SPECTRA["evenly spread"]), most_steps=4)
    assert not found.certified_T.any()
    assert 0 < found.largest_T[0] < 1
    assert found.residuals_T[0] > 1e-3


def test_start_is_one_vector_for_all_trials_whatever_their_number() -> None:
    few, many = start_vectors(2, 9), start_vectors(5, 9)
    assert torch.equal(few[0], many[4])
    assert few.dtype == torch.float64


def test_single_precision_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^eigenvalues need float64, not torch.float32$"):
        largest_eigenvalues(lambda vectors: vectors, torch.ones(1, 3))
