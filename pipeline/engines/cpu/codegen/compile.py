"""From LLVM IR to a function that can be called, compiled once for each kind of processor.

Object code is kept in ``~/.cache/pipeline/kernels``, one file for each IR and processor, named by a
hash of both; so a snapshot of the code elsewhere finds it too. Files are written under another name
and renamed: any number of jobs may use the folder at once.
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
    """A compiled program. Several threads may call it at the same time: ctypes lets go of the GIL meanwhile.

    Args:
        program: The code, and the parameters that it takes.
    """

    def __init__(self, program: Program) -> None:
        text = program.text()
        self.parameters = tuple(program.parameters)
        self.integers = {parameter.name: n for n, parameter in enumerate(self.parameters) if parameter.dtype is None}
        with LOCK:
            self._owner, self._function = _compiled(text)

    def __call__(self, arguments: Mapping[str, ArgumentValue]) -> None:
        """Run it once; it raises as ``bind_all``."""
        self.bind_all(arguments)()

    def bind(self, arguments: Mapping[str, ArgumentValue]) -> BoundKernel:
        """Bind some arguments, which are checked once for all calls; it raises as ``bind_all``."""
        return BoundKernel(self, arguments)

    def bind_all(self, arguments: Mapping[str, ArgumentValue]) -> KernelCall:
        """Bind all arguments, each checked once.

        Args:
            arguments: Integers and arrays by name; names that are no parameters are passed over, so that what
                several kernels take can be passed to each.

        Returns:
            A function that runs the kernel with them any number of times.

        Raises:
            TypeError: If an argument is missing, or not of the dtype of its parameter.
            ValueError: If an array is too short or not contiguous.
        """
        return self.bind(arguments).bind_all({})

    def run(self, table: int) -> None:
        """Run it with the table of machine words that lies at an address."""
        self._function(table)


class BoundKernel:
    """A kernel with some of its arguments."""

    def __init__(self, kernel: Kernel, arguments: Mapping[str, ArgumentValue]) -> None:
        self.kernel, self._arguments = kernel, arguments
        self._words = np.zeros(len(kernel.parameters), dtype=np.int64)
        self._left = [(n, each) for n, each in enumerate(kernel.parameters) if each.name not in arguments]
        for n, parameter in enumerate(kernel.parameters):
            if parameter.name in arguments:
                self._words[n] = parameter.checked(arguments)

    def bind_all(self, arguments: Mapping[str, ArgumentValue]) -> KernelCall:
        """Bind the arguments that are left; it raises as that of a kernel."""
        words = self._words.copy()
        for n, parameter in self._left:
            words[n] = parameter.checked(arguments, self._arguments)
        return KernelCall(self, words, arguments)


class KernelCall:
    """A kernel with all of its arguments, which are kept alive for as long as it may run."""

    def __init__(self, bound: BoundKernel, words: np.ndarray, arguments: Mapping[str, ArgumentValue]) -> None:
        self._bound, self._words, self._arguments = bound, words, arguments
        self._run, self._address = bound.kernel.run, words.ctypes.data

    def __call__(self) -> None:
        self._run(self._address)

    def with_integer(self, name: str, number: int) -> KernelCall:
        """The same call, in which an integer parameter has another value from now on."""
        self._words[self._bound.kernel.integers[name]] = number
        return self


def kernel_folder() -> Path:
    """Where object code is kept."""
    return cache_folder() / "kernels"


def object_file(text: str) -> Path:
    """The file of the object code of some IR on this processor."""
    whole = "\n".join((text, *processor(), llvmlite.__version__, llvm.get_process_triple()))
    return kernel_folder() / f"{hashlib.sha256(whole.encode()).hexdigest()[:32]}"


def _compiled(text: str) -> tuple[llvm.ExecutionEngine, Callable[[int], None]]:
    target = _target()
    path = object_file(text)
    code = _read(path)
    if code is None:
        code = target.emit_object(_optimised(text, target))
        _write(path, code)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.get_function_address("kernel"))
    return engine, function


def _target() -> llvm.TargetMachine:
    name, features = processor()
    # Position-independent, and for addresses anywhere: it is loaded wherever this process has room.
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
    """The assembly of a program, to be read."""
    target = _target()
    return str(target.emit_assembly(_optimised(program.text(), target)))


def _read(path: Path) -> bytes | None:
    try:
        whole = path.read_bytes()
    except OSError:
        return None
    code = whole[DIGEST_BYTES:]
    return code if hashlib.sha256(code).digest() == whole[:DIGEST_BYTES] else None  # cut short, as by a full disk


def _write(path: Path, code: bytes) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # what lies there is run: nobody else may write it
        with replacing(path) as part:
            part.write_bytes(hashlib.sha256(code).digest() + code)
    except OSError:  # a full or missing home: the next process compiles again
        return
