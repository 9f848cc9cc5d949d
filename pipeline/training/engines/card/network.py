"""Training of one network with one hidden layer by one program, from its first step to its last.

Everything a program keeps has five axes, ``[unit rows, point warps, unit warps, point lanes,
unit lanes]``: the first lies in the registers of a thread, the others are its threads in
the order in which Triton lays them out, so that no layout is ever converted. Weights, their
memory and their sums over points stay in registers over all steps; a weight is held by each
of the threads that have its unit at another point. Points are read again each step, from the
first-level cache; of a trial nothing else is read or written.

Of a hidden unit the weights are a tuple: one tensor for each input, one for the bias, one for
each output; then follow the biases of the outputs, whose first axis is one.
"""

from __future__ import annotations

import triton
import triton.language as tl

from pipeline.training.engines.card.arithmetic import activate, loss_and_slopes, times_derivative, updated


@triton.jit
def along(axis: tl.constexpr, size: tl.constexpr):
    """Numbers from 0 along one of five axes."""
    numbers = tl.arange(0, size)
    for other in tl.static_range(5):
        if other != axis:
            numbers = tl.expand_dims(numbers, other)
    return numbers


@triton.jit
def threads(size, PW: tl.constexpr, UW: tl.constexpr, PL: tl.constexpr, UL: tl.constexpr):
    """Zero in each thread, of which the compiler cannot know that it is zero.

    It fixes the layout. Where an address is the same for some threads, or the next for the
    neighbour, Triton lays out the load, and then all that follows from it, for the fewest
    transfers; of addresses with this in them it knows nothing and takes the order of the axes.
    """
    nothing = size >> 31
    return (along(1, PW) + along(2, UW) + along(3, PL) + along(4, UL)) & nothing


@triton.jit
def place(row: tl.constexpr, unit, thread, width, D: tl.constexpr, K: tl.constexpr):
    """Where a row of weights lies among the flat weights of a trial."""
    if row <= D:
        at = unit * (D + 1) + row
    elif row <= D + K:
        at = width * (D + 1) + (row - D - 1) * (width + 1) + unit
    else:
        at = thread + (width * (D + 1) + (row - D - 1 - K) * (width + 1) + width)
    return at


@triton.jit
def fetch(flat, unit, thread, width, D: tl.constexpr, K: tl.constexpr):
    """The weights of a trial, or a slot, in rows."""
    rows = ()
    for row in tl.static_range(D + 1 + 2 * K):
        at = place(row, unit, thread, width, D, K)
        if row <= D + K:
            rows = rows + (tl.load(flat + at, mask=unit < width, other=0.0),)
        else:
            rows = rows + (tl.load(flat + at),)
    return rows


@triton.jit
def give_back(flat, rows, unit, thread, first_point, width, D: tl.constexpr, K: tl.constexpr):
    """Bring rows back to the flat weights, from the threads of the first point."""
    for row in tl.static_range(D + 1 + 2 * K):
        at = place(row, unit, thread, width, D, K)
        if row <= D + K:
            tl.store(flat + at, rows[row], mask=(unit < width) & (first_point == 0))
        else:
            tl.store(flat + at, rows[row], mask=(first_point + unit_of_bias(unit, thread)) == 0)


@triton.jit
def unit_of_bias(unit, thread):
    """The least unit of each thread; the one with 0 has the biases of the outputs too."""
    return tl.min(unit, 0, keep_dims=True) + thread


@triton.jit
def over_points(sums):
    """The sum over the threads of all points, in each of them."""
    return tl.sum(tl.sum(sums, 3, keep_dims=True), 1, keep_dims=True)


@triton.jit
def over_units(values):
    """The sum over all units, in each of their threads."""
    return tl.sum(tl.sum(tl.sum(values, 0, keep_dims=True), 4, keep_dims=True), 2, keep_dims=True)


@triton.jit
def value_and_gradient(
    rows, inputs, targets, order, own_point, num_points, stride,
    D: tl.constexpr, K: tl.constexpr, LOSS: tl.constexpr, ACTIVATION: tl.constexpr, SLOPE: tl.constexpr,
    STRAIGHT: tl.constexpr, BATCHED: tl.constexpr, EXACT: tl.constexpr,
    UR: tl.constexpr, PW: tl.constexpr, UW: tl.constexpr, PL: tl.constexpr, UL: tl.constexpr, TOGETHER: tl.constexpr,
):  # fmt: skip
    """The loss as a number, and its gradient in rows.

    Args:
        rows: The weights.
        inputs: ``[D, stride]``.
        targets: ``[K, stride]``.
        order: Numbers of the points, if they are a batch.
        own_point: The first point of each thread.
        num_points: Of the mean.
        stride: All points.
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
            share = none_of_output + 1.0 / num_points.to(real)
            if not EXACT:
                share = tl.where(here, share, 0.0)
            if BATCHED:
                point = tl.load(order + point, mask=here, other=0)
            x, y = (), ()
            for i in tl.static_range(D):
                x = x + (tl.load(inputs + i * stride + point, mask=here, other=0.0),)
            for k in tl.static_range(K):
                y = y + (tl.load(targets + k * stride + point, mask=here, other=0.0),)
            z = rows[D]
            for i in tl.static_range(D):
                z += rows[i] * x[i]
            h = activate(z, ACTIVATION, SLOPE)
            outputs = ()
            for k in tl.static_range(K):
                outputs = outputs + (over_units(h * rows[D + 1 + k]) + rows[D + 1 + K + k],)
            value, slopes = loss_and_slopes(outputs, y, share, LOSS, K)
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
                elif STRAIGHT and K == 1:
                    new = new + (sums[row],)
                else:
                    new = new + (sums[row] + slopes[row - D - 1] * h,)
            sums = new
    return number_in(over_points(loss)), gradient_of(rows, sums, D, K, STRAIGHT)


@triton.jit
def gradient_of(rows, sums, D: tl.constexpr, K: tl.constexpr, STRAIGHT: tl.constexpr):
    """The gradient, from the sums of each thread over its points.

    Of one output the weight comes in here, once for all points; and the sum of slope times
    value follows from the others where the value is the derivative times ``a x + c``.
    """
    gradient = ()
    derived = over_points(sums[D]) * rows[D]
    for row in tl.static_range(D + 1 + 2 * K):
        total = over_points(sums[row])
        if STRAIGHT and K == 1:
            if row < D:
                derived += total * rows[row]
            if row == D + 1:
                total = derived
        if K == 1 and row <= D:
            total = total * rows[D + 1]
        gradient = gradient + (total,)
    return gradient


@triton.jit
def number_in(same):
    """The number that all threads hold, as one number: their sum over how many they are, a power of two."""
    count: tl.constexpr = same.numel
    return tl.sum(tl.sum(tl.sum(tl.sum(tl.sum(same, 4), 3), 2), 1), 0) / count


@triton.jit
def training(
    weights, slot_0, slot_1, inputs, targets, orders, rates, bounds, corrections, diverged,
    num_weights, num_steps, first_batch, num_points, stride, width,
    D: tl.constexpr, K: tl.constexpr, LOSS: tl.constexpr, ACTIVATION: tl.constexpr, SLOPE: tl.constexpr,
    STRAIGHT: tl.constexpr, RULE: tl.constexpr, SLOTS: tl.constexpr,
    A: tl.constexpr, B: tl.constexpr, E: tl.constexpr, BATCHED: tl.constexpr, EXACT: tl.constexpr,
    UR: tl.constexpr, PW: tl.constexpr, UW: tl.constexpr, PL: tl.constexpr, UL: tl.constexpr, TOGETHER: tl.constexpr,
):  # fmt: skip
    """Updates of one trial; the loop ends when its loss is out of bounds."""
    trial = tl.program_id(0).to(tl.int64)
    thread = threads(num_points, PW, UW, PL, UL)
    unit = ((along(0, UR) * UW + along(2, UW)) * UL + along(4, UL)) ^ thread
    own_point = (along(1, PW) * PL + along(3, PL)) ^ thread
    weights += trial * num_weights
    slot_0 += trial * num_weights
    slot_1 += trial * num_weights
    rate, bound = tl.load(rates + trial), tl.load(bounds + trial)
    rows = fetch(weights, unit, thread, width, D, K)
    first_slots, second_slots = rows, rows
    if SLOTS > 0:
        first_slots = fetch(slot_0, unit, thread, width, D, K)
    if SLOTS > 1:
        second_slots = fetch(slot_1, unit, thread, width, D, K)
    step = 0
    going = num_steps > 0
    while going:
        order = orders + trial * stride + (first_batch + step).to(tl.int64) * num_points
        loss, gradient = value_and_gradient(
            rows, inputs, targets, order, own_point, num_points, stride,
            D, K, LOSS, ACTIVATION, SLOPE, STRAIGHT, BATCHED, EXACT, UR, PW, UW, PL, UL, TOGETHER,
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
                value = tl.where(unit < width, value, 0.0)
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
    give_back(weights, rows, unit, thread, own_point, width, D, K)
    if SLOTS > 0:
        give_back(slot_0, first_slots, unit, thread, own_point, width, D, K)
    if SLOTS > 1:
        give_back(slot_1, second_slots, unit, thread, own_point, width, D, K)


@triton.jit
def loss_and_gradient(
    weights, gradients, losses, inputs, targets, num_weights, num_points, width,
    D: tl.constexpr, K: tl.constexpr, LOSS: tl.constexpr, ACTIVATION: tl.constexpr, SLOPE: tl.constexpr,
    STRAIGHT: tl.constexpr, EXACT: tl.constexpr,
    UR: tl.constexpr, PW: tl.constexpr, UW: tl.constexpr, PL: tl.constexpr, UL: tl.constexpr, TOGETHER: tl.constexpr,
):  # fmt: skip
    """Loss and gradient of one trial at its weights, on all points."""
    trial = tl.program_id(0).to(tl.int64)
    thread = threads(num_points, PW, UW, PL, UL)
    unit = ((along(0, UR) * UW + along(2, UW)) * UL + along(4, UL)) ^ thread
    own_point = (along(1, PW) * PL + along(3, PL)) ^ thread
    rows = fetch(weights + trial * num_weights, unit, thread, width, D, K)
    loss, gradient = value_and_gradient(
        rows, inputs, targets, inputs, own_point, num_points, num_points,
        D, K, LOSS, ACTIVATION, SLOPE, STRAIGHT, False, EXACT, UR, PW, UW, PL, UL, TOGETHER,
    )  # fmt: skip
    tl.store(losses + trial, loss)
    spread = ()
    for row in tl.static_range(D + 1 + 2 * K):
        spread = spread + (gradient[row] + thread.to(gradient[row].dtype),)
    give_back(gradients + trial * num_weights, spread, unit, thread, own_point, width, D, K)
