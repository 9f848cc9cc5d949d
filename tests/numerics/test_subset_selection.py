"""Atoms are chosen by the rule that is named, and what they leave is what the best combination leaves."""

import itertools
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.errors import PipelineError
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.bases.wavelet import Haar
from pipeline.numerics.randomness import stream
from pipeline.numerics.subset_selection import (
    MAX_CHOICES,
    Selection,
    best_subset,
    orthogonal_greedy,
    orthogonal_least_squares,
    ridge_rate,
)

RULES = [orthogonal_least_squares, orthogonal_greedy, best_subset]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
Rule = Callable[..., Selection]


def gauss(num_cells: int, num_nodes: int, low: float, high: float) -> tuple[Tensor, Tensor]:
    """Points, and weights of sum ``high - low``."""
    node, weight = np.polynomial.legendre.leggauss(num_nodes)
    ends, size = np.linspace(low, high, num_cells, endpoint=False), (high - low) / num_cells
    points = (ends[:, None] + size * (node + 1) / 2).ravel()
    return torch.from_numpy(points), torch.from_numpy(np.tile(weight * size / 2, num_cells))


def random_dictionary(num_points: int, num_atoms: int, num_targets: int) -> tuple[Tensor, Tensor]:
    rng = stream("dictionary", num_points, num_atoms)
    return (
        torch.from_numpy(rng.standard_normal((num_points, num_atoms))),
        torch.from_numpy(rng.standard_normal((num_points, num_targets))),
    )


def left_by(dictionary: Tensor, targets: Tensor, atoms: tuple[int, ...]) -> float:
    """Norm of the residual of a least-squares fit, by another road: the singular value decomposition."""
    chosen = dictionary[:, list(atoms)].numpy()
    weights = np.linalg.lstsq(chosen, targets.numpy(), rcond=None)[0]
    return float(np.linalg.norm(targets.numpy() - chosen @ weights))


# --- 1 + x^10, where choosing after seeing the target wins ---


def one_plus_power(num_atoms: int = 21) -> tuple[Tensor, Tensor, Tensor]:
    """Monomials and the target at the nodes of a quadrature of [0, 1] that is exact for their products."""
    points, weights = gauss(1, 40, 0, 1)
    return Monomial()(points, num_atoms), (1 + points**10)[:, None], weights


@pytest.mark.reference("greedy_1_plus_x10_selection")
def test_least_squares_rule_finds_the_two_powers_exactly(reference: dict) -> None:
    found = orthogonal_least_squares(*one_plus_power()[:2], 2, one_plus_power()[2])
    assert list(found.atoms) == reference["value"]["orthogonal_least_squares"]
    assert float(found.residual_norms_J[-1]) < 1e-12


@pytest.mark.parametrize("low", [0, -1])
def test_it_finds_them_on_equally_spaced_points_too_where_matching_pursuit_does_not(low: int) -> None:
    points = torch.linspace(low, 1, 101, dtype=torch.float64)
    dictionary, targets = Monomial()(points, 21), (1 + points**10)[:, None]
    assert orthogonal_least_squares(dictionary, targets, 2).atoms == (0, 10)
    pursued = orthogonal_greedy(dictionary, targets, 6, unit_atoms=True)
    assert float(pursued.residual_norms_J[-1]) > 1e-6


@pytest.mark.reference("greedy_1_plus_x10_selection")
@pytest.mark.parametrize(
    ("unit_atoms", "name"), [(True, "OMP_normalised_columns"), (False, "OMP_raw_columns_first8")], ids=["unit", "raw"]
)
def test_matching_pursuit_chooses_as_in_extended_precision(reference: dict, unit_atoms: bool, name: str) -> None:
    dictionary, targets, weights = one_plus_power()
    found = orthogonal_greedy(dictionary, targets, 8, weights, unit_atoms=unit_atoms)
    assert list(found.atoms) == reference["value"][name]


@pytest.mark.reference("dist_1_plus_x10_to_monomials_m*")
def test_distance_to_the_first_monomials_is_the_exact_one(reference: dict, number: int) -> None:
    dictionary, targets, weights = one_plus_power(number)
    found = orthogonal_least_squares(dictionary, targets, number, weights)
    expected = pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])
    assert float(found.residual_norms_J[-1]) == expected


# --- ridges ---


@pytest.mark.reference("oga_predicted_L2_exponent_*")
def test_bound_of_the_rate_on_ridges_is_the_one_of_theory(reference: dict) -> None:
    dimension, power = (int(number) for number in re.findall(r"_[dk](\d+)", reference["name"]))
    assert -ridge_rate(dimension, power) == pytest.approx(reference["value"], rel=1e-15)


def powers_of_relu(values: np.ndarray, power: int) -> Tensor:
    return torch.from_numpy((values > 0).astype(float) if power == 0 else np.maximum(values, 0) ** power)


def on_line(target: Callable[[Tensor], Tensor], power: int) -> tuple[Tensor, Tensor, Tensor]:
    """Ridges relu(+-x + b)^power on [-1, 1]; a fourth of the offsets of the reference, which shifts slopes by 0.06."""
    points, weights = gauss(250, 4, -1, 1)
    offsets, x = np.linspace(-2, 2, 1001), points.numpy()[:, None]
    return powers_of_relu(np.concatenate([x + offsets, offsets - x], axis=1), power), target(points)[:, None], weights


def in_square(target: Callable[[Tensor, Tensor], Tensor], power: int) -> tuple[Tensor, Tensor, Tensor]:
    """Ridges of 64 directions and 64 offsets each on a grid of midpoints of [0, 1]^2."""
    line = (np.arange(40) + 0.5) / 40
    x, y = (side.ravel() for side in np.meshgrid(line, line, indexing="ij"))
    angle = 2 * np.pi * np.arange(64) / 64
    along = np.outer(x, np.cos(angle)) + np.outer(y, np.sin(angle))
    offsets = np.linspace(along.min(axis=0), along.max(axis=0), 64, endpoint=False)
    ridges = powers_of_relu((along[:, :, None] - offsets.T).reshape(len(x), -1), power)
    values = target(torch.from_numpy(x), torch.from_numpy(y))[:, None]
    return ridges, values, torch.full((len(x),), 1 / len(x), dtype=torch.float64)


def in_cube() -> tuple[Tensor, Tensor, Tensor]:
    """Ridges of 400 directions and 12 offsets each at Sobol points of [-1, 1]^3."""
    points = 2 * torch.quasirandom.SobolEngine(3, scramble=True, seed=1).draw(1024, dtype=torch.float64) - 1
    directions = stream("directions").standard_normal((3, 400))
    along = points.numpy() @ (directions / np.linalg.norm(directions, axis=0))
    offsets = np.quantile(along, np.linspace(0, 0.95, 12), axis=0)
    ridges = powers_of_relu((along[:, :, None] - offsets.T).reshape(len(along), -1), 1)
    return ridges, (-points.square().sum(dim=1) / 2).exp()[:, None], torch.full((1024,), 1 / 1024, dtype=torch.float64)


def wave(x: Tensor) -> Tensor:
    return torch.cos(torch.pi * x)


def bell(x: Tensor, y: Tensor) -> Tensor:
    return torch.exp(-4 * ((x - 0.5) ** 2 + (y - 0.5) ** 2))


def ripples(x: Tensor, y: Tensor) -> Tensor:
    return torch.sin(torch.pi * (x + y)) ** 2 * torch.sin(torch.pi * (x - y**2))


MEASURED = {
    "d1_k0_cos(pi x)": (lambda: on_line(wave, 0), 16, 128),
    "d1_k2_cos(pi x)": (lambda: on_line(wave, 2), 16, 128),
    "d1_k1_exp": (lambda: on_line(torch.exp, 1), 16, 128),
    "d2_k0_gauss4": (lambda: in_square(bell, 0), 10, 100),
    "d2_k2_gauss4": (lambda: in_square(bell, 2), 10, 100),
    "d2_k1_sin^2(pi(x+y)) sin(pi(x-y^2))": (lambda: in_square(ripples, 1), 10, 100),
    "d3_k1_exp(-|x|^2/2) on [-1,1]^3": (in_cube, 10, 80),
}


@pytest.mark.reference("oga_measured_exponent_*")
def test_greedy_error_on_ridges_falls_as_measured_before(reference: dict) -> None:
    make, first, last = MEASURED[reference["name"].removeprefix("oga_measured_exponent_")]
    dictionary, targets, weights = make()
    norms = orthogonal_greedy(dictionary, targets, last, weights).residual_norms_J.numpy()
    sizes = np.arange(first, last + 1)
    slope = np.polyfit(np.log(sizes), np.log(norms[first - 1 :]), 1)[0]
    assert slope == pytest.approx(reference["value"], abs=reference["tolerance"]["abs"])


# --- what holds of every choice ---


@each_rule
@pytest.mark.parametrize(("num_points", "num_atoms", "num_targets"), [(30, 7, 1), (30, 7, 3), (5, 9, 2)])
def test_residual_is_that_of_the_least_squares_fit(
    rule: Rule, num_points: int, num_atoms: int, num_targets: int
) -> None:
    dictionary, targets = random_dictionary(num_points, num_atoms, num_targets)
    found = rule(dictionary, targets, 4)
    assert len(set(found.atoms)) == 4
    for step, norm in enumerate(found.residual_norms_J.tolist(), start=1):
        assert norm == pytest.approx(left_by(dictionary, targets, found.atoms[:step]), rel=1e-12)


def test_first_choice_is_the_best_single_atom_and_each_further_one_the_best_to_add() -> None:
    dictionary, targets = random_dictionary(30, 8, 2)
    found = orthogonal_least_squares(dictionary, targets, 5)
    for step in range(5):
        before = found.atoms[:step]
        left = {atom: left_by(dictionary, targets, (*before, atom)) for atom in range(8) if atom not in before}
        assert found.atoms[step] == min(left, key=left.__getitem__)


@pytest.mark.parametrize("num_targets", [1, 3])
def test_search_of_all_choices_is_never_worse_and_finds_the_best(num_targets: int) -> None:
    dictionary, targets = random_dictionary(30, 8, num_targets)
    for num_atoms in (1, 2, 3, 8):
        best = best_subset(dictionary, targets, num_atoms)
        least = min(left_by(dictionary, targets, atoms) for atoms in itertools.combinations(range(8), num_atoms))
        assert float(best.residual_norms_J[-1]) == pytest.approx(least, rel=1e-12)
        for rule in (orthogonal_least_squares, orthogonal_greedy):
            assert float(rule(dictionary, targets, num_atoms).residual_norms_J[-1]) >= least * (1 - 1e-12)


def test_search_agrees_with_the_least_squares_rule_on_the_two_powers() -> None:
    dictionary, targets, weights = one_plus_power()
    found = best_subset(dictionary, targets, 2, weights)
    assert found.atoms == (0, 10)
    assert float(found.residual_norms_J[-1]) < 1e-12


def test_search_finds_a_pair_that_no_greedy_rule_can() -> None:
    """Two atoms that make the target between them, and a third that is alone closer to it than either."""
    dictionary = torch.tensor([[1.0, 0.0, 0.9], [0.0, 1.0, 0.9], [1.0, -1.0, 0.1]], dtype=torch.float64)
    targets = torch.tensor([[1.0], [1.0], [0.0]], dtype=torch.float64)
    assert set(best_subset(dictionary, targets, 2).atoms) == {0, 1}
    assert orthogonal_least_squares(dictionary, targets, 2).atoms[0] == 2


@pytest.mark.parametrize("basis", [Cosine(), Haar()], ids=lambda basis: basis.name())
def test_of_an_orthonormal_dictionary_all_rules_choose_the_largest_coefficients(basis: Cosine | Haar) -> None:
    points, weights = gauss(64, 4, -1, 1)
    dictionary = basis(points, 16)
    coefficients = torch.from_numpy(stream("coefficients").standard_normal((16, 1)))
    largest = tuple(coefficients[:, 0].abs().argsort(descending=True)[:5].tolist())
    for rule in (orthogonal_least_squares, orthogonal_greedy):
        found = rule(dictionary, dictionary @ coefficients, 5, weights / 2)
        assert found.atoms == largest
        rest = coefficients[[atom for atom in range(16) if atom not in largest]]
        assert float(found.residual_norms_J[-1]) == pytest.approx(float(torch.linalg.norm(rest)), rel=1e-12)


@each_rule
def test_weights_count_points_as_often_as_they_say(rule: Rule) -> None:
    dictionary, targets = random_dictionary(9, 6, 1)
    times = torch.tensor([1, 2, 3, 1, 1, 2, 1, 1, 4])
    repeated = rule(dictionary.repeat_interleave(times, dim=0), targets.repeat_interleave(times, dim=0), 3)
    weighted = rule(dictionary, targets, 3, times.double())
    assert weighted.atoms == repeated.atoms
    torch.testing.assert_close(weighted.residual_norms_J, repeated.residual_norms_J, rtol=1e-12, atol=0)


@each_rule
def test_dictionary_and_targets_are_left_as_they_were(rule: Rule) -> None:
    dictionary, targets = random_dictionary(9, 6, 1)
    before = dictionary.clone(), targets.clone()
    rule(dictionary, targets, 3)
    assert torch.equal(dictionary, before[0])
    assert torch.equal(targets, before[1])


@pytest.mark.parametrize("rule", RULES[:2], ids=lambda rule: rule.__name__)
def test_atoms_that_depend_on_chosen_ones_and_atoms_of_zero_are_never_chosen(rule: Rule) -> None:
    dictionary, targets = random_dictionary(30, 3, 1)
    copies = torch.cat([torch.zeros(30, 1).double(), dictionary, 2 * dictionary, dictionary.sum(1, keepdim=True)], 1)
    found = rule(copies, targets, 8)
    assert len(found.atoms) == len(found.residual_norms_J) == 3
    assert 0 not in found.atoms
    assert float(found.residual_norms_J[-1]) == pytest.approx(left_by(copies, targets, tuple(range(8))), rel=1e-12)


@pytest.mark.parametrize("rule", RULES[:2], ids=lambda rule: rule.__name__)
def test_nearly_dependent_atoms_keep_residuals_orthogonal(rule: Rule) -> None:
    """Atoms a millionth apart, of which half the digits cancel: residuals as of a decomposition of them all."""
    dictionary, targets = random_dictionary(40, 1, 1)
    near = dictionary + 1e-5 * random_dictionary(40, 6, 1)[0]
    found = rule(near, targets, 6)
    # The fit itself is known to 1e5 roundings of the target.
    assert float(found.residual_norms_J[-1]) == pytest.approx(left_by(near, targets, tuple(range(6))), rel=1e-9)


@each_rule
def test_choice_ends_when_nothing_is_left_of_the_targets(rule: Rule) -> None:
    """Otherwise rounding would choose, another way with another number of threads."""
    dictionary, targets = random_dictionary(30, 7, 2)
    exact = dictionary[:, [5]] @ torch.tensor([[2.0, 0.0]], dtype=torch.float64)
    found = rule(dictionary, exact, 4)
    assert 5 in found.atoms
    assert len(found.atoms) == len(found.residual_norms_J) < 4
    assert float(found.residual_norms_J[-1]) < 1e-12
    assert rule(dictionary, 0 * targets, 4).atoms == ()


def test_nothing_is_chosen_of_a_dictionary_of_zeros() -> None:
    for rule in RULES[:2]:
        found = rule(torch.zeros(4, 3, dtype=torch.float64), torch.ones(4, 1, dtype=torch.float64), 2)
        assert found.atoms == ()
        assert found.residual_norms_J.shape == (0,)


# --- what cannot be ---


@each_rule
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d, t: (d[:, :2], t, 3), "a dictionary of 2 atoms has no 3 to choose\n  hint: make it larger, or ch"),
        (lambda d, t: (d[:, :0], t, 3), "a dictionary of 0 atoms at 9 points is empty\n  hint: give it some"),
        (lambda d, t: (d[:0], t[:0], 3), "a dictionary of 5 atoms at 0 points is empty\n  hint: give it some"),
        (lambda d, t: (d, t, 0), "0 atoms cannot be chosen\n  hint: choose at least 1"),
        (lambda d, t: (d / (d - d[2:3]), t, 3), "the atoms are not finite at 1 of 9 points\n  hint: leave these"),
        (lambda d, t: (d, t / (t - t[2:3]), 3), "the targets are not finite at 1 of 9 points\n  hint: leave these"),
    ],
)
def test_unusable_dictionary_is_one_clear_message(rule: Rule, change: Callable, message: str) -> None:
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}"):
        rule(*change(*random_dictionary(9, 5, 1)))


@each_rule
def test_weight_that_is_not_finite_is_refused(rule: Rule) -> None:
    weights = torch.ones(9, dtype=torch.float64)
    weights[4] = -1
    message = "the atoms and weights are not finite at 1 of 9 points\n  hint: leave these points out"
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}"):
        rule(*random_dictionary(9, 5, 1), 2, weights)


def test_too_many_choices_and_choices_of_dependent_atoms_are_refused() -> None:
    dictionary, targets = random_dictionary(9, 40, 1)
    message = "658008 choices of 5 of 40 atoms are too many to try each\n  hint: take fewer atoms, or choose greedily"
    assert MAX_CHOICES < 658008
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}"):
        best_subset(dictionary, targets, 5)
    message = "no 2 of the 3 atoms are independent\n  hint: choose fewer than 2, or leave out what repeats others"
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}"):
        best_subset(dictionary[:, :1].repeat(1, 3), targets, 2)
