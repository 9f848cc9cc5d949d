"""Equal specs share compiled kernels, and a full batch comes in as many chunks on every machine."""

import pytest

from pipeline.engines.cpu import training_kernels
from pipeline.engines.cpu.kernels.linear import LinearSpec
from pipeline.engines.cpu.kernels.network import NetworkSpec
from pipeline.engines.cpu.training_kernels import CHUNKS, LARGE_STEP, grouped, kernel_spec, most_chunks
from pipeline.models.activations import LeakyRelu, Tanh
from pipeline.models.greedy import Greedy
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.problems.losses import HalfMeanSquare

NETWORK = NetworkSpec(2, 1, Tanh(), HalfMeanSquare(), "float64")


@pytest.mark.parametrize("model", [Linear(), Greedy()], ids=["linear", "greedy"])
def test_models_that_are_linear_in_their_weights_share_a_spec(model):
    assert kernel_spec(model, HalfMeanSquare(), 2, 3, "float32") == LinearSpec(3, HalfMeanSquare(), "float32")


def test_the_spec_of_a_network_knows_its_activation_with_its_slope():
    leaky = [kernel_spec(Shallow(LeakyRelu(slope)), HalfMeanSquare(), 2, 1, "float64") for slope in (0.1, 0.1, 0.2)]
    assert leaky[0] == leaky[1] != leaky[2]


def test_a_model_without_kernels_is_refused():
    class Other:
        def name(self):
            return "other"

    with pytest.raises(TypeError, match=r"^no kernels for other$"):
        kernel_spec(Other(), HalfMeanSquare(), 2, 1, "float64")


def test_equal_specs_share_a_kernel():
    again = NetworkSpec(2, 1, Tanh(), HalfMeanSquare(), "float64")
    assert training_kernels.gradient_kernel(NETWORK) is training_kernels.gradient_kernel(again)


def test_only_large_full_batches_come_in_chunks():
    per_point = NETWORK.operations(100)
    enough = -(-LARGE_STEP // per_point)
    assert most_chunks(NETWORK, 100, enough, None) == CHUNKS
    assert most_chunks(NETWORK, 100, enough - 1, None) == 1
    assert most_chunks(NETWORK, 100, enough, 64) == 1


def test_trials_with_points_of_their_own_are_not_grouped():
    spec = LinearSpec(1, HalfMeanSquare(), "float32")
    assert grouped(spec, None).together > 1
    assert grouped(spec, 32).together == 1
