"""Points to evaluate at keep their dtype, and a kernel finds every weight in zeroed memory of its own."""

import numpy as np
import pytest
import torch

from pipeline.engines.cpu.evaluation import of_test_points, of_training_points
from pipeline.models.shallow import Shallow
from pipeline.training.module import PackModule


@pytest.fixture(params=["float32", "float64"])
def context(pack, request):
    return PackModule(pack(models=(Shallow(),), dtype=request.param), [1]).context


def test_training_points_are_in_double_precision_and_test_points_in_that_of_the_training(context):
    assert of_training_points(context).network.dtype == "float64"
    assert getattr(torch, of_test_points(context).network.dtype) == context.dtype


def test_points_are_those_of_the_data(context):
    for evaluation, inputs_PD in (
        (of_training_points(context), context.dataset.train_inputs_PD),
        (of_test_points(context), context.dataset.test_inputs_PD),
    ):
        assert evaluation.num_points == len(inputs_PD)
        np.testing.assert_array_equal(
            evaluation.points.inputs_AP, inputs_PD.mT.numpy().astype(evaluation.network.dtype)
        )


class Seen:
    """A kernel that does nothing but keep what it was given, and count what was given once for all calls."""

    def __init__(self) -> None:
        self.given, self.bound = {}, 0

    def bind(self, arguments):
        self.given, self.bound = dict(arguments), self.bound + 1
        return self

    def bind_all(self, arguments):
        self.given |= arguments
        return lambda: None


def test_a_kernel_gets_zeros_to_work_in_and_the_weights_of_all_trials(context):
    evaluation, kernel = of_training_points(context), Seen()
    weights_TN = torch.ones(3, len(evaluation.places_N), dtype=torch.float64)
    for _ in range(2):
        evaluation.run(kernel, weights_TN, {"hidden": 10, "sums": 0}, {"kept": 7})
    assert kernel.bound == 1
    given = kernel.given
    assert given["weights"] is weights_TN
    assert (given["num_trials"], given["num_weights"], given["kept"]) == (3, len(evaluation.places_N), 7)
    assert not given["own_weights"].any()
    assert len(given["own_weights"]) == evaluation.size + 10
    assert len(given["hidden"]) == 10
