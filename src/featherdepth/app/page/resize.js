// Bilinear, antialiased where it shrinks, pixel centers at half pixels: what geometry/resize.py
// gives, to one gray level. Photos are rounded to 8 bits after each direction, as there.

const ROUNDING_BITS = 22;

/** For each new pixel of one direction: where it begins to look, and with which weights. */
function windows(length, newLength) {
  const scale = length / newLength;
  const reach = Math.max(scale, 1); // of the triangle: wider where it shrinks
  const first = new Int32Array(newLength);
  const weights = [];
  for (let i = 0; i < newLength; i++) {
    const center = (i + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(center - reach + 0.5));
    const end = Math.min(length, Math.trunc(center + reach + 0.5));
    const taps = new Float64Array(end - begin);
    let sum = 0;
    for (let j = 0; j < taps.length; j++) {
      taps[j] = Math.max(0, 1 - Math.abs((j + begin - center + 0.5) / reach));
      sum += taps[j];
    }
    first[i] = begin;
    weights.push(taps.map((tap) => tap / sum));
  }
  return { first, weights };
}

function inIntegers({ first, weights }) {
  const one = 1 << ROUNDING_BITS;
  return { first, weights: weights.map((taps) => Int32Array.from(taps, (t) => Math.trunc(t * one + 0.5))) };
}

/**
 * Resize a photo.
 * @param {Uint8ClampedArray} rgba pixels, row by row, four bytes each; the fourth is not looked at
 * @returns {Uint8ClampedArray} RGB, three bytes each
 */
export function resizePixels(rgba, height, width, newHeight, newWidth) {
  const half = 1 << (ROUNDING_BITS - 1);
  const across = inIntegers(windows(width, newWidth));
  const rows = new Uint8ClampedArray(height * newWidth * 3);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < newWidth; x++) {
      const taps = across.weights[x];
      let at = (y * width + across.first[x]) * 4;
      let red = half, green = half, blue = half;
      for (let j = 0; j < taps.length; j++, at += 4) {
        red += rgba[at] * taps[j];
        green += rgba[at + 1] * taps[j];
        blue += rgba[at + 2] * taps[j];
      }
      rows[to++] = red >> ROUNDING_BITS;
      rows[to++] = green >> ROUNDING_BITS;
      rows[to++] = blue >> ROUNDING_BITS;
    }
  }
  const down = inIntegers(windows(height, newHeight));
  const stride = newWidth * 3;
  const pixels = new Uint8ClampedArray(newHeight * stride);
  for (let y = 0; y < newHeight; y++) {
    const taps = down.weights[y];
    for (let x = 0; x < stride; x++) {
      let sum = half;
      for (let j = 0, at = down.first[y] * stride + x; j < taps.length; j++, at += stride) {
        sum += rows[at] * taps[j];
      }
      pixels[y * stride + x] = sum >> ROUNDING_BITS;
    }
  }
  return pixels;
}

/**
 * Resize a dense map; no value leaves the range that was there.
 * @param {Float32Array} values row by row
 * @returns {Float32Array}
 */
export function resizeMap(values, height, width, newHeight, newWidth) {
  if (height === newHeight && width === newWidth) return values;
  const across = windows(width, newWidth);
  const rows = new Float32Array(height * newWidth);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < newWidth; x++) {
      const taps = across.weights[x];
      let sum = 0;
      for (let j = 0, at = y * width + across.first[x]; j < taps.length; j++) sum += values[at + j] * taps[j];
      rows[y * newWidth + x] = sum;
    }
  }
  const down = windows(height, newHeight);
  const map = new Float32Array(newHeight * newWidth);
  const [low, high] = range(values);
  for (let y = 0; y < newHeight; y++) {
    const taps = down.weights[y];
    for (let x = 0; x < newWidth; x++) {
      let sum = 0;
      for (let j = 0, at = down.first[y] * newWidth + x; j < taps.length; j++, at += newWidth) sum += rows[at] * taps[j];
      map[y * newWidth + x] = Math.min(high, Math.max(low, sum));
    }
  }
  return map;
}

/** Smallest and largest value. */
export function range(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
