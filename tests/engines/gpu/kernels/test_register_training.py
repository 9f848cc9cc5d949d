"""The kernel in registers compiles for a GPU without one, and converts no layout."""

import pytest

pytest.importorskip("triton")

COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from pipeline.optimizers.rules import Adam
from pipeline.engines.gpu import registers
from pipeline.engines.gpu.kernels import register_training
from pipeline.engines.gpu.thread_layout import thread_layout

tile = thread_layout(40, 9, 4, 2, 4)
fixed = dict(D=1, K=2, LOSS="softmax_cross_entropy", ACTIVATION="tanh", SLOPE=0.0, PIECEWISE_LINEAR=False, BATCHED=True)
fixed |= registers.rule_constants(Adam()) | registers.layout_constants(tile, 40)
names = register_training.training.arg_names
addresses = {name: "*fp32" for name in names[:10]} | {"permutations": "*i32", "diverged": "*i32"}
types = {name: "constexpr" if name in fixed else addresses.get(name, "i32") for name in names}
values = {(names.index(name),): value for name, value in fixed.items() if name in names}
source = ASTSource(register_training.training, types, constexprs=values)
made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": tile.warps})
print(made.asm["ttgir"].count("convert_layout"), ".target sm_90" in made.asm["ptx"], len(made.asm["cubin"]) > 0)
"""


def test_a_kernel_compiles_for_a_gpu_without_one_and_converts_no_layout(run_compiler):
    """The interpreter runs what the compiler refuses: each has its own idea of what Python is."""
    done = run_compiler(COMPILE)
    assert done.stdout.split() == ["0", "True", "True"], done.stderr[-2000:]
