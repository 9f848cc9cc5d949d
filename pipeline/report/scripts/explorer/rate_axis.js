// The axis of learning rates on the map: rows of equal height, whose edges lie halfway between rates in the logarithm.

/**
 * How high a rate lies, in rows from the lower edge of the least one.
 * @param {readonly number[]} rates Rising, positive.
 * @param {number} rate
 * @returns {number | null} Null where it is beyond the rows, or no rate.
 */
export function heightOf(rates, rate) {
  if (!(rate > 0) || !rates.length) return null;
  const logs = rates.map(Math.log),
    x = Math.log(rate);
  const edges = logs.slice(1).map((log, below) => (logs[below] + log) / 2);
  const step = edges.length ? 2 : 1; // of one row alone: e-fold on both sides
  const low = edges.length ? step * logs[0] - edges[0] : logs[0] - 1;
  const high = edges.length ? step * logs[logs.length - 1] - edges[edges.length - 1] : logs[0] + 1;
  const all = [low, ...edges, high];
  if (!(x >= low && x <= high)) return null;
  const row = Math.max(
    0,
    Math.min(
      all.findLastIndex((edge) => edge <= x),
      rates.length - 1,
    ),
  );
  return row + (x - all[row]) / (all[row + 1] - all[row]);
}
