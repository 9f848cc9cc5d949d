"""A greedy model chooses its basis from the training points, and the target's own functions where it can."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.config import read_experiment
from pipeline.errors import FieldError, PipelineError
from pipeline.experiment.resources import bytes_of_pack
from pipeline.models.bases import BASES
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.bases.ridge import Ridge
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.bases.wavelet import Haar
from pipeline.models.greedy import RULES, Greedy
from pipeline.models.linear import Linear
from pipeline.numerics.randomness import stream
from pipeline.plans import make_plan
from pipeline.problems.measures import Uniform
from pipeline.problems.problem import FunctionProblem
from pipeline.problems.targets import OnePlusPower


def sample(num_points: int = 256, num_inputs: int = 1) -> Tensor:
    return torch.from_numpy(stream("sample").uniform(-1, 1, (num_points, num_inputs)))


def error(model: Greedy | Linear, inputs: Tensor, targets: Tensor, width: int) -> float:
    """Relative error of the least-squares fit with the features of a model."""
    features = model.fitted(inputs, targets, width).prepare(inputs, width).mT.numpy()
    weights = np.linalg.lstsq(features, targets.numpy(), rcond=None)[0]
    return float(np.linalg.norm(targets.numpy() - features @ weights) / np.linalg.norm(targets.numpy()))


@pytest.mark.parametrize("power", [2, 5, 10, 17])
def test_two_powers_are_found_at_once(power: int) -> None:
    """Odd powers too: what is left of 1 + x^5 after the first choice has the other power as its best direction."""
    inputs = sample()
    targets = torch.from_numpy(OnePlusPower(power)(inputs.numpy()))[:, None]
    assert set(Greedy().choose(inputs, targets, 2)) == {0, power}
    assert error(Greedy(), inputs, targets, 2) < 1e-14


def test_inner_products_do_not_find_them() -> None:
    inputs = sample()
    targets = torch.from_numpy(OnePlusPower()(inputs.numpy()))[:, None]
    assert set(Greedy(rule="inner_product").choose(inputs, targets, 2)) != {0, 10}
    assert error(Greedy(rule="inner_product"), inputs, targets, 2) > 0.01


@pytest.mark.parametrize(
    ("dictionary", "size", "factor"),
    [(Cosine(), 64, 2), (Haar(), 128, 2), (Ridge(), 128, 4)],
    ids=["cosine", "haar", "ridge"],
)
@pytest.mark.parametrize("rule", ["least_squares", "inner_product"])
def test_chosen_functions_beat_the_first_ones(dictionary: Basis, size: int, factor: float, rule: str) -> None:
    """Where the target is a wave, a jump or a kink of which the first functions know little."""
    inputs = sample(512)
    x = inputs[:, 0]
    targets = {"cosine": torch.cos(12 * torch.pi * x), "haar": (x > 0.3).double(), "ridge": (x - 0.34).abs()}
    values = targets[dictionary.name()][:, None]
    chosen = error(Greedy(dictionary, size=size, rule=rule), inputs, values, 8)
    assert factor * chosen < error(Linear(dictionary), inputs, values, 8)


@pytest.mark.parametrize("dictionary", [kind() for kind in BASES.values()], ids=Basis.label)
@pytest.mark.parametrize(("num_inputs", "num_outputs"), [(1, 1), (2, 3)])
def test_features_are_the_chosen_functions_of_the_dictionary(
    dictionary: Basis, num_inputs: int, num_outputs: int
) -> None:
    inputs, elsewhere = sample(100, num_inputs), sample(7, num_inputs)
    targets = torch.from_numpy(stream("targets").standard_normal((100, num_outputs)))
    model = Greedy(dictionary, size=25)
    atoms = model.choose(inputs, targets, 5)
    assert len(set(atoms)) == 5
    whole = Linear(dictionary).prepare(elsewhere, 25)
    torch.testing.assert_close(model.fitted(inputs, targets, 5).prepare(elsewhere, 5), whole[list(atoms)])


def test_narrow_choice_is_the_beginning_of_a_wide_one() -> None:
    inputs = sample()
    targets = torch.from_numpy(stream("targets").standard_normal((256, 1)))
    model = Greedy(Cosine(), size=40)
    assert model.choose(inputs, targets, 4) == model.choose(inputs, targets, 12)[:4]


def test_where_nothing_more_can_be_gained_the_first_functions_follow() -> None:
    inputs = sample()
    targets = torch.from_numpy(OnePlusPower()(inputs.numpy()))[:, None]
    assert Greedy().choose(inputs, targets, 6)[2:] == (1, 2, 3, 4)
    assert len(set(Greedy().choose(inputs, targets, 200))) == 200  # of 800, few of which are independent


def test_dictionary_is_four_times_as_large_as_the_model_and_never_tiny_unless_its_size_is_given() -> None:
    assert [Greedy().size_for(width) for width in (1, 8, 9, 100)] == [32, 32, 36, 400]
    assert Greedy(size=9).size_for(4) == 9


def test_greedy_model_in_a_file_learns_two_powers_exactly(tmp_path: Path) -> None:
    path = tmp_path / "powers.yaml"
    path.write_text(
        "question: Which powers?\ntarget: one_plus_power\nmodels: [{greedy: {dictionary: monomial}}, linear]\n"
        "widths: 2\noptimizer: least_squares\ndtype: float64\nseeds: 1\n"
    )
    from pipeline.training.module import PackModule

    greedy, linear = make_plan("powers", read_experiment(path)).packs
    errors = {}
    for pack in (greedy, linear):
        module = PackModule(pack, (0, 1))
        weights = module.context.least_squares_KF
        outputs = module.context.model.outputs(weights, module.context.test_prepared_AP, 2, 1)[0, 0]
        errors[pack] = float((outputs - module.context.dataset.test_targets_PK[:, 0]).abs().max())
    assert errors[greedy] < 1e-13
    assert errors[linear] > 0.1


def test_memory_of_the_dictionary_is_in_the_estimate(tmp_path: Path) -> None:
    path = tmp_path / "size.yaml"
    sizes = []
    for size in (100, 1100):
        path.write_text(
            f"question: ProblemSize?\ntarget: one_plus_power\nmodels: [{{greedy: {{size: {size}}}}}]\nwidths: 2\n"
        )
        (pack,) = make_plan("size", read_experiment(path)).packs
        sizes.append(bytes_of_pack(pack.shape, 1))
    assert sizes[1] - sizes[0] >= 3 * 1000 * 256 * 8  # the dictionary, a copy to work on, and its squares


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (0, ":3: a dictionary of 0 functions is empty\n  hint: take at least 1"),
        (3, ":3: a dictionary of 3 functions has no 4 to choose\n  hint: take at least 4, or leave it out"),
    ],
)
def test_dictionary_that_is_too_small_is_refused_with_its_line(tmp_path: Path, size: int, message: str) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(f"question: Small?\ntarget: sine\nmodels: [linear, {{greedy: {{size: {size}}}}}]\nwidths: [2, 4]\n")
    with pytest.raises(PipelineError, match=f"^{re.escape(str(path) + message)}$"):
        read_experiment(path)


def test_width_that_is_too_large_is_refused_by_the_model_itself() -> None:
    problem = FunctionProblem(OnePlusPower(), Uniform(), 1, 10, 10, 0.0, 0)
    message = "size: a dictionary of 3 functions has no 4 to choose\n  hint: take at least 4, or leave it out"
    with pytest.raises(FieldError, match=f"^{re.escape(message)}$"):
        Greedy(size=3).check(4, problem)
    Greedy(size=4).check(4, problem)


def test_there_are_no_features_before_the_points_were_seen() -> None:
    message = "greedy has no functions before it was fitted to training points"
    with pytest.raises(TypeError, match=f"^{message}$"):
        Greedy(Monomial()).prepare(sample(), 2)


def test_inputs_at_which_the_dictionary_overflows_are_one_clear_message() -> None:
    inputs = 1e30 * sample()
    message = "the atoms are not finite at 256 of 256 points\n  hint: leave these points out, or look where the numbers"
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}"):
        Greedy().choose(inputs, inputs, 2)


@pytest.mark.parametrize("rule", RULES)
def test_rounding_does_not_choose_between_mirrored_functions(rule: Any) -> None:
    """For |x| at midpoints the wavelets of both halves tie; who trains goes on from weights of the same functions."""
    inputs = ((2 * torch.arange(512, dtype=torch.float64) + 1) / 512 - 1)[:, None]
    model, noise = (
        Greedy(Haar(), size=128, rule=rule),
        torch.from_numpy(stream("rounding").standard_normal((10, 512, 1))),
    )
    chosen = {model.choose(inputs, inputs.abs() * (1 + 1e-15 * one), 8) for one in noise}
    assert chosen == {(0, *range(2, 9))}
