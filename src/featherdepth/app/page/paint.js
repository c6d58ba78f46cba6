// A map as a picture, and as files to keep.

import { levels } from "./meaning.js";

/** A table of 256 colors from its hexadecimal text. */
export function readColors(hex) {
  return Uint8Array.from(hex.match(/../g), (byte) => parseInt(byte, 16));
}

/** The colored map as pixels for a canvas. */
export function colored(values, height, width, kind, colors) {
  const picture = new ImageData(width, height);
  const found = levels(values, kind);
  for (let i = 0; i < found.length; i++) {
    const from = found[i] * 3;
    picture.data[i * 4] = colors[from];
    picture.data[i * 4 + 1] = colors[from + 1];
    picture.data[i * 4 + 2] = colors[from + 2];
    picture.data[i * 4 + 3] = 255;
  }
  return picture;
}

/** The bar from near to far, as wide as its canvas. */
export function paintLegend(canvas, colors) {
  canvas.width = 256;
  canvas.height = 1;
  const bar = new ImageData(256, 1);
  for (let x = 0; x < 256; x++) {
    const from = (255 - x) * 3;
    bar.data.set([colors[from], colors[from + 1], colors[from + 2], 255], x * 4);
  }
  canvas.getContext("2d").putImageData(bar, 0, 0);
}
