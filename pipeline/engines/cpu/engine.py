"""The fused engine for processors: each trial from its first step to its last in code compiled for its shape.

Trials are divided among the cores. A trial is computed by one core, by the same
instructions whatever is computed beside it, so its numbers depend neither on the pack
nor on the number of cores, to the last bit.

Where the step of a single trial is large, its points come in a fixed number of chunks whose
gradients are added in order. A pack with fewer trials than there are chunks and cores is then
trained one trial after another: each core takes chunks of a step until none is left.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.diagnostics.snapshot import Shortcuts
from pipeline.engines.bias_corrections import corrections
from pipeline.engines.cpu.codegen.buffers import PointBuffers, PointTiling, round_up
from pipeline.engines.cpu.codegen.compile import BoundKernel, Kernel
from pipeline.engines.cpu.codegen.processor import REGISTER_BITS
from pipeline.engines.cpu.codegen.signature import ArgumentValue, buffer
from pipeline.engines.cpu.codegen.simd import BITS, FloatDtype
from pipeline.engines.cpu.eigenvalues import LargestEigenvalues, lanczos_kernel
from pipeline.engines.cpu.features import FeatureEvaluator, forward_kernel
from pipeline.engines.cpu.kernels.network import NetworkSpec
from pipeline.engines.cpu.permutations import permutation_kernel, permutations
from pipeline.engines.cpu.qr import triangular_kernel
from pipeline.engines.cpu.scratch import Scratch
from pipeline.engines.cpu.singular_values import singular_values, singular_values_kernel
from pipeline.engines.cpu.training_kernels import (
    chunk_kernel,
    gradient_kernel,
    grouped,
    kernel_spec,
    most_chunks,
    training_kernel,
    update_kernel,
)
from pipeline.engines.engine import Engine, Stack, check_arrays
from pipeline.experiment.trial import Shape
from pipeline.models.shallow import Shallow
from pipeline.numerics.threads import CORES, share_out
from pipeline.optimizers.rules import UpdateRule

PARTS_PER_WORKER = 4
"""Parts that the trials of a core come in, so that one core with diverged trials takes some of another's."""

LARGE_WORK = 20_000_000
"""Operations from which on threads are started: 0.2 ms of work on one core, about what it takes to start them."""

PERMUTED_POINTS_AT_ONCE = 1 << 16
"""Points permuted in one call of a kernel: half a megabyte, which stays in the cache of a core."""


class Fused(Engine):
    """Linear models, and networks with one hidden layer, on the cores of a processor."""

    name: ClassVar[str] = "fused"

    def __init__(self, context: PackContext, batch_size: int | None, device: torch.device) -> None:
        assert isinstance(context.optimizer, UpdateRule)
        self.rule = context.optimizer
        self.context, self.batch_size = context, batch_size
        inputs_AP, targets_KP = (rows.to(context.dtype).contiguous() for rows in self._training_points())
        num_points, num_inputs = inputs_AP.shape[1], context.dataset.train_inputs_PD.shape[1]
        dtype: FloatDtype = "float32" if context.dtype == torch.float32 else "float64"
        self.spec = kernel_spec(context.model, context.loss, num_inputs, context.num_outputs, dtype)
        self.lanes = REGISTER_BITS // BITS[dtype]
        chunks = most_chunks(self.spec, context.width, num_points, batch_size)
        real = inputs_AP.numpy().dtype
        self.tiling = PointTiling(num_points, self.lanes, real, chunks)
        self.points = PointBuffers(inputs_AP.numpy(), targets_KP.numpy(), len(self.tiling.point_weights_P))
        self.columns = self.points.columns(self.lanes) if self.spec.inputs_in_lanes else np.empty(0, real)
        multiple = self.spec.multiple_in_points(self.lanes)
        self.gathered = self.points.together(multiple) if batch_size is not None else np.empty(0, real)
        self.batch_tiling = PointTiling(batch_size or num_points, self.lanes, real)
        self.per_epoch = num_points // (batch_size or num_points)
        self.places_N = self.spec.places(context.width, self.lanes)
        # Trials in groups that load each point once; what is left over at the end comes one by one, to the same bits.
        self.grouped = grouped(self.spec, batch_size)
        self.training, self.training_together = self._training_kernels()
        self.gradient = gradient_kernel(self.spec)
        self.common = self._common_arguments()
        if isinstance(context.model, Shallow):
            values, top_of_hessian = FeatureEvaluator(context), LargestEigenvalues(context)
            self.shortcuts = Shortcuts(values.features, values.test_outputs, singular_values, top_of_hessian)
        # One for each core, allotted once for all calls.
        batch = 0 if batch_size is None else len(self.batch_tiling.point_weights_P)
        slots, chunks = context.optimizer.slots, self.tiling.num_chunks
        self.scratch = [Scratch(self.grouped, context.width, self.lanes, slots, batch, chunks) for _ in range(CORES)]

    def _training_kernels(self) -> tuple[Kernel, Kernel]:
        """What makes updates of one trial at a time, and of groups."""
        minibatches = self.batch_size is not None
        alone, together = (
            training_kernel(spec, self.rule, minibatches=minibatches) for spec in (self.spec, self.grouped)
        )
        return alone, together

    def _training_points(self) -> tuple[Tensor, Tensor]:
        """Inputs ``[A, P]`` and targets ``[K, P]``: features of a linear model, coordinates for a network."""
        context, dataset = self.context, self.context.dataset
        return context.prepared_AP if context.model.linear else dataset.train_inputs_PD.mT, dataset.train_targets_PK.mT

    @classmethod
    def compile_kernels(cls, shape: Shape, *, top_of_hessian: bool) -> None:
        assert isinstance(shape.optimizer, UpdateRule)
        dtype: FloatDtype = shape.stored
        spec = kernel_spec(shape.model, shape.loss, shape.problem.num_inputs, shape.problem.num_outputs, dtype)
        gradient_kernel(spec)
        for number_together in (spec, grouped(spec, shape.batch_size)):
            training_kernel(number_together, shape.optimizer, minibatches=shape.batch_size is not None)
        if shape.batch_size is not None:
            permutation_kernel()
        if most_chunks(spec, shape.width, shape.problem.train, shape.batch_size) > 1:
            chunk_kernel(spec)
            update_kernel(spec, shape.optimizer)
        cls.compile_diagnostics(shape, top_of_hessian=top_of_hessian)

    @classmethod
    def compile_diagnostics(cls, shape: Shape, *, top_of_hessian: bool) -> None:
        """Compile what is observed of packs of a shape; of linear models nothing is compiled for that.

        Args:
            shape: What the trials of a pack have in common.
            top_of_hessian: Whether largest eigenvalues of Hessians are going to be wanted.
        """
        dtype: FloatDtype = shape.stored
        spec = kernel_spec(shape.model, shape.loss, shape.problem.num_inputs, shape.problem.num_outputs, dtype)
        if not isinstance(spec, NetworkSpec):
            return
        triangular_kernel()
        singular_values_kernel()
        forward_kernel(spec, features=False)
        precise = dataclasses.replace(spec, dtype="float64")
        forward_kernel(precise, features=True)
        if top_of_hessian:
            lanczos_kernel(precise)

    def value_and_gradient(self, weights_TN: Tensor) -> tuple[Tensor, Tensor]:
        weights_TN = weights_TN.contiguous()
        check_arrays(self.context.dtype, len(weights_TN), {"weights": weights_TN})
        losses_T, gradient_TN = weights_TN.new_empty(len(weights_TN)), torch.empty_like(weights_TN)
        if self._divides_points(len(weights_TN)):
            self._value_and_gradient_by_chunks(weights_TN, losses_T, gradient_TN)
            return losses_T, gradient_TN

        def work(scratch: Scratch, first: int, last: int) -> None:
            arrays = {"weights": weights_TN, "losses": losses_T, "gradient": gradient_TN}
            own: dict[str, ArgumentValue] = {name: array[first:] for name, array in arrays.items()}
            self._bound(self.gradient, scratch).bind_all(own | {"num_trials": last - first})()

        self._on_all_cores(work, len(weights_TN), self.points.num_points)
        return losses_T, gradient_TN

    def advance(self, stack: Stack, first_step: int, last_step: int) -> Tensor:
        if self._divides_points(len(stack)) and first_step < last_step:
            return self._advance_by_chunks(stack, first_step, last_step)
        diverged_T = torch.full((len(stack),), -1)

        def work(scratch: Scratch, first: int, last: int) -> None:
            whole = last - (last - first) % self.grouped.together
            for kernel, begin, end in ((self.training_together, first, whole), (self.training, whole, last)):
                if begin < end:
                    part = stack.part(begin, end)
                    diverged_T[begin:end] = self._advance(kernel, scratch, part, first_step, last_step)

        self._on_all_cores(work, len(stack), (last_step - first_step) * (self.batch_size or self.points.num_points))
        return diverged_T

    def _advance(self, kernel: Kernel, scratch: Scratch, part: Stack, first_step: int, last_step: int) -> Tensor:
        """All updates of some trials, on one core."""
        diverged_T = torch.full((len(part),), -1)
        arrays = part.arrays()
        arrays["bounds"] = arrays["bounds"].clone()  # changed below
        bound = self._bound(kernel, scratch)
        for first, last in self._pieces(len(part), first_step, last_step):
            found_T = torch.full((len(part),), -1)
            factors_H2 = corrections(self.rule, first, last).astype(self.points.inputs_AP.dtype)
            arguments: dict[str, ArgumentValue] = {**arrays, "num_trials": len(part), "num_steps": last - first}
            arguments["corrections"] = factors_H2
            if self.batch_size is not None:
                epochs = range(first // self.per_epoch, -(-last // self.per_epoch))
                kept = self.per_epoch * self.batch_size
                permutation_TP = permutations(part.trial_ids, epochs, self.points.num_points, kept)
                in_epoch = first - epochs.start * self.per_epoch
                arguments |= {
                    "permutations": permutation_TP,
                    "permutation_size": permutation_TP.shape[1],
                    "first_batch": in_epoch,
                }
            bound.bind_all(arguments | {"diverged": found_T})()  # writes weights and slots of the part in place
            diverged_T = torch.where((diverged_T < 0) & (found_T >= 0), found_T + first, diverged_T)
            if (diverged_T >= 0).all():
                break
            arrays["bounds"][diverged_T >= 0] = -torch.inf  # no batch of the pieces to come is within it
        return diverged_T

    def _pieces(self, num_trials: int, first_step: int, last_step: int) -> Iterator[tuple[int, int]]:
        """The steps in pieces that end with an epoch, each of as many epochs as permutations are drawn of at a time.

        Args:
            num_trials: T.
            first_step: Updates made before.
            last_step: Updates made in the end.

        Yields:
            The first and last step of a piece.
        """
        if self.batch_size is None:
            yield first_step, last_step
            return
        epochs = max(1, PERMUTED_POINTS_AT_ONCE // (num_trials * self.per_epoch * self.batch_size))
        while first_step < last_step:
            end = min(last_step, (first_step // self.per_epoch + epochs) * self.per_epoch)
            yield first_step, end
            first_step = end

    def _divides_points(self, num_trials: int) -> bool:
        """Whether all cores work on the chunks of one trial after another: that occupies more of them."""
        return 0 < num_trials < min(self.tiling.num_chunks, len(self.scratch))

    def _value_and_gradient_by_chunks(self, weights_TN: Tensor, losses_T: Tensor, gradient_TN: Tensor) -> None:
        """Losses and gradients of a few trials, the chunks of each on all cores."""
        arrays, num_chunks = self.scratch[0].arrays, self.tiling.num_chunks
        size = self.spec.size(self.context.width, self.lanes)
        with self._all_cores() as compute_chunks:
            for trial, weights_N in enumerate(weights_TN.detach().numpy()):
                arrays["own_weights"][self.places_N] = weights_N
                compute_chunks()
                chunks = arrays["own_gradient"][: num_chunks * size].reshape(num_chunks, size)
                rows = functools.reduce(operator.add, chunks)  # from the first to the last, as a kernel adds them
                gradient_TN[trial] = torch.from_numpy(rows[self.places_N])
                losses_T[trial] = float(functools.reduce(operator.add, arrays["chunk_losses"][:num_chunks]))

    def _advance_by_chunks(self, stack: Stack, first_step: int, last_step: int) -> Tensor:
        """All updates of a few trials, the chunks of each on all cores."""
        found_T = np.full(len(stack), -1)
        factors_H2 = corrections(self.rule, first_step, last_step).astype(self.points.inputs_AP.dtype)
        update, scratch = update_kernel(self.spec, self.rule), self.scratch[0]
        with self._all_cores() as compute_chunks:
            for trial in range(len(stack)):
                part = stack.part(trial, trial + 1).arrays()
                arguments: dict[str, ArgumentValue] = {
                    **part,
                    "corrections": factors_H2,
                    "diverged": found_T[trial:],
                    "number": 0,
                }
                call = self._bound(update, scratch).bind_all(arguments)
                moving = [(scratch.arrays[f"own_{name}"], part[name][0].detach().numpy()) for name in self._moving]
                for own, flat_N in moving:
                    own[self.places_N] = flat_N
                for number in range(last_step - first_step):
                    compute_chunks()
                    call.with_integer("number", number)()
                    if found_T[trial] >= 0:
                        break
                for own, flat_N in moving:
                    flat_N[:] = own[self.places_N]
        return torch.from_numpy(np.where(found_T < 0, -1, found_T + first_step))

    @property
    def _moving(self) -> list[str]:
        """The names of the arrays that updates change."""
        return ["weights", *(f"slot_{number}" for number in range(self.rule.slots))]

    @contextmanager
    def _all_cores(self) -> Iterator[Callable[[], None]]:
        """A function that computes all chunks of the trial whose weights lie in the first scratch, on all cores."""
        num_chunks, kernel = self.tiling.num_chunks, chunk_kernel(self.spec)
        one = {name: self.scratch[0].arguments[name] for name in ("own_weights", "own_gradient", "chunk_losses")}
        arguments = [self.common | scratch.arguments | one for scratch in self.scratch[:num_chunks]]
        calls = [[kernel.bind_all(own | {"chunk": number}) for number in range(num_chunks)] for own in arguments]

        def worker(own_calls: Sequence[Callable[[], None]], left: Iterable[int]) -> None:
            for number in left:  # the iterator of a range gives each of its numbers to one thread only
                own_calls[number]()

        with ThreadPoolExecutor(len(calls) - 1) as pool:  # this thread is one more

            def compute_chunks() -> None:
                left = iter(range(num_chunks))
                others = [pool.submit(worker, own_calls, left) for own_calls in calls[1:]]
                worker(calls[0], left)
                for other in others:
                    if not other.cancel():  # one that has not begun yet would find nothing left
                        other.result()

            yield compute_chunks

    def _bound(self, kernel: Kernel, scratch: Scratch) -> BoundKernel:
        """A kernel in the memory of a core; the arguments that all trials have in common are checked once."""
        if kernel not in scratch.bound:
            scratch.bound[kernel] = kernel.bind(self.common | scratch.arguments)
        return scratch.bound[kernel]

    def _common_arguments(self) -> dict[str, ArgumentValue]:
        """The arguments that all trials and kernels have in common."""
        return {
            "num_weights": len(self.places_N),
            "places": buffer(self.places_N),
            "width": self.context.width,
            "row": round_up(self.context.width, self.lanes),
            "size": self.spec.size(self.context.width, self.lanes),
            "all_inputs": buffer(self.points.filled[0]),
            "all_columns": buffer(self.columns),
            "all_targets": buffer(self.points.filled[1]),
            "points": buffer(self.gathered),
            "batch_size": self.batch_size or self.points.num_points,
            **self.tiling.arguments("all"),
            **self.batch_tiling.arguments("batch"),
        }

    def _on_all_cores(self, work: Callable[[Scratch, int, int], None], num_trials: int, num_points: int) -> None:
        """Do work on all trials, at ``num_points`` points each: each core takes some at a time until none is left."""
        operations = num_trials * num_points * self.spec.operations(self.context.width)
        # Little work stays in this thread, as starting others would take longer than the work.
        most_parts = PARTS_PER_WORKER * len(self.scratch) if operations >= LARGE_WORK else 1
        share_out(work, self.scratch, num_trials, together=self.grouped.together, most_parts=most_parts)
