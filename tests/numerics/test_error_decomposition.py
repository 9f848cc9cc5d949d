"""A mean squared error is the sum of its parts, whatever the steps from the target to the outputs are."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from pipeline.numerics.error_decomposition import error_parts, precise_product, project
from pipeline.numerics.quadrature import rule
from pipeline.numerics.randomness import stream


def draw(*shape: int, name: str = "x") -> torch.Tensor:
    return torch.from_numpy(stream("error parts", name, *shape).standard_normal(shape))


def weights_of(num_points: int) -> torch.Tensor:
    weights_P = 0.1 + draw(num_points, name="weights").square()
    return weights_P / weights_P.sum()


@pytest.mark.parametrize("num_features", [1, 4, 12, 15], ids="{} features".format)
def test_projection_is_the_weighted_least_squares_fit_of_numpy(num_features: int) -> None:
    """Also where it goes through every point."""
    features_TPF, targets_PK, weights_P = draw(3, 12, num_features), draw(12, 2, name="y"), weights_of(12)
    best = project(features_TPF, targets_PK, weights_P)
    root_P1 = weights_P.sqrt()[:, None].numpy()
    for features_PF, outputs_PK, missed in zip(features_TPF.numpy(), best.outputs_TPK, best.mean_square_T, strict=True):
        solution = np.linalg.lstsq(root_P1 * features_PF, root_P1 * targets_PK.numpy())[0]
        np.testing.assert_allclose(outputs_PK, features_PF @ solution, atol=1e-12)
        residual = root_P1 * (targets_PK.numpy() - features_PF @ solution)
        assert float(missed) == pytest.approx((residual**2).sum(), rel=1e-11, abs=1e-26)


def test_projection_onto_a_polynomial_misses_what_the_next_legendre_polynomials_hold() -> None:
    """Of x^3 the lines leave 4/175 under the uniform distribution."""
    points_PD, weights_EP = rule(1, 64)
    features_1PF = torch.cat([torch.ones_like(points_PD), points_PD], dim=1)[None]
    best = project(features_1PF, points_PD**3, weights_EP.mean(dim=0))
    assert float(best.mean_square_T) == pytest.approx(4 / 175, rel=1e-13)
    torch.testing.assert_close(best.outputs_TPK[0], 3 / 5 * points_PD, rtol=0, atol=1e-14)


def test_projection_leaves_rounding_of_a_target_that_the_features_hold() -> None:
    """A residual of size 1e-16, whose square is 1e-32: not 1e-16, the rounding of a difference of squares."""
    features_1PF, weights_P = draw(1, 40, 6), weights_of(40)
    best = project(features_1PF, features_1PF[0] @ draw(6, 1, name="w"), weights_P)
    assert 0 <= float(best.mean_square_T) < 1e-28


def test_of_a_feature_that_is_not_finite_nothing_is_known() -> None:
    features_TPF = draw(3, 10, 2)
    features_TPF[1, 4, 0] = torch.inf
    best = project(features_TPF, draw(10, 1, name="y"), weights_of(10))
    assert best.mean_square_T.isnan().tolist() == [False, True, False]


def test_parts_add_up_to_the_mean_square_whatever_the_steps_are() -> None:
    targets_PK, weights_P = draw(50, 2, name="y"), weights_of(50)
    best = project(draw(4, 50, 3), targets_PK, weights_P)
    fitted, learned, evaluated = (draw(4, 50, 2, name=name) for name in ("fitted", "learned", "evaluated"))
    parts = torch.stack(error_parts(best, fitted, learned, evaluated, targets_PK, weights_P))
    whole = (evaluated - targets_PK).square().sum(dim=2) @ weights_P
    torch.testing.assert_close(parts.sum(dim=0), whole, rtol=1e-13, atol=0)


def test_a_small_step_has_all_its_digits() -> None:
    """From g to g (1 + 1e-12) the mean square of g - 0 grows by 2e-12 of itself, to which a difference adds 1e-16."""
    targets_PK, weights_P, learned = torch.zeros(9, 1).double(), weights_of(9), draw(1, 9, 1)
    best = project(draw(1, 9, 2), targets_PK, weights_P)
    step = learned * 1e-12
    parts = error_parts(best, learned, learned, learned + step, targets_PK, weights_P)
    assert float(parts.optimisation_T) == 0
    exact = float(((learned + step) - learned).mul(2 * learned).sum(dim=2) @ weights_P)
    assert float(parts.rounding_T) == pytest.approx(exact, rel=1e-11)


@pytest.mark.parametrize("size", [0, 12], ids=["well conditioned", "twelve digits cancel"])
def test_precise_product_is_the_exact_one_rounded(size: int) -> None:
    features_TPF, weights_TFK = draw(2, 5, 8), draw(2, 8, 3, name="w")
    features_TPF = torch.cat([features_TPF, features_TPF * (1 + 2.0**-40)], dim=2)
    weights_TFK = 10.0**size * torch.cat([weights_TFK, -weights_TFK * (1 - 2.0**-45)], dim=1)
    products_TPK = precise_product(features_TPF, weights_TFK)
    for trial in range(2):
        for point in range(5):
            for output in range(3):
                pairs = zip(features_TPF[trial, point].tolist(), weights_TFK[trial, :, output].tolist(), strict=True)
                exact = float(sum(Fraction(a) * Fraction(b) for a, b in pairs))
                # One rounding, and that of the lost parts, 1e-32 of the largest term, which 12 digits are above.
                assert float(products_TPK[trial, point, output]) == pytest.approx(exact, rel=4e-16)


def test_precise_product_of_one_matrix_serves_every_trial() -> None:
    features_1PF, weights_TFK = draw(1, 7, 3), draw(4, 3, 2, name="w")
    torch.testing.assert_close(precise_product(features_1PF, weights_TFK), features_1PF @ weights_TFK)
