// From a photo's pixels to the network's input, by the rules of runtime/fit.py.

import { resizePixels } from "./resize.js";

const LONGEST = 4; // aspect ratio up to which a photo fills the input
const LAID_INTO = 2;

/** Round to the nearest integer, halves to the even one, as Python does. */
function round(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function nearestMultiple(length, multiple) {
  return Math.max(1, Math.floor(length / multiple + 0.5)) * multiple;
}

/**
 * The [height, width] at which the network sees a picture: `size` stands for an area of
 * size * size, at the picture's aspect ratio, in multiples.
 */
export function networkSize(height, width, { size, multiple, resize }) {
  if (resize === "stretch") {
    const side = nearestMultiple(size, multiple);
    return [side, side];
  }
  const longest = Math.max(1, (size / multiple) ** 2);
  const aspect = Math.min(Math.max(height / width, 1 / longest), longest);
  return [
    nearestMultiple(size * Math.sqrt(aspect), multiple),
    nearestMultiple(size / Math.sqrt(aspect), multiple),
  ];
}

/** Where a photo lies in the network's input: sizes [height, width] and the corner of the photo. */
export function fit(height, width, rules) {
  const short = Math.min(height, width);
  const long = Math.max(height, width);
  if (rules.resize === "stretch" || long <= LONGEST * short) {
    const whole = networkSize(height, width, rules);
    return { outer: whole, inner: whole, top: 0, left: 0 };
  }
  // A strip is laid into a 2:1 input, its border repeated around it.
  const lying = width > height;
  const around = lying ? [long / LAID_INTO, long] : [long, long / LAID_INTO];
  const outer = networkSize(round(around[0]), round(around[1]), rules);
  const inner = [
    lying ? Math.max(1, round((outer[0] * height) / around[0])) : outer[0],
    lying ? outer[1] : Math.max(1, round((outer[1] * width) / around[1])),
  ];
  return {
    outer,
    inner,
    top: Math.floor((outer[0] - inner[0]) / 2),
    left: Math.floor((outer[1] - inner[1]) / 2),
  };
}

/**
 * The network's input: RGB in 0..1, one plane a color.
 * @param {Uint8ClampedArray} rgba the photo
 * @returns {{images: Float32Array, place: ReturnType<typeof fit>}}
 */
export function prepare(rgba, height, width, rules) {
  const place = fit(height, width, rules);
  const [rows, columns] = place.outer;
  const [innerRows, innerColumns] = place.inner;
  const pixels = resizePixels(rgba, height, width, innerRows, innerColumns);
  const images = new Float32Array(3 * rows * columns);
  for (let y = 0; y < rows; y++) {
    const fromY = Math.min(innerRows - 1, Math.max(0, y - place.top));
    for (let x = 0; x < columns; x++) {
      const fromX = Math.min(innerColumns - 1, Math.max(0, x - place.left));
      const from = (fromY * innerColumns + fromX) * 3;
      for (let color = 0; color < 3; color++) {
        images[(color * rows + y) * columns + x] = pixels[from + color] / 255;
      }
    }
  }
  return { images, place };
}

/** The part of the network's output that is photo. */
export function cut(depth, { outer, inner, top, left }) {
  const values = new Float32Array(inner[0] * inner[1]);
  for (let y = 0; y < inner[0]; y++) {
    const begin = (top + y) * outer[1] + left;
    values.set(depth.subarray(begin, begin + inner[1]), y * inner[1]);
  }
  return values;
}
