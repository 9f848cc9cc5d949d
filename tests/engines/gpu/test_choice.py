"""On GPUs what fits into registers is trained there, and what does not by products of matrices."""

import pytest
import torch

pytest.importorskip("triton")

from pipeline.bench.gpu_peers import context_of
from pipeline.engines.gpu.choice import MOST_INPUTS, MOST_OUTPUTS, engine_on_gpu, not_covered
from pipeline.engines.gpu.matrices import ByMatrices
from pipeline.engines.gpu.registers import MOST_INPUTS as MOST_IN_REGISTERS
from pipeline.engines.gpu.registers import InRegisters
from pipeline.models.activations import Relu
from pipeline.optimizers.rules import Adam, GradientDescent
from pipeline.problems.losses import HalfMeanSquare

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
FAMILY = {
    (5, 2, 64, 1): InRegisters,
    (5, MOST_IN_REGISTERS, 128, 1): InRegisters,
    (5, MOST_IN_REGISTERS + 1, 128, 1): ByMatrices,
    (5, 2, 64, 5): ByMatrices,
    (5, 2, 1024, 1): InRegisters,
    (5, 2, 4096, 1): ByMatrices,
    (5, MOST_INPUTS, 3, MOST_OUTPUTS): ByMatrices,
}


@pytest.mark.parametrize("shape", FAMILY, ids=str)
def test_every_shape_that_is_covered_has_its_family(shape):
    context = context_of(shape, Relu(), DEVICE, GradientDescent(), HalfMeanSquare(), torch.float32)
    assert not_covered(context.model, context.loss, context.optimizer, shape[1], shape[3]) is None
    assert isinstance(engine_on_gpu(context, None, DEVICE), FAMILY[shape])


def test_what_a_rule_remembers_and_the_size_of_a_number_count():
    """Gradient descent in single precision keeps 2 registers for each of 4 weights of a unit, Adam in double 8."""
    for rule, dtype, family in (
        (GradientDescent(), torch.float32, InRegisters),
        (GradientDescent(), torch.float64, InRegisters),
        (Adam(), torch.float64, ByMatrices),
    ):
        context = context_of((5, 2, 512, 1), Relu(), DEVICE, rule, HalfMeanSquare(), dtype)
        assert isinstance(engine_on_gpu(context, None, DEVICE), family)
