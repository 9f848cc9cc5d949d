"""What a training kernel takes: arrays of a stack as long as its trials, and permutations where there are batches."""

import pytest

from pipeline.engines.cpu.kernels.linear import LinearSpec
from pipeline.engines.cpu.kernels.network import NetworkSpec
from pipeline.engines.cpu.kernels.training import chunk_program, gradient_program, training_program, update_program
from pipeline.models.activations import Tanh
from pipeline.optimizers.rules import Adam, GradientDescent, Momentum
from pipeline.problems.losses import HalfMeanSquare

SPECS = [NetworkSpec(2, 1, Tanh(), HalfMeanSquare(), "float32"), LinearSpec(1, HalfMeanSquare(), "float64")]

each_spec = pytest.mark.parametrize("spec", SPECS, ids=["network", "linear"])


def parameters(program):
    return {parameter.name: parameter for parameter in program.parameters}


@each_spec
@pytest.mark.parametrize("rule", [GradientDescent(), Momentum(), Adam()], ids=lambda rule: rule.name())
def test_a_rule_takes_as_many_slots_as_it_remembers(spec, rule):
    taken = parameters(training_program(spec, rule, minibatches=False))
    assert {name for name in taken if name.startswith("slot_")} == {f"slot_{n}" for n in range(rule.slots)}
    assert all(taken[f"slot_{n}"].sizes == ("num_trials", "num_weights") for n in range(rule.slots))


@each_spec
def test_arrays_of_a_stack_are_of_the_dtype_and_as_long_as_the_trials(spec):
    taken = parameters(training_program(spec, GradientDescent(), minibatches=True))
    for name, sizes in {
        "weights": ("num_trials", "num_weights"),
        "rates": ("num_trials",),
        "bounds": ("num_trials",),
        "corrections": (2, "num_steps"),
    }.items():
        assert (taken[name].dtype, taken[name].sizes) == (spec.dtype, sizes)
    assert (taken["diverged"].dtype, taken["diverged"].sizes) == ("int64", ("num_trials",))


@each_spec
def test_only_batches_are_gathered_by_permutations(spec):
    assert "permutations" in parameters(training_program(spec, GradientDescent(), minibatches=True))
    assert "permutations" not in parameters(training_program(spec, GradientDescent(), minibatches=False))


@each_spec
def test_a_gradient_is_written_and_no_weight(spec):
    taken = parameters(gradient_program(spec))
    assert taken["gradient"].sizes == ("num_trials", "num_weights")
    assert "rates" not in taken


@each_spec
def test_a_chunk_knows_no_stack_and_an_update_no_chunk(spec):
    assert not {"weights", "rates", "num_trials"} & parameters(chunk_program(spec)).keys()
    update = parameters(update_program(spec, GradientDescent()))
    assert "chunk" not in update
    assert {"rates", "bounds", "number"} <= update.keys()
