"""A pack is computed by the engine requested, or by the fastest that can, and the reason is given."""

from __future__ import annotations

import dataclasses
import re
import typing
from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar, final

import pytest
import torch

from pipeline.engines import choice
from pipeline.engines.cpu.codegen import processor
from pipeline.errors import PipelineError
from pipeline.experiment.axes import Inputs
from pipeline.experiment.engine_names import SMOOTH, EngineChoice
from pipeline.models import MODELS
from pipeline.models.activations import ACTIVATIONS, PIECEWISE_LINEAR
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import GradientDescent, LeastSquares, UpdateRule
from pipeline.plans import make_plan
from pipeline.problems.losses import HalfMeanSquare, Loss, Task
from pipeline.training.module import PackModule


def decision(requested, shape, device_type):
    chosen = choice.choose_engine(requested, shape, device_type)
    return chosen.name, chosen.reason


def announced(packs, requested, device_type):
    engines = {pack.shape: choice.choose_engine(requested, pack.shape, device_type) for pack in packs}
    return choice.announced(packs, engines)


RULES = [rule for rule in OPTIMIZERS.values() if issubclass(rule, UpdateRule)]


@pytest.mark.parametrize("requested", typing.get_args(EngineChoice))
def test_every_engine_that_may_be_asked_for_computes_a_pack(pack, requested):
    model = Linear() if requested == "closed_form" else Shallow()
    module = PackModule(pack(models=(model,)), [40], engine=requested)
    assert requested in ("auto", module.engine.name)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("activation", ACTIVATIONS.values())
def test_networks_of_every_activation_are_fused_under_every_rule(pack, activation, rule):
    network = pack(models=(Shallow(activation()),), optimizer=rule())
    assert decision("fused", network.shape, "cpu") == ("fused", "")
    fastest = "one_input" if activation in PIECEWISE_LINEAR else "fused"
    assert decision("auto", network.shape, "cpu") == (fastest, "")
    many = pack(models=(Shallow(activation()),), optimizer=rule(), inputs=Inputs(train=(200,), test=4))
    fastest = "chebyshev" if activation in SMOOTH else fastest
    assert decision("auto", many.shape, "cpu") == (fastest, "")
    of_two = pack(models=(Shallow(activation()),), optimizer=rule(), inputs=Inputs(train=(8,), test=4, dimension=(2,)))
    assert decision("auto", of_two.shape, "cpu") == ("fused", "")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("model", [model for model in MODELS.values() if model.linear])
def test_linear_models_are_fused_under_every_rule(pack, model, rule):
    made = pack(models=(model(),), optimizer=rule())
    assert decision("auto", made.shape, "cpu") == ("linear_qr", "")
    assert PackModule(made, [1]).engine.name == "linear_qr"
    assert decision("fused", made.shape, "cpu") == ("fused", "")
    batched = pack(models=(model(),), optimizer=rule(), batch_size=2)
    assert decision("auto", batched.shape, "cpu") == ("fused", "")


def of_many_inputs(pack):
    return pack(models=(Shallow(),), inputs=Inputs(train=(8,), test=4, dimension=(129,)))


CASES = {
    "has no steps of least_squares": lambda pack: pack(
        models=(Linear(),), optimizer=LeastSquares(), learning_rates=None
    ),
    "takes 128 inputs at most, not 129": of_many_inputs,
    "takes 256 features at most, not 257": lambda pack: pack(models=(Linear(),), widths=(257,)),
    "takes 131072 weights at most, not 150001": lambda pack: pack(models=(Shallow(),), widths=(50_000,), seeds=1),
}


@pytest.mark.parametrize("reason", CASES)
def test_what_is_not_covered_falls_back_and_says_why(pack, reason):
    made = CASES[reason](pack)
    assert decision("auto", made.shape, "cpu") == ("reference", reason)
    assert PackModule(made, [1]).engine.name == "reference"
    with pytest.raises(PipelineError, match="^" + re.escape(f"the fused engine {reason}\n  hint: set engine: auto")):
        PackModule(made, [1], engine="fused").engine  # noqa: B018


@pytest.mark.skipif(find_spec("triton") is None, reason="needs triton")
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("activation", ACTIVATIONS.values())
def test_networks_of_every_activation_are_fused_on_a_gpu_too(pack, activation, rule):
    network = pack(models=(Shallow(activation()),), optimizer=rule())
    assert decision("auto", network.shape, "cuda") == ("fused", "")


ON_A_GPU = {
    "has no kernel for linear": lambda pack: pack(models=(Linear(),)),
    "has no steps of least_squares": CASES["has no steps of least_squares"],
    "takes 128 inputs at most on a GPU, not 129": of_many_inputs,
}


@pytest.mark.skipif(find_spec("triton") is None, reason="needs triton")
@pytest.mark.parametrize("reason", ON_A_GPU)
def test_what_a_gpu_does_not_cover_says_why(pack, reason):
    assert decision("auto", ON_A_GPU[reason](pack).shape, "cuda") == ("reference", reason)


def test_another_device_and_a_missing_compiler_fall_back(pack, monkeypatch):
    shape = pack(models=(Shallow(),)).shape
    elsewhere = "computes on processors and on CUDA devices only"
    assert decision("auto", shape, "mps") == ("reference", elsewhere)
    choice._not_here.cache_clear()
    monkeypatch.setattr(choice.importlib.util, "find_spec", lambda name: None)
    for device, compiler in {"cpu": "llvmlite", "cuda": "triton"}.items():
        missing = f"needs {compiler}, which is not installed"
        assert decision("auto", shape, device) == ("reference", missing)
    choice._not_here.cache_clear()


@pytest.mark.parametrize("error", [ImportError, OSError])
def test_a_compiler_that_cannot_be_loaded_falls_back_and_says_why(pack, monkeypatch, error):
    def load():
        raise error("cannot load libllvmlite.so: GLIBC_2.34 is missing. This could mean much.")

    monkeypatch.setattr(processor, "processor", load)
    choice._not_here.cache_clear()
    shape = pack(models=(Shallow(),)).shape
    why = "needs llvmlite, which cannot be loaded: cannot load libllvmlite.so: GLIBC_2.34 is missing"
    assert decision("auto", shape, "cpu") == ("reference", why)
    with pytest.raises(PipelineError, match=re.escape(f"the fused engine {why}")):
        decision("fused", shape, "cpu")
    choice._not_here.cache_clear()


def test_packs_are_announced_by_engine_and_reason(experiment):
    packs = make_plan("test", experiment(widths=(3, 4, 50_000), models=(Shallow(),), seeds=1)).packs
    assert announced(packs, "auto", "cpu") == (
        "engine: one_input for 2 packs, reference for 1 pack (the fused one takes 131072 weights at most, not 150001)"
    )
    assert announced(packs[:1], "reference", "cpu") == (
        "engine: reference for 1 pack (the fused one was not asked for)"
    )


def test_tf32_is_kept_in_float32_and_said_to_be_computed_so_where_nothing_rounds(pack):
    made = pack(models=(Shallow(),), dtype="tf32")
    module = PackModule(made, [1])
    assert (module.context.rounded, module.weights.dtype) == (True, torch.float32)
    assert announced([made], "auto", "cpu") == (
        "engine: one_input for 1 pack; tf32 is computed as float32 in 1 of them"
    )
    assert not PackModule(pack(models=(Shallow(),), dtype="float32"), [1]).context.rounded


@pytest.mark.skipif(find_spec("triton") is None, reason="needs triton")
def test_tf32_rounds_on_a_gpu_where_products_of_matrices_train(pack):
    many = Inputs(train=(8,), test=4, dimension=(17,))
    for made, rounds in (
        (pack(models=(Shallow(),), dtype="tf32"), False),
        (pack(models=(Shallow(),), dtype="tf32", inputs=many), True),
        (pack(models=(Linear(),), dtype="tf32"), False),
    ):
        assert choice.choose_engine("auto", made.shape, "cuda").rounds_to_tf32 is rounds
        assert ("as float32" in announced([made], "auto", "cuda")) is not rounds


def test_a_loss_of_a_users_own_is_computed_by_the_reference_engine_and_the_fused_one_says_why(pack):
    @final
    @dataclass(frozen=True)
    class Fourth(Loss):
        """Fourth power."""

        tasks: ClassVar[frozenset[Task]] = frozenset(Task)
        largest_curvature: ClassVar[float] = 3.0
        quadratic: ClassVar[bool] = True  # or so it says: no engine for squares takes it
        code_sha256: ClassVar[str] = "0a"
        __call__ = gradient = curvature = curvature_root = HalfMeanSquare.__call__

    shape = dataclasses.replace(pack(models=(Linear(),)).shape, loss=Fourth())
    assert decision("auto", shape, "cpu") == ("reference", "has no fourth, which is your own")
    with pytest.raises(PipelineError, match=r"^the fused engine has no fourth, which is your own\n  hint: set engine"):
        choice.choose_engine("fused", shape, "cpu")
    if find_spec("triton"):
        from pipeline.engines.gpu.choice import not_covered

        reason = not_covered(Shallow(), Fourth(), GradientDescent(), 1, 1)
        assert reason == "has no fourth on a GPU, which is your own"
