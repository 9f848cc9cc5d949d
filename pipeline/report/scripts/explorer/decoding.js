// Numbers as the page holds them, in base64, as typed arrays.

/** @typedef {import("./run_data.js").PackedArray} PackedArray */
/** @typedef {import("./run_data.js").LowRank} LowRank */
/** @typedef {Float64Array | Float32Array | Int32Array | Int16Array | Uint16Array | Uint8Array} Numbers */

const BYTES = { float64: 8, float32: 4, bfloat16: 2, int32: 4, int16: 2, uint16: 2, uint8: 1 };

/**
 * The numbers of a packed array, in the order of bytes that it was written in.
 * @param {PackedArray} packed
 * @returns {Numbers}
 * @throws {RangeError} If it holds fewer or more numbers than its shape has.
 */
export function decoded({ type, shape, base64 }) {
  const size = shape.reduce((product, axis) => product * axis, 1),
    width = BYTES[type],
    text = atob(base64);
  if (text.length !== size * width) throw new RangeError(`${text.length} bytes are not ${size} numbers of ${type}`);
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < bytes.length; place += 1) bytes[place] = text.charCodeAt(place);
  if (type === "uint8") return bytes;
  const view = new DataView(bytes.buffer),
    numbers = new ARRAYS[type](size);
  const read = READERS[type];
  for (let place = 0; place < size; place += 1) numbers[place] = read(view, place * width);
  return numbers;
}

const ARRAYS = {
  float64: Float64Array,
  float32: Float32Array,
  bfloat16: Float32Array,
  int32: Int32Array,
  int16: Int16Array,
  uint16: Uint16Array,
};

/** @type {Record<keyof typeof ARRAYS, (view: DataView, at: number) => number>} */
const READERS = {
  float64: (view, at) => view.getFloat64(at, true),
  float32: (view, at) => view.getFloat32(at, true),
  bfloat16: (view, at) => asFloat32(view.getUint16(at, true)),
  int32: (view, at) => view.getInt32(at, true),
  int16: (view, at) => view.getInt16(at, true),
  uint16: (view, at) => view.getUint16(at, true),
};

const UPPER_HALF = new DataView(new ArrayBuffer(4));

/** @param {number} bits */
function asFloat32(bits) {
  UPPER_HALF.setUint16(0, bits);
  return UPPER_HALF.getFloat32(0);
}

/**
 * The rows of a product of two matrices, each made when it is asked for.
 * @param {LowRank} product
 * @returns {{rows: number, columns: number, row: (place: number) => Float64Array}}
 */
export function rowsOf({ left, right }) {
  const [rows, rank] = left.shape,
    columns = right.shape[1],
    factors = decoded(left),
    parts = decoded(right);
  return {
    rows,
    columns,
    row: (place) => {
      const sum = new Float64Array(columns);
      for (let r = 0; r < rank; r += 1) {
        const factor = factors[place * rank + r],
          from = r * columns;
        for (let x = 0; x < columns; x += 1) sum[x] += factor * parts[from + x];
      }
      return sum;
    },
  };
}
