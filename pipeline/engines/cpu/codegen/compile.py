"""From the text of a kernel to a function that can be called, compiled once for each kind of processor.

What was compiled is kept in ``~/.cache/pipeline/kernels``, one file for each text and
processor, named by a hash of both; so a snapshot of the code elsewhere finds it too.
Files are written aside and renamed: any number of jobs may share the folder.
"""

from __future__ import annotations

import ctypes
import hashlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import llvmlite
import llvmlite.binding as llvm
import numpy as np

from pipeline.engines.cpu.codegen.processor import processor
from pipeline.engines.cpu.codegen.signature import ArgumentValue
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.home import cache_folder
from pipeline.records.atomic_writes import replacing

LOCK = threading.Lock()
DIGEST_BYTES = 32


class Kernel:
    """A compiled program; several threads may call it at the same time, and Python goes on meanwhile.

    Args:
        program: What it is to do.
    """

    def __init__(self, program: Program) -> None:
        text = program.text()
        self.parameters = tuple(program.parameters)
        self.places = {argument.name: place for place, argument in enumerate(self.parameters) if argument.dtype is None}
        with LOCK:
            self._owner, self._function = _compiled(text)

    def __call__(self, told: Mapping[str, ArgumentValue]) -> None:
        """Run it, with whole numbers and arrays by their names."""
        self.bind_all(told)()

    def bind_all(self, told: Mapping[str, ArgumentValue]) -> KernelCall:
        """What runs it with the same arguments any number of times.

        Raises:
            TypeError: If one is not of the type that the kernel takes.
            ValueError: If an array is too short, or does not lie in one piece.
        """
        return self.bind(told).bind_all({})

    def bind(self, told: Mapping[str, ArgumentValue]) -> BoundKernel:
        """The kernel with some of its arguments, which are looked at once for all calls; it raises as ``bind_all``."""
        return BoundKernel(self, told)

    def run(self, table: int) -> None:
        """Run it with the table of its arguments that lies at an address."""
        self._function(table)


class BoundKernel:
    """A kernel with some of its arguments."""

    def __init__(self, kernel: Kernel, told: Mapping[str, ArgumentValue]) -> None:
        self.kernel, self._told = kernel, told
        self._words = np.zeros(len(kernel.parameters), dtype=np.int64)
        self._left = [(n, argument) for n, argument in enumerate(kernel.parameters) if argument.name not in told]
        for n, argument in enumerate(kernel.parameters):
            if argument.name in told:
                self._words[n] = argument.word(told)

    def bind_all(self, told: Mapping[str, ArgumentValue]) -> KernelCall:
        """What runs it with these arguments too, as often as it is called; it raises as that of a kernel."""
        words = self._words.copy()
        for n, argument in self._left:
            words[n] = argument.word(told, self._told)
        return KernelCall(self, words, told)


class KernelCall:
    """A kernel with all of its arguments, which are kept for as long as it may run."""

    def __init__(self, bound: BoundKernel, words: np.ndarray, told: Mapping[str, ArgumentValue]) -> None:
        self._bound, self._words, self._told = bound, words, told
        self._run, self._address = bound.kernel.run, words.ctypes.data

    def __call__(self) -> None:
        self._run(self._address)

    def with_integer(self, name: str, number: int) -> KernelCall:
        """The same, which is told another whole number from now on."""
        self._words[self._bound.kernel.places[name]] = number
        return self


def folder() -> Path:
    """Where compiled kernels are kept."""
    return cache_folder() / "kernels"


def kept_as(text: str) -> Path:
    """The file of a kernel for this processor."""
    whole = "\n".join((text, *processor(), llvmlite.__version__, llvm.get_process_triple()))
    return folder() / f"{hashlib.sha256(whole.encode()).hexdigest()[:32]}"


def _compiled(text: str) -> tuple[llvm.ExecutionEngine, Callable[[int], None]]:
    target = _target()
    path = kept_as(text)
    code = _kept(path)
    if code is None:
        code = target.emit_object(_optimised(text, target))
        _keep(path, code)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.get_function_address("kernel"))
    return engine, function


def _target() -> llvm.TargetMachine:
    name, features = processor()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=name, features=features, opt=3, reloc="pic", codemodel="jitdefault", jit=True
    )


def _optimised(text: str, target: llvm.TargetMachine) -> llvm.ModuleRef:
    module = llvm.parse_assembly(text)
    module.verify()
    options = llvm.PipelineTuningOptions(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False  # written out already
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
    return module


def assembly(program: Program) -> str:
    """The instructions of a program, to be read."""
    target = _target()
    return str(target.emit_assembly(_optimised(program.text(), target)))


def _kept(path: Path) -> bytes | None:
    try:
        whole = path.read_bytes()
    except OSError:
        return None
    code = whole[DIGEST_BYTES:]
    return code if hashlib.sha256(code).digest() == whole[:DIGEST_BYTES] else None  # cut short, as by a full disk


def _keep(path: Path, code: bytes) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # what lies there is run: nobody else may write it
        with replacing(path) as part:
            part.write_bytes(hashlib.sha256(code).digest() + code)
    except OSError:  # a full or missing home: the next process compiles again
        return
