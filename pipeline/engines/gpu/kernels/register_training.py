"""Training of one network with one hidden layer by one program, from its first step to its last, in registers.

Everything a program keeps has five axes, ``[unit rows, point warps, unit warps, point lanes,
unit lanes]``: the first lies in the registers of a thread, the others are its threads. What
is loaded has one axis at first, which Triton can lay out in one way only, so that no layout
is converted in a loop. Weights, their memory and their sums over points stay in registers
over all steps; a weight is held by each of the threads that have its unit at another point.
Points are read again each step, from the first-level cache; of a trial nothing else is read
or written.

Of a hidden unit the weights are a tuple: one tensor for each input, one for the bias, one for
each output; then follow the biases of the outputs, whose first axis is one.

Compile-time constants are in capitals: D inputs, K outputs; UR, PW, UW, PL, UL the lengths of the five axes;
TOGETHER points of a thread that are unrolled; EXACT whether the points fill up their threads; BATCHED whether an
update takes a minibatch; PIECEWISE_LINEAR whether ``g(z) = g'(z) z``; the others are those of ``elementwise``.
"""

from __future__ import annotations

import triton
import triton.language as tl

from pipeline.engines.gpu.kernels.elementwise import activate, loss_and_slopes, times_derivative, updated


@triton.jit
def numbered(size, COUNT: tl.constexpr):
    """Numbers from 0, of which the compiler cannot know that neighbours hold neighbours.

    Where addresses follow each other, Triton lays out a load, and then all that comes of it, for the
    fewest transfers; so these are mixed with a zero that it does not know. Number n is then in thread
    n modulo the threads, whatever the version of Triton.

    Args:
        size: Any number that is not negative, whose sign bit is that zero.

    Returns:
        Shape ``[COUNT]``.
    """
    numbers = tl.arange(0, COUNT)
    return numbers ^ (numbers & (size >> 31))


@triton.jit
def unit_of(number, PW: tl.constexpr, UW: tl.constexpr, PL: tl.constexpr, UL: tl.constexpr):
    """The hidden unit of a number: of its row, its warp and its lane."""
    row, warp, lane = number // (PW * UW * PL * UL), number // (PL * UL) % UW, number % UL
    return (row * UW + warp) * UL + lane


@triton.jit
def point_of(number, PW: tl.constexpr, UW: tl.constexpr, PL: tl.constexpr, UL: tl.constexpr):
    """The first point of a number: of its warp and its lane."""
    return number // (UW * PL * UL) % PW * PL + number // UL % PL


@triton.jit
def place(row: tl.constexpr, unit, width, D: tl.constexpr, K: tl.constexpr):
    """The indices of a row of weights among the flattened ones; those of the bias of an output are all the same."""
    if row <= D:
        at = unit * (D + 1) + row
    elif row <= D + K:
        at = width * (D + 1) + (row - D - 1) * (width + 1) + unit
    else:
        at = unit * 0 + (width * (D + 1) + (row - D - 1 - K) * (width + 1) + width)
    return at


@triton.jit
def fetch(
    flat, size, width, D: tl.constexpr, K: tl.constexpr,
    UR: tl.constexpr, PW: tl.constexpr, UW: tl.constexpr, PL: tl.constexpr, UL: tl.constexpr,
):  # fmt: skip
    """Load the weights of a trial, or a slot, in rows."""
    rows = ()
    for row in tl.static_range(D + 1 + 2 * K):
        if row <= D + K:
            unit = unit_of(numbered(size, UR * PW * UW * PL * UL), PW, UW, PL, UL)
            values = tl.load(flat + place(row, unit, width, D, K), mask=unit < width, other=0.0)
            rows = rows + (tl.reshape(values, [UR, PW, UW, PL, UL]),)
        else:
            number = numbered(size, PW * UW * PL * UL)
            at = place(row, number & (size >> 31), width, D, K)
            rows = rows + (tl.reshape(tl.load(flat + at), [1, PW, UW, PL, UL]),)
    return rows


@triton.jit
def write_back(
    flat, rows, size, width, D: tl.constexpr, K: tl.constexpr,
    UR: tl.constexpr, PW: tl.constexpr, UW: tl.constexpr, PL: tl.constexpr, UL: tl.constexpr,
):  # fmt: skip
    """Store rows among the flattened weights, from the threads of the first point."""
    for row in tl.static_range(D + 1 + 2 * K):
        if row <= D + K:
            store(flat, rows[row], row, size, width, width, D, K, UR, PW, UW, PL, UL)
        else:
            store(flat, rows[row], row, size, width, 1, D, K, 1, PW, UW, PL, UL)


@triton.jit
def store(
    flat, values, row: tl.constexpr, size, width, units, D: tl.constexpr, K: tl.constexpr,
    UR: tl.constexpr, PW: tl.constexpr, UW: tl.constexpr, PL: tl.constexpr, UL: tl.constexpr,
):  # fmt: skip
    """Store one row, of ``units`` hidden units."""
    number = numbered(size, UR * PW * UW * PL * UL)
    unit, point = unit_of(number, PW, UW, PL, UL), point_of(number, PW, UW, PL, UL)
    mask = (point == 0) & (unit < units)
    tl.store(flat + place(row, unit, width, D, K), tl.reshape(values, [UR * PW * UW * PL * UL]), mask=mask)


@triton.jit
def over_points(sums):
    """The sum over the threads of all points, in each of them."""
    return tl.sum(tl.sum(sums, 3, keep_dims=True), 1, keep_dims=True)


@triton.jit
def over_units(values):
    """The sum over all hidden units, in each of their threads."""
    return tl.sum(tl.sum(tl.sum(values, 0, keep_dims=True), 4, keep_dims=True), 2, keep_dims=True)


@triton.jit
def value_and_gradient(
    rows, inputs, targets, permutation, own_point, num_points, stride,
    D: tl.constexpr, K: tl.constexpr, LOSS: tl.constexpr, ACTIVATION: tl.constexpr, SLOPE: tl.constexpr,
    PIECEWISE_LINEAR: tl.constexpr, BATCHED: tl.constexpr, EXACT: tl.constexpr,
    UR: tl.constexpr, PW: tl.constexpr, UW: tl.constexpr, PL: tl.constexpr, UL: tl.constexpr, TOGETHER: tl.constexpr,
):  # fmt: skip
    """The loss of a network, and its gradient in rows: forward and backward pass over all points.

    Args:
        rows: The weights.
        inputs: ``[D, stride]``.
        targets: ``[K, stride]``.
        permutation: Numbers of the points, if they are a batch.
        own_point: The first point of each thread.
        num_points: Points of the mean.
        stride: All points.

    Returns:
        The loss, a number, and the gradient, a tuple of rows.
    """
    real: tl.constexpr = rows[0].dtype
    none = tl.zeros([UR, PW, UW, PL, UL], real)
    none_of_output = tl.zeros([1, PW, UW, PL, UL], real)
    loss = none_of_output
    sums = ()
    for row in tl.static_range(D + 1 + 2 * K):
        sums = sums + ((none if row <= D + K else none_of_output),)
    for first in range(0, num_points, TOGETHER * PW * PL):
        for together in tl.static_range(TOGETHER):
            point = own_point + (first + together * PW * PL)
            here = point < num_points
            point_weight = none_of_output + 1.0 / num_points.to(real)
            if not EXACT:
                point_weight = tl.where(tl.reshape(here, [1, PW, UW, PL, UL]), point_weight, 0.0)
            if BATCHED:
                point = tl.load(permutation + point, mask=here, other=0)
            x, y = (), ()
            for i in tl.static_range(D):
                values = tl.load(inputs + i * stride + point, mask=here, other=0.0)
                x = x + (tl.reshape(values, [1, PW, UW, PL, UL]),)
            for k in tl.static_range(K):
                values = tl.load(targets + k * stride + point, mask=here, other=0.0)
                y = y + (tl.reshape(values, [1, PW, UW, PL, UL]),)
            z = rows[D]
            for i in tl.static_range(D):
                z += rows[i] * x[i]
            h = activate(z, ACTIVATION, SLOPE)
            outputs = ()
            for k in tl.static_range(K):
                outputs = outputs + (over_units(h * rows[D + 1 + k]) + rows[D + 1 + K + k],)
            value, slopes = loss_and_slopes(outputs, y, point_weight, LOSS, K)
            loss += value
            slope = slopes[0]
            if K > 1:
                slope = slope * rows[D + 1]
                for k in tl.static_range(1, K):
                    slope += slopes[k] * rows[D + 1 + k]
            q = times_derivative(slope, h, ACTIVATION, SLOPE)
            new = ()
            for row in tl.static_range(D + 1 + 2 * K):
                if row < D:
                    new = new + (sums[row] + q * x[row],)
                elif row == D:
                    new = new + (sums[row] + q,)
                elif row > D + K:
                    new = new + (sums[row] + slopes[row - D - 1 - K],)
                elif PIECEWISE_LINEAR and K == 1:
                    new = new + (sums[row],)
                else:
                    new = new + (sums[row] + slopes[row - D - 1] * h,)
            sums = new
    return number_in(over_points(loss)), gradient_of(rows, sums, D, K, PIECEWISE_LINEAR)


@triton.jit
def gradient_of(rows, sums, D: tl.constexpr, K: tl.constexpr, PIECEWISE_LINEAR: tl.constexpr):
    """The gradient, from the sums of each thread over its points.

    Of one output the weight comes in here, once for all points; and the sum of slope times
    value follows from the others where the value is the derivative times ``a x + c``.

    Args:
        rows: The weights.
        sums: Sums over the points of a thread, a row for each row of weights.

    Returns:
        A tuple of rows, the same in all threads of the points.
    """
    gradient = ()
    derived = over_points(sums[D]) * rows[D]
    for row in tl.static_range(D + 1 + 2 * K):
        total = over_points(sums[row])
        if PIECEWISE_LINEAR and K == 1:
            if row < D:
                derived += total * rows[row]
            if row == D + 1:
                total = derived
        if K == 1 and row <= D:
            total = total * rows[D + 1]
        gradient = gradient + (total,)
    return gradient


@triton.jit
def gradient_in(
    gradient, D: tl.constexpr, K: tl.constexpr,
    UR: tl.constexpr, PW: tl.constexpr, UW: tl.constexpr, PL: tl.constexpr, UL: tl.constexpr,
):  # fmt: skip
    """A gradient that is the same for all points, broadcast to all threads of the points."""
    spread = ()
    for row in tl.static_range(D + 1 + 2 * K):
        spread = spread + (tl.broadcast_to(gradient[row], [UR if row <= D + K else 1, PW, UW, PL, UL]),)
    return spread


@triton.jit
def number_in(same):
    """The number that all threads hold: their sum over their count, a power of two."""
    count: tl.constexpr = same.numel
    return tl.sum(tl.sum(tl.sum(tl.sum(tl.sum(same, 4), 3), 2), 1), 0) / count


@triton.jit
def training(
    weights, slot_0, slot_1, inputs, targets, permutations, rates, bounds, corrections, diverged,
    num_weights, num_steps, first_batch, num_points, stride, width,
    D: tl.constexpr, K: tl.constexpr, LOSS: tl.constexpr, ACTIVATION: tl.constexpr, SLOPE: tl.constexpr,
    PIECEWISE_LINEAR: tl.constexpr, RULE: tl.constexpr, SLOTS: tl.constexpr,
    A: tl.constexpr, B: tl.constexpr, E: tl.constexpr, BATCHED: tl.constexpr, EXACT: tl.constexpr,
    UR: tl.constexpr, PW: tl.constexpr, UW: tl.constexpr, PL: tl.constexpr, UL: tl.constexpr, TOGETHER: tl.constexpr,
):  # fmt: skip
    """Make updates of one trial; the loop ends when its loss is out of bounds."""
    trial = tl.program_id(0).to(tl.int64)
    own_point = point_of(numbered(num_points, PW * UW * PL * UL), PW, UW, PL, UL)
    unit = unit_of(numbered(num_points, UR * PW * UW * PL * UL), PW, UW, PL, UL)
    there = tl.reshape(unit < width, [UR, PW, UW, PL, UL])
    weights += trial * num_weights
    slot_0 += trial * num_weights
    slot_1 += trial * num_weights
    rate, bound = tl.load(rates + trial), tl.load(bounds + trial)
    rows = fetch(weights, num_points, width, D, K, UR, PW, UW, PL, UL)
    first_slots, second_slots = rows, rows
    if SLOTS > 0:
        first_slots = fetch(slot_0, num_points, width, D, K, UR, PW, UW, PL, UL)
    if SLOTS > 1:
        second_slots = fetch(slot_1, num_points, width, D, K, UR, PW, UW, PL, UL)
    step = 0
    going = num_steps > 0
    while going:
        permutation = permutations + trial * stride + (first_batch + step).to(tl.int64) * num_points
        loss, gradient = value_and_gradient(
            rows, inputs, targets, permutation, own_point, num_points, stride,
            D, K, LOSS, ACTIVATION, SLOPE, PIECEWISE_LINEAR, BATCHED, EXACT, UR, PW, UW, PL, UL, TOGETHER,
        )  # fmt: skip
        fine = loss <= bound
        if not fine:
            tl.store(diverged + trial, step)
        own_rate = rate * tl.load(corrections + 2 * step)
        root = tl.load(corrections + 2 * step + 1)
        new, new_first, new_second = (), (), ()
        for row in tl.static_range(D + 1 + 2 * K):
            value, first, second = updated(
                rows[row], gradient[row], first_slots[row], second_slots[row], own_rate, root, RULE, A, B, E
            )
            if row > D and row <= D + K:  # a unit that is not there must not begin to count
                value = tl.where(there, value, 0.0)
            new = new + (value,)
            new_first = new_first + (first,)
            new_second = new_second + (second,)
        rows = new
        if SLOTS > 0:
            first_slots = new_first
        if SLOTS > 1:
            second_slots = new_second
        step += 1
        going = fine & (step < num_steps)
    write_back(weights, rows, num_points, width, D, K, UR, PW, UW, PL, UL)
    if SLOTS > 0:
        write_back(slot_0, first_slots, num_points, width, D, K, UR, PW, UW, PL, UL)
    if SLOTS > 1:
        write_back(slot_1, second_slots, num_points, width, D, K, UR, PW, UW, PL, UL)


@triton.jit
def loss_and_gradient(
    weights, gradients, losses, inputs, targets, num_weights, num_points, width,
    D: tl.constexpr, K: tl.constexpr, LOSS: tl.constexpr, ACTIVATION: tl.constexpr, SLOPE: tl.constexpr,
    PIECEWISE_LINEAR: tl.constexpr, EXACT: tl.constexpr,
    UR: tl.constexpr, PW: tl.constexpr, UW: tl.constexpr, PL: tl.constexpr, UL: tl.constexpr, TOGETHER: tl.constexpr,
):  # fmt: skip
    """Loss and gradient of one trial at its weights, on all points."""
    trial = tl.program_id(0).to(tl.int64)
    own_point = point_of(numbered(num_points, PW * UW * PL * UL), PW, UW, PL, UL)
    rows = fetch(weights + trial * num_weights, num_points, width, D, K, UR, PW, UW, PL, UL)
    loss, gradient = value_and_gradient(
        rows, inputs, targets, inputs, own_point, num_points, num_points,
        D, K, LOSS, ACTIVATION, SLOPE, PIECEWISE_LINEAR, False, EXACT, UR, PW, UW, PL, UL, TOGETHER,
    )  # fmt: skip
    tl.store(losses + trial, loss)
    write_back(
        gradients + trial * num_weights,
        gradient_in(gradient, D, K, UR, PW, UW, PL, UL),
        num_points,
        width,
        D,
        K,
        UR,
        PW,
        UW,
        PL,
        UL,
    )
