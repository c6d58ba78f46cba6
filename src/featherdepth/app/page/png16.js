// A map as 16-bit gray PNG, 0 for "no depth", with what its numbers mean inside: the file that
// `featherdepth predict` writes and `featherdepth align` reads.

import { range } from "./resize.js";

const STEPS = 65534;
const METRIC = { scale: 1000, reach: 65 }; // millimeters; farther in 1/256 m
const SCHEMA = "featherdepth-depth-1";

/** Integers for each pixel, and how to get back. */
export function encode(values, kind) {
  const [low, high] = range(values);
  const stored = new Uint16Array(values.length);
  if (kind === "metric") {
    const scale = high <= METRIC.reach ? METRIC.scale : 256;
    let clipped = 0;
    for (let i = 0; i < stored.length; i++) {
      const code = Math.round(values[i] * scale);
      clipped += code > 65535;
      stored[i] = Math.min(65535, Math.max(1, code));
    }
    return { stored, encoding: { format: "png16", invalid: 0, scale, offset: 0, clipped } };
  }
  const spread = high > low ? high - low : 1;
  for (let i = 0; i < stored.length; i++) stored[i] = Math.round(((values[i] - low) / spread) * STEPS) + 1;
  return { stored, encoding: { format: "png16", invalid: 0, lo: low, hi: high } };
}

/** The sidecar that goes into the file. */
export function describe(encoding, { about, height, width, inputSize, backend, name, photoSize }) {
  const { model, version } = about;
  return {
    schema: SCHEMA,
    kind: model.kind,
    unit: model.unit,
    larger_is: model.kind === "affine_invariant_disparity" ? "nearer" : "farther",
    height,
    width,
    encoding,
    intrinsics: null,
    alignment: null,
    model: { id: model.name, sha256: model.sha256 },
    runtime: { backend: `browser, ${backend}`, precision: "fp32", size: inputSize },
    source: { name, height: photoSize[0], width: photoSize[1] },
    package_version: version,
  };
}

/** The file. */
export async function png16(stored, height, width, sidecar) {
  const rows = new DataView(new ArrayBuffer(height * (1 + 2 * width)));
  for (let y = 0, at = 0; y < height; y++) {
    at++; // each row begins with its filter: none
    for (let x = 0; x < width; x++, at += 2) rows.setUint16(at, stored[y * width + x]);
  }
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 16); // bits; the rest is 0: gray, deflate, no interlacing
  const text = `featherdepth\0${JSON.stringify(sidecar).replace(/[^\x20-\x7e]/g, escaped)}`;
  return new Blob(
    [
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
      chunk("IHDR", new Uint8Array(header.buffer)),
      chunk("tEXt", new TextEncoder().encode(text)),
      chunk("IDAT", await deflated(new Uint8Array(rows.buffer))),
      chunk("IEND", new Uint8Array()),
    ],
    { type: "image/png" },
  );
}

function escaped(letter) {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function chunk(name, data) {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(data, 8);
  let crc = 0xffffffff;
  for (let i = 4; i < 8 + data.length; i++) crc = CRC[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  view.setUint32(8 + data.length, ~crc >>> 0);
  return bytes;
}
