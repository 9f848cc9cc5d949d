"""LLVM IR written as arithmetic: what Python does with a ``Value`` becomes instructions on many SIMD lanes at once.

A kernel is a Python function that is run once, with values that stand for registers. A
Python loop over inputs or outputs is unrolled; ``Program.loop`` becomes a loop of the
machine. Every multiplication and addition is rounded as written, ``fma`` once, and no
flag lets the compiler change their order: what a kernel computes is fixed by its text.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias, Union

from llvmlite import ir

from pipeline.engines.cpu.codegen.processor import REGISTER_BITS
from pipeline.engines.cpu.codegen.signature import INT64_NAME, Parameter

FloatDtype: TypeAlias = Literal["float32", "float64"]
Number: TypeAlias = Union["Value", float, int]

INT64 = ir.IntType(64)
POINTER = ir.PointerType()
FLOAT_TYPES: dict[FloatDtype, ir.Type] = {"float32": ir.FloatType(), "float64": ir.DoubleType()}
BITS: dict[FloatDtype, int] = {"float32": 32, "float64": 64}


@dataclass(frozen=True, eq=False)
class Value:
    """A number, or one number in each SIMD lane, while a kernel runs."""

    program: Program
    ir: ir.Value

    @property
    def lanes(self) -> int:
        """How many numbers; 1 for a number by itself."""
        return self.ir.type.count if isinstance(self.ir.type, ir.VectorType) else 1

    @property
    def is_float(self) -> bool:
        """Whether it holds floating-point numbers rather than integers."""
        return not isinstance(_element(self.ir.type), ir.IntType)

    def __add__(self, other: Number) -> Value:
        return self.program.binary("fadd", "add", self, other)

    def __sub__(self, other: Number) -> Value:
        return self.program.binary("fsub", "sub", self, other)

    def __mul__(self, other: Number) -> Value:
        return self.program.binary("fmul", "mul", self, other)

    def __truediv__(self, other: Number) -> Value:
        return self.program.binary("fdiv", "sdiv", self, other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: float) -> Value:
        return self.program.as_value(other, self) - self

    def __rtruediv__(self, other: float) -> Value:
        return self.program.as_value(other, self) / self

    def __neg__(self) -> Value:
        return Value(self.program, self.program.builder.fneg(self.ir))

    def __lt__(self, other: Number) -> Value:
        return self.program.compare("<", self, other)

    def __le__(self, other: Number) -> Value:
        return self.program.compare("<=", self, other)

    def __gt__(self, other: Number) -> Value:
        return self.program.compare(">", self, other)

    def __ge__(self, other: Number) -> Value:
        return self.program.compare(">=", self, other)

    def parts(self, lanes: int) -> list[Value]:
        """Groups of ``lanes`` neighbouring lanes, in their order."""
        return [self.program.shuffle(self, self, range(n, n + lanes)) for n in range(0, self.lanes, lanes)]

    def sum(self) -> Value:
        """All lanes together, halves onto halves."""
        value = self
        while value.lanes > 1:
            low, high = value.parts(value.lanes // 2)
            value = low + high
        return value


class Variable:
    """A value that changes in a loop; LLVM's mem2reg turns it into registers."""

    def __init__(self, program: Program, start: Value) -> None:
        self.program = program
        # In the entry block, where LLVM's mem2reg looks for what it can keep in registers.
        with program.builder.goto_entry_block():
            self.address = program.builder.alloca(start.ir.type)
        self.type = start.ir.type
        self.set(start)

    def get(self) -> Value:
        """Its present value."""
        return Value(self.program, self.program.builder.load(self.address, typ=self.type))

    def set(self, value: Value) -> None:
        """Change it."""
        self.program.builder.store(value.ir, self.address)


class Array:
    """Contiguous numbers in memory."""

    def __init__(self, program: Program, address: ir.Value, element: ir.Type) -> None:
        self.program, self.address, self.element = program, address, element

    def at(self, place: Number) -> ir.Value:
        """The address of an element."""
        index = self.program.int_constant(place).ir
        return self.program.builder.gep(self.address, [index], source_etype=self.element)

    def load(self, place: Number, lanes: int = 1) -> Value:
        """Elements from a place on."""
        # Aligned to one element only: places may be any; where addresses are aligned, x86 loads no slower for it.
        kind = ir.VectorType(self.element, lanes) if lanes > 1 else self.element
        return Value(self.program, self.program.builder.load(self.at(place), align=_bytes_of(self.element), typ=kind))

    def store(self, place: Number, value: Value) -> None:
        """Write elements from a place on."""
        self.program.builder.store(value.ir, self.at(place), align=_bytes_of(self.element))


class Program:
    """A function ``f(table)`` while it is written; the table holds its arguments, integers and addresses.

    Args:
        dtype: Of all its floating-point numbers.
        lanes: Numbers that are worked on together; none: as many as fit into a register. With fewer each lane computes
            the same, to the last bit.
    """

    def __init__(self, dtype: FloatDtype, lanes: int | None = None) -> None:
        self.dtype = dtype
        self.real = FLOAT_TYPES[dtype]
        self.lanes = lanes or REGISTER_BITS // BITS[dtype]
        self.module = ir.Module("kernel")
        self.function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [POINTER]), "kernel")
        self.builder = ir.IRBuilder(self.function.append_basic_block())
        self.parameters: list[Parameter] = []

    def text(self) -> str:
        """The whole program as LLVM IR."""
        if not self.builder.block.is_terminated:
            self.builder.ret_void()
        return str(self.module)

    # What it is given.

    def int_parameter(self, name: str) -> Value:
        """An integer parameter."""
        return self._word(Parameter(name))

    def array_parameter(self, name: str, *sizes: int | str, integers: bool = False) -> Array:
        """An array parameter, at least as long as the product of some sizes.

        Args:
            name: The name that arguments are passed by.
            *sizes: Integers, or names of integer parameters.
            integers: Whether it holds int64 rather than floating-point numbers.

        Returns:
            The array.
        """
        parameter = Parameter(name, INT64_NAME if integers else self.dtype, sizes)
        return Array(self, self.builder.inttoptr(self._word(parameter).ir, POINTER), INT64 if integers else self.real)

    def _word(self, parameter: Parameter) -> Value:
        place = self.builder.gep(
            self.function.args[0], [self.int_constant(len(self.parameters)).ir], source_etype=INT64
        )
        self.parameters.append(parameter)
        return Value(self, self.builder.load(place, typ=INT64))

    # Constants.

    def int_constant(self, number: Number) -> Value:
        """An integer."""
        return number if isinstance(number, Value) else Value(self, _constant(INT64, number))

    def constant(self, number: float, lanes: int = 1) -> Value:
        """A floating-point number, the same in all lanes."""
        return Value(self, _constant(self._kind(lanes), float(number)))

    def lane_numbers(self) -> Value:
        """The number of each lane of a full register, from 0."""
        return Value(self, ir.Constant(ir.VectorType(INT64, self.lanes), list(range(self.lanes))))

    def boolean(self, *, value: bool) -> Value:
        """A truth value that is known already."""
        return Value(self, ir.Constant(ir.IntType(1), int(value)))

    def as_value(self, number: Number, like: Value) -> Value:
        """A number broadcast to the lanes of another value."""
        if not isinstance(number, Value):
            return Value(self, _constant(like.ir.type, number))
        return self.broadcast(number, like.lanes) if number.lanes == 1 else number

    def broadcast(self, number: Value, lanes: int) -> Value:
        """A number in all lanes."""
        if lanes == number.lanes:
            return number
        # To insert in lane 0 and shuffle with zeros is what LLVM turns into a broadcast instruction.
        kind = ir.VectorType(number.ir.type, lanes)
        first = self.builder.insert_element(ir.Constant(kind, ir.Undefined), number.ir, ir.Constant(ir.IntType(32), 0))
        return Value(
            self, self.builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), _lane_mask((0,) * lanes))
        )

    def _kind(self, lanes: int) -> ir.Type:
        return ir.VectorType(self.real, lanes) if lanes > 1 else self.real

    # Arithmetic.

    def _alike(self, *numbers: Number) -> list[Value]:
        widest = max((n for n in numbers if isinstance(n, Value)), key=lambda value: value.lanes)
        return [self.as_value(number, widest) for number in numbers]

    def binary(self, float_operation: str, int_operation: str, left: Number, right: Number) -> Value:
        """One of two LLVM instructions on two numbers.

        Args:
            float_operation: Instruction for floating-point numbers, such as ``fadd``.
            int_operation: Instruction for integers, such as ``add``.
            left: A number; one with a single lane is broadcast to those of the other.
            right: Likewise.

        Returns:
            The result in each lane.
        """
        a, b = self._alike(left, right)
        return Value(self, getattr(self.builder, float_operation if a.is_float else int_operation)(a.ir, b.ir))

    def compare(self, relation: str, left: Number, right: Number) -> Value:
        """Whether a relation holds, lane by lane; it never does for NaN.

        Args:
            relation: ``<``, ``<=``, ``>``, ``>=`` or ``==``.
            left: A number; one with a single lane is broadcast to those of the other.
            right: Likewise.

        Returns:
            A condition: one bit in each lane.
        """
        a, b = self._alike(left, right)
        # Ordered: false where either is NaN, so that a loss of NaN is not within bounds.
        compare = self.builder.fcmp_ordered if a.is_float else self.builder.icmp_signed
        return Value(self, compare(relation, a.ir, b.ir))

    def logical_not(self, condition: Value) -> Value:
        """Whether a condition does not hold."""
        return Value(self, self.builder.not_(condition.ir))

    def any_lane(self, condition: Value) -> Value:
        """Whether a condition holds in one lane or more."""
        lanes = ir.IntType(condition.lanes)
        return Value(self, self.builder.icmp_unsigned("!=", self.builder.bitcast(condition.ir, lanes), lanes(0)))

    def select(self, condition: Value, yes: Number, no: Number) -> Value:
        """One of two numbers in each lane, without a branch.

        Args:
            condition: One bit in each lane.
            yes: The number where it holds.
            no: The number elsewhere.

        Returns:
            As many lanes as the widest of the three has.
        """
        if not isinstance(yes, Value):
            yes = self.constant(yes, condition.lanes)
        a, b = self._alike(yes, no)
        return Value(self, self.builder.select(condition.ir, a.ir, b.ir))

    def intrinsic(self, name: str, *numbers: Number) -> Value:
        """An intrinsic of LLVM by its name, such as ``sqrt``."""
        values = self._alike(*numbers)
        kind = values[0].ir.type
        full = f"llvm.{name}.{f'v{values[0].lanes}' if values[0].lanes > 1 else ''}{_short_name(_element(kind))}"
        function = self.module.globals.get(full) or ir.Function(
            self.module, ir.FunctionType(kind, [kind] * len(values)), full
        )
        return Value(self, self.builder.call(function, [value.ir for value in values]))

    def fma(self, a: Number, b: Number, c: Number) -> Value:
        """``a b + c``, rounded once."""
        return self.intrinsic("fma", a, b, c)

    def polynomial(self, x: Value, coefficients: Sequence[float]) -> Value:
        """A polynomial, constant term first, by Horner's rule."""
        start = self.as_value(coefficients[-1], x)
        return functools.reduce(lambda sum_, c: self.fma(sum_, x, c), reversed(coefficients[:-1]), start)

    def shuffle(self, a: Value, b: Value, lanes: Sequence[int]) -> Value:
        """Lanes of two values in any order.

        Args:
            a: Its lanes have the numbers from 0.
            b: Its lanes come after them.
            lanes: Numbers of lanes, any of them more than once.

        Returns:
            A value with as many lanes as there are numbers.
        """
        if len(lanes) == 1:
            return Value(self, self.builder.extract_element(a.ir, ir.Constant(ir.IntType(32), lanes[0])))
        return Value(self, self.builder.shuffle_vector(a.ir, b.ir, _lane_mask(tuple(lanes))))

    def table_lookup(self, table: Sequence[float], index: Value) -> Value:
        """Elements of a table of 32 numbers, by the last five bits of a register of integers; with AVX-512 only."""
        kind, whole = self._kind(self.lanes), ir.VectorType(ir.IntType(32), self.lanes)
        name = "llvm.x86.avx512.vpermi2var.ps.512"
        function = self.module.globals.get(name) or ir.Function(
            self.module, ir.FunctionType(kind, [kind, whole, kind]), name
        )
        low, high = (ir.Constant(kind, list(half)) for half in (table[: self.lanes], table[self.lanes :]))
        return Value(self, self.builder.call(function, [low, index.ir, high]))

    def from_scalars(self, numbers: Sequence[Value]) -> Value:
        """A value with one number in each lane."""
        kind = self._kind(len(numbers))
        lanes = ir.Constant(kind, ir.Undefined)
        for place, number in enumerate(numbers):
            lanes = self.builder.insert_element(lanes, number.ir, ir.Constant(ir.IntType(32), place))
        return Value(self, lanes)

    def concatenated(self, values: Sequence[Value]) -> Value:
        """The lanes of a power of two of values, one after another."""
        level = list(values)
        while len(level) > 1:
            level = [self.shuffle(a, b, range(2 * a.lanes)) for a, b in zip(level[::2], level[1::2], strict=True)]
        return level[0]

    def horizontal_sums(self, values: Sequence[Value]) -> Value:
        """The sums over the lanes of as many values as there are lanes, one in each lane.

        Two values at a time are folded into one that holds half of each, so that nearly every
        addition is on full registers.

        Args:
            values: As many as each has lanes.

        Returns:
            In lane n the sum of value n.
        """
        level, half = list(values), 1
        while len(level) > 1:
            level = [self._folded(a, b, half) for a, b in zip(level[::2], level[1::2], strict=True)]
            half *= 2
        return level[0]

    def _folded(self, a: Value, b: Value, half: int) -> Value:
        """Neighbouring groups of ``half`` lanes added: those of the first value and the second in turn."""
        count = a.lanes
        groups = range(0, count, 2 * half)
        low = [start + n + first for start in groups for first in (0, count) for n in range(half)]
        return self.shuffle(a, b, low) + self.shuffle(a, b, [lane + half for lane in low])

    # Memory at a place of its own for each lane.

    def gather(self, array: Array, place: Value) -> Value:
        """The element of an array at the place that each lane says."""
        pointers, kind = self._addresses(array, place), ir.VectorType(array.element, place.lanes)
        mask = _constant(ir.VectorType(ir.IntType(1), place.lanes), 1)
        alignment = ir.Constant(ir.IntType(32), _bytes_of(array.element))
        name = f"llvm.masked.gather.v{place.lanes}{_short_name(array.element)}.v{place.lanes}p0"
        types = [pointers.type, alignment.type, mask.type, kind]
        function = self._declared(name, ir.FunctionType(kind, types))
        return Value(self, self.builder.call(function, [pointers, alignment, mask, ir.Constant(kind, ir.Undefined)]))

    def scatter(self, array: Array, place: Value, value: Value) -> None:
        """Write each lane to the place that it says; no two lanes may say the same."""
        pointers = self._addresses(array, place)
        mask = _constant(ir.VectorType(ir.IntType(1), place.lanes), 1)
        alignment = ir.Constant(ir.IntType(32), _bytes_of(array.element))
        name = f"llvm.masked.scatter.v{place.lanes}{_short_name(array.element)}.v{place.lanes}p0"
        types = [value.ir.type, pointers.type, alignment.type, mask.type]
        function = self._declared(name, ir.FunctionType(ir.VoidType(), types))
        self.builder.call(function, [value.ir, pointers, alignment, mask])

    def _addresses(self, array: Array, place: Value) -> ir.Value:
        """The address of an element for each lane."""
        first = self.broadcast(Value(self, self.builder.ptrtoint(array.address, INT64)), place.lanes)
        return self.builder.inttoptr((first + place * _bytes_of(array.element)).ir, ir.VectorType(POINTER, place.lanes))

    def _declared(self, name: str, kind: ir.FunctionType) -> ir.Function:
        return self.module.globals.get(name) or ir.Function(self.module, kind, name)

    def rounded(self, x: Value, dtype: FloatDtype) -> Value:
        """Numbers of a float64 program rounded to another type, and taken back."""
        if dtype == self.dtype:
            return x
        kind = ir.VectorType(FLOAT_TYPES[dtype], x.lanes) if x.lanes > 1 else FLOAT_TYPES[dtype]
        return Value(self, self.builder.fpext(self.builder.fptrunc(x.ir, kind), x.ir.type))

    # Bits.

    def bitcast_to_integer(self, x: Value) -> Value:
        """The bits of floating-point numbers, as integers."""
        element = ir.IntType(BITS[self.dtype])
        return Value(self, self.builder.bitcast(x.ir, ir.VectorType(element, x.lanes) if x.lanes > 1 else element))

    def bitcast_to_real(self, x: Value) -> Value:
        """Integers taken for the bits of floating-point numbers."""
        return Value(self, self.builder.bitcast(x.ir, self._kind(x.lanes)))

    def bitwise(self, operation: str, left: Value, right: Number) -> Value:
        """``and``, ``or`` or ``xor``, on conditions too; ``shl``, ``lshr`` or ``ashr`` on integers."""
        a, b = self._alike(left, right)
        name = {"and": "and_", "or": "or_"}.get(operation, operation)
        return Value(self, getattr(self.builder, name)(a.ir, b.ir))

    def wide_product(self, left: Number, right: Number) -> tuple[Value, Value]:
        """The low and the high half of the product of two unsigned integers."""
        wide = ir.IntType(2 * INT64.width)
        a, b = (self.builder.zext(self.int_constant(number).ir, wide) for number in (left, right))
        product = self.builder.mul(a, b)
        high = self.builder.lshr(product, ir.Constant(wide, INT64.width))
        return Value(self, self.builder.trunc(product, INT64)), Value(self, self.builder.trunc(high, INT64))

    # What happens when.

    @contextmanager
    def loop(self, stop: Number | Callable[[], Value], *, start: Number = 0, step: int = 1) -> Iterator[Value]:
        """Repeat the block for the numbers from ``start`` to below ``stop``.

        Args:
            stop: A number, or a function that computes it anew before each pass, as where a variable ends the loop.
            start: The first number.
            step: The distance of two numbers.

        Yields:
            The number of the pass.
        """
        builder = self.builder
        before, head = builder.block, self.function.append_basic_block()
        body, after = self.function.append_basic_block(), self.function.append_basic_block()
        builder.branch(head)
        builder.position_at_end(head)
        number = builder.phi(INT64)  # of the start or, from the second time on, of the number plus the step
        number.add_incoming(self.int_constant(start).ir, before)
        end = stop() if callable(stop) else self.int_constant(stop)
        builder.cbranch(builder.icmp_signed("<", number, end.ir), body, after)
        builder.position_at_end(body)
        yield Value(self, number)
        number.add_incoming(builder.add(number, self.int_constant(step).ir), builder.block)
        builder.branch(head)
        builder.position_at_end(after)

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """Do the block only if the condition holds."""
        with self.builder.if_then(condition.ir):
            yield

    def variable(self, start: Value) -> Variable:
        """A variable with a value to start with."""
        return Variable(self, start)


def _element(kind: ir.Type) -> ir.Type:
    return kind.element if isinstance(kind, ir.VectorType) else kind


def _bytes_of(element: ir.Type) -> int:
    if isinstance(element, ir.IntType):
        return element.width // 8
    return 4 if isinstance(element, ir.FloatType) else 8


def _short_name(element: ir.Type) -> str:
    """Such as ``f64``, as names of intrinsics end."""
    return f"{'i' if isinstance(element, ir.IntType) else 'f'}{_bytes_of(element) * 8}"


def _constant(kind: ir.Type, number: float) -> ir.Constant:
    """A number in each lane."""
    return _cached_constant(kind, int(number) if isinstance(_element(kind), ir.IntType) else float(number).hex())


@functools.cache
def _cached_constant(kind: ir.Type, number: int | str) -> ir.Constant:
    """A constant, which is made and written as text once; a float by its hexadecimal digits, for 0.0 equals -0.0."""
    if isinstance(kind, ir.VectorType):
        return ir.Constant(kind, [_cached_constant(kind.element, number)] * kind.count)
    return ir.Constant(kind, float.fromhex(number) if isinstance(number, str) else number)


@functools.cache
def _lane_mask(lanes: tuple[int, ...]) -> ir.Constant:
    """Numbers of lanes for a shuffle, likewise."""
    return ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))


def total(values: Sequence[Value]) -> Value:
    """The sum of some values, from left to right."""
    return functools.reduce(operator.add, values)
