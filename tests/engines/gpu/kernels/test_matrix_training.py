"""Kernels of matrix products compile for a GPU without one, and take its matrix units for tf32 alone."""

import pytest

pytest.importorskip("triton")

COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from pipeline.optimizers.rules import GradientDescent
from pipeline.engines.gpu import matrices, registers
from pipeline.engines.gpu.kernels import matrix_training
from pipeline.engines.gpu.block_sizes import Block, launch_blocks

def compiled(kernel, block, precision):
    constants = dict(D=3, K=2, LOSS="half_mean_square", ACTIVATION="relu", SLOPE=0.0, BATCHED=False, TILES=16)
    constants |= dict(DP=16, KP=16, PRECISION=precision) | registers.rule_constants(GradientDescent())
    constants |= matrices.block_constants(block)
    names, warps = kernel.arg_names, constants.pop("num_warps")
    types = {name: "*fp32" for name in names[: names.index("offset")]}
    types |= {name: "*i32" for name in ("permutations", "diverged", "done")}
    types = {name: "constexpr" if name in constants else types.get(name, "i32") for name in names}
    values = {(names.index(name),): value for name, value in constants.items() if name in names}
    source = ASTSource(kernel, types, constexprs=values)
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": warps})
    assert len(made.asm["cubin"]) > 0
    return "wgmma" in made.asm["ptx"], ".target sm_90a" in made.asm["ptx"]


blocks = launch_blocks(1437, 256, 4, rounded=True)
print(compiled(matrix_training.slopes_at_points, blocks.of_points, "tf32"))
print(compiled(matrix_training.weights_of_units, blocks.of_units, "tf32"))
print(compiled(matrix_training.weights_of_units, Block(16, 16, 4), "ieee"))
"""


def test_kernels_compile_for_a_gpu_without_one_and_take_its_matrix_units_for_tf32_alone(run_compiler):
    done = run_compiler(COMPILE)
    assert done.stdout.splitlines() == ["(True, True)", "(True, True)", "(False, True)"], done.stderr[-2000:]
