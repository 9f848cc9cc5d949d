// Where the ticks of an axis stand.

const ROUND_STEPS = [1, 2, 5, 10];
const TINY = 1e-9;

/**
 * The smallest step of 1, 2 or 5 times a power of ten that leaves at most so many ticks.
 * @param {number} low Left end.
 * @param {number} high Right end, above it.
 * @param {number} most Ticks at most, from 2.
 * @returns {number} The step, above 0.
 */
export function roundStep(low, high, most) {
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = ROUND_STEPS.find((one) => one * power >= rough * (1 - TINY));
  return (step ?? 10) * power;
}

/**
 * Round numbers of an interval.
 * @param {number} low Left end.
 * @param {number} high Right end.
 * @param {number} most How many at most.
 * @returns {number[]} In order; none where the interval is empty or not finite.
 */
export function linearTicks(low, high, most) {
  if (!(high > low) || !Number.isFinite(high - low)) return [];
  const step = roundStep(low, high, most), ticks = [];
  for (let place = Math.ceil(low / step - TINY); place * step <= high + step * TINY; place += 1) {
    ticks.push(Number((place * step).toPrecision(12)));
  }
  return ticks;
}

/**
 * Powers of ten of an interval, as many as there is room for; where it has less than two, also 2 and 5 times them.
 * @param {number} low Left end, above 0.
 * @param {number} high Right end.
 * @param {number} most How many at most.
 * @returns {number[]} In order.
 */
export function logTicks(low, high, most) {
  if (!(low > 0) || !(high > low) || !Number.isFinite(high)) return [];
  const first = Math.ceil(Math.log10(low) - TINY), last = Math.floor(Math.log10(high) + TINY);
  if (last - first < 1) return fineTicks(low, high);
  const apart = Math.max(1, Math.ceil((last - first + 1) / most)), ticks = [];
  for (let exponent = Math.ceil(first / apart) * apart; exponent <= last; exponent += apart) {
    ticks.push(Number(`1e${exponent}`));
  }
  return ticks;
}

/**
 * Steps of training on a logarithmic axis that begins with 0: 0, 1, 10, 100.
 * @param {number} last The last step.
 * @param {number} most How many at most.
 * @returns {number[]} In order.
 */
export function stepTicks(last, most) {
  if (last < 1) return [0];
  const top = Math.floor(Math.log10(last) + TINY), room = Math.max(1, most - 1), all = top + 1 <= room;
  const apart = all ? 1 : Math.ceil(top / room), ticks = [0];
  for (let exponent = all ? 0 : apart; exponent <= top; exponent += apart) ticks.push(Number(`1e${exponent}`));
  return ticks;
}

/**
 * @param {number} low
 * @param {number} high
 */
function fineTicks(low, high) {
  const ticks = [];
  for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.log10(high) + TINY; exponent += 1) {
    for (const digit of [1, 2, 5]) ticks.push(Number(`${digit}e${exponent}`));
  }
  return ticks.filter((tick) => tick >= low * (1 - TINY) && tick <= high * (1 + TINY));
}
