"""Training of networks of many inputs, outputs or hidden units, a step in two launches, by products of matrices.

The first launch has a program for each trial and tile of points: it goes over all hidden units and leaves the slopes
of the loss in the outputs at its points. The second has one for each trial and tile of hidden units: it goes over
all points, computes its hidden units once more, and changes its own weights alone. So nothing is added by two
programs, and no hidden unit is ever written. Tiles do not depend on the pack, and sums go over them in order.

Points lie in rows that are padded with zeros to ``DP`` inputs and ``KP`` outputs, the powers of two that matrix units
want, and so are slopes, whose points are padded too: what is read for each tile needs no mask.

Compile-time constants are in capitals: D inputs, K outputs, DP and KP with what fills them up; BP points and BU
hidden units of a tile; TILES a power of two that is no less than the tiles of points; PRECISION ``ieee`` or
``tf32``; BATCHED whether an update takes a minibatch; the others are those of ``elementwise``.
"""

from __future__ import annotations

import triton
import triton.language as tl

from pipeline.engines.gpu.kernels.elementwise import activate, loss_and_slopes_in_rows, times_derivative, updated

VARYING = ("offset", "first_batch")
"""Numbers that differ between launches, for which nothing is compiled anew."""
UNALIGNED = ("weights", "slot_0", "slot_1", "whole", "rates", "bounds")
"""What begins at any trial of a pack: were its address told to the compiler, numbers might depend on the pack."""


@triton.jit
def point_at(permutations, place, num_points, BATCHED: tl.constexpr):
    """The number of the point at each place of a batch; beyond its end any one."""
    point = place
    if BATCHED:
        point = tl.load(permutations + place, mask=place < num_points, other=0)
    return point


@triton.jit
def rows_of(values, row, COLUMNS: tl.constexpr):
    """Rows of a matrix."""
    return tl.load(values + row[:, None] * COLUMNS + tl.arange(0, COLUMNS)[None, :])


@triton.jit
def hidden_places(unit, width, D: tl.constexpr, DP: tl.constexpr):
    """The indices of hidden units' weights among the flattened ones, ``[DP, units]``, and whether there is one."""
    i = tl.arange(0, DP)
    return unit[None, :] * (D + 1) + i[:, None], (i < D)[:, None] & (unit < width)[None, :]


@triton.jit
def output_places(unit, width, D: tl.constexpr, K: tl.constexpr, KP: tl.constexpr):
    """The indices of the outputs' weights among the flattened ones, ``[units, KP]``, and whether there is one."""
    k = tl.arange(0, KP)
    at = width * (D + 1) + k[None, :] * (width + 1) + unit[:, None]
    return at, (k < K)[None, :] & (unit < width)[:, None]


@triton.jit
def weights_of(weights, unit, width, D: tl.constexpr, K: tl.constexpr, DP: tl.constexpr, KP: tl.constexpr):
    """Hidden units' weights of their inputs, biases, and weights in the outputs; zeros beyond."""
    hidden_at, hidden_there = hidden_places(unit, width, D, DP)
    last_at, last_there = output_places(unit, width, D, K, KP)
    hidden = tl.load(weights + hidden_at, mask=hidden_there, other=0.0)
    bias = tl.load(weights + unit * (D + 1) + D, mask=unit < width, other=0.0)
    return hidden, bias, tl.load(weights + last_at, mask=last_there, other=0.0)


@triton.jit
def hidden_values(x, hidden, bias, ACTIVATION: tl.constexpr, SLOPE: tl.constexpr, PRECISION: tl.constexpr):
    """``g(U x + b)`` at points, shape ``[points, units]``."""
    z = tl.dot(x, hidden, input_precision=PRECISION, out_dtype=x.dtype) + bias[None, :]
    return activate(z, ACTIVATION, SLOPE)


@triton.jit(do_not_specialize=VARYING, do_not_specialize_on_alignment=UNALIGNED)
def slopes_at_points(
    weights, inputs, targets, permutations, diverged, done, slopes, losses,
    offset, first_batch, per_epoch, num_weights, num_points, stride, width, num_tiles, num_places,
    D: tl.constexpr, K: tl.constexpr, LOSS: tl.constexpr, ACTIVATION: tl.constexpr, SLOPE: tl.constexpr,
    PRECISION: tl.constexpr, BATCHED: tl.constexpr,
    BP: tl.constexpr, BU: tl.constexpr, DP: tl.constexpr, KP: tl.constexpr,
):  # fmt: skip
    """The slopes of one trial's loss in the outputs at a tile of points, and what these add to the loss.

    Args:
        weights: ``[T, num_weights]``.
        inputs: ``[points, DP]``.
        targets: ``[points, KP]``.
        permutations: Numbers of the points of an epoch, ``[T, stride]``, if there are batches.
        diverged: The step at which each trial has diverged, or -1.
        done: Steps made before this launch, but for ``offset``.
        slopes: Written, ``[T, num_places, KP]``.
        losses: Written, ``[T, num_tiles]``.
        offset: Steps made after ``done`` was.
        first_batch: The batch of step 0.
        per_epoch: Batches of an epoch.
        num_weights: N.
        num_points: Points of a batch.
        stride: All points.
        width: W.
        num_tiles: Tiles of points.
        num_places: Points with those that fill up the last tile.
    """
    tile, trial = tl.program_id(0) % num_tiles, (tl.program_id(0) // num_tiles).to(tl.int64)
    if tl.load(diverged + trial) >= 0:
        return
    real: tl.constexpr = weights.dtype.element_ty
    batch = (first_batch + tl.load(done) + offset) % per_epoch
    place = tile * BP + tl.arange(0, BP)
    point = point_at(permutations + trial * stride + batch * num_points, place, num_points, BATCHED)
    weights += trial * num_weights
    x = rows_of(inputs, point, DP)
    f = tl.zeros([BP, KP], real)
    for first in range(0, width, BU):
        hidden, bias, last = weights_of(weights, first + tl.arange(0, BU), width, D, K, DP, KP)
        h = hidden_values(x, hidden, bias, ACTIVATION, SLOPE, PRECISION)
        if K == 1:
            f += tl.sum(h * tl.reshape(last, [1, BU]), 1)[:, None]
        else:
            f = tl.dot(h, last, f, input_precision=PRECISION, out_dtype=real)
    k = tl.arange(0, KP)
    f += tl.load(weights + width * (D + 1) + k * (width + 1) + width, mask=k < K, other=0.0)[None, :]
    there = (place < num_points)[:, None] & (k < K)[None, :]
    value, slope = loss_and_slopes_in_rows(f, rows_of(targets, point, KP), there, LOSS)
    point_weight = 1.0 / num_points.to(real)
    tl.store(slopes + trial * num_places * KP + place[:, None] * KP + k[None, :], slope * point_weight)
    tl.store(losses + trial * num_tiles + tile, tl.sum(value) * point_weight)


@triton.jit
def change(
    flat, slot_0, slot_1, at, there, gradient, rate, root,
    RULE: tl.constexpr, SLOTS: tl.constexpr, A: tl.constexpr, B: tl.constexpr, E: tl.constexpr,
):  # fmt: skip
    """Update some weights of a trial; where no rule is named, write their gradient where the first slot would be."""
    if RULE == "":
        tl.store(slot_0 + at, gradient, mask=there)
    else:
        value = tl.load(flat + at, mask=there, other=0.0)
        first, second = value, value
        if SLOTS > 0:
            first = tl.load(slot_0 + at, mask=there, other=0.0)
        if SLOTS > 1:
            second = tl.load(slot_1 + at, mask=there, other=0.0)
        value, first, second = updated(value, gradient, first, second, rate, root, RULE, A, B, E)
        tl.store(flat + at, value, mask=there)
        if SLOTS > 0:
            tl.store(slot_0 + at, first, mask=there)
        if SLOTS > 1:
            tl.store(slot_1 + at, second, mask=there)


@triton.jit(do_not_specialize=VARYING, do_not_specialize_on_alignment=UNALIGNED)
def weights_of_units(
    weights, slot_0, slot_1, inputs, permutations, diverged, done, slopes, losses, whole, rates, bounds, corrections,
    offset, first_batch, per_epoch, num_weights, num_points, stride, width, num_tiles, num_places, num_unit_tiles,
    D: tl.constexpr, K: tl.constexpr, ACTIVATION: tl.constexpr, SLOPE: tl.constexpr, PRECISION: tl.constexpr,
    RULE: tl.constexpr, SLOTS: tl.constexpr, A: tl.constexpr, B: tl.constexpr, E: tl.constexpr,
    BATCHED: tl.constexpr, TILES: tl.constexpr,
    BP: tl.constexpr, BU: tl.constexpr, DP: tl.constexpr, KP: tl.constexpr,
):  # fmt: skip
    """An update of the weights of a tile of hidden units of one trial, or their gradient.

    Args are those of ``slopes_at_points``, and:
        slot_0: The first slot ``[T, num_weights]``; where no rule is named, the gradient is written to it.
        slot_1: The second.
        whole: Written, the loss of each trial, if no rule is named.
        rates: A learning rate for each trial.
        bounds: Losses above which it has diverged.
        corrections: ``[steps, 2]``.
        num_unit_tiles: Programs of a trial.
    """
    tile, trial = tl.program_id(0) % num_unit_tiles, (tl.program_id(0) // num_unit_tiles).to(tl.int64)
    if tl.load(diverged + trial) >= 0:
        return
    real: tl.constexpr = weights.dtype.element_ty
    step = tl.load(done) + offset
    number = tl.arange(0, TILES)
    loss = tl.sum(tl.load(losses + trial * num_tiles + number, mask=number < num_tiles, other=0.0))
    if RULE == "":
        if tile == 0:
            tl.store(whole + trial, loss)
    elif not (loss <= tl.load(bounds + trial)):
        if tile == 0:
            tl.store(diverged + trial, step)
        return
    weights += trial * num_weights
    slot_0 += trial * num_weights
    slot_1 += trial * num_weights
    slopes += trial * num_places * KP
    permutations += trial * stride + (first_batch + step) % per_epoch * num_points
    unit = tile * BU + tl.arange(0, BU)
    hidden, bias, last = weights_of(weights, unit, width, D, K, DP, KP)
    of_hidden, of_bias = tl.zeros([DP, BU], real), tl.zeros([BU], real)
    of_last, of_last_bias = tl.zeros([BU, KP], real), tl.zeros([KP], real)
    for first in range(0, num_points, BP):
        place = first + tl.arange(0, BP)
        x = rows_of(inputs, point_at(permutations, place, num_points, BATCHED), DP)
        slope = rows_of(slopes, place, KP)
        h = hidden_values(x, hidden, bias, ACTIVATION, SLOPE, PRECISION)
        if K == 1:
            back = slope * tl.reshape(last, [1, BU])
            of_last += tl.sum(slope * h, 0)[:, None]
        else:
            back = tl.dot(slope, tl.trans(last), input_precision=PRECISION, out_dtype=real)
            of_last = tl.dot(tl.trans(h), slope, of_last, input_precision=PRECISION, out_dtype=real)
        back = times_derivative(back, h, ACTIVATION, SLOPE)
        of_hidden = tl.dot(tl.trans(x), back, of_hidden, input_precision=PRECISION, out_dtype=real)
        of_bias += tl.sum(back, 0)
        of_last_bias += tl.sum(slope, 0)
    rate, root = tl.load(rates + trial), 1.0
    if RULE != "":
        rate *= tl.load(corrections + 2 * step)
        root = tl.load(corrections + 2 * step + 1)
    at, there = hidden_places(unit, width, D, DP)
    change(weights, slot_0, slot_1, at, there, of_hidden, rate, root, RULE, SLOTS, A, B, E)
    bias_at = unit * (D + 1) + D
    change(weights, slot_0, slot_1, bias_at, unit < width, of_bias, rate, root, RULE, SLOTS, A, B, E)
    last_at, last_there = output_places(unit, width, D, K, KP)
    change(weights, slot_0, slot_1, last_at, last_there, of_last, rate, root, RULE, SLOTS, A, B, E)
    if tile == 0:
        k = tl.arange(0, KP)
        last_bias_at = width * (D + 1) + k * (width + 1) + width
        change(weights, slot_0, slot_1, last_bias_at, k < K, of_last_bias, rate, root, RULE, SLOTS, A, B, E)
