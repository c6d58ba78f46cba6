// The network, beside the page's own thread so that the page keeps answering.

import { cut, prepare } from "./prepare.js";
import { resizeMap } from "./resize.js";
import { describe, encode, png16 } from "./png16.js";

const MOST_THREADS = 4; // more cores than that are usually small ones

let about, session, ort, how;

/** What the page may ask for; each gives what is posted back. */
const ACTIONS = { load, see, save };

let turn = Promise.resolve();
self.onmessage = ({ data: { id, action, ...rest } }) => {
  // One after the other: a session runs one photo at a time.
  turn = turn.then(async () => {
    try {
      const { transfer = [], ...answer } = await ACTIONS[action](rest);
      self.postMessage({ id, answer }, transfer);
    } catch (error) {
      self.postMessage({ id, error: error?.message || String(error) });
    }
  });
};

/** Open the network with the first way to compute that works. */
async function load({ about: told, wanted }) {
  about = told;
  const gpu = wanted !== "wasm" && (await hasGpu(wanted === "webgpu"));
  const ways = gpu ? ["webgpu", "wasm"] : ["wasm"];
  const notes = wanted === "webgpu" && !gpu ? ["this browser offers no GPU to pages"] : [];
  if (!pixelsAreTrue()) {
    notes.push("this browser changes the pixels that pages read, to hinder tracking, so the depth is off; allow it here");
  }
  const [graph, weights] = await Promise.all([bytes(about.model.graph), bytes(about.model.weights)]);
  for (const way of ways) {
    try {
      await open(way, graph, weights);
      return { ...how, notes };
    } catch (error) {
      if (way === ways.at(-1)) throw error;
      notes.push(`the GPU did not work: ${error.message}`);
    }
  }
}

async function open(way, graph, weights) {
  await session?.release();
  session = null;
  ort = await import(new URL(about.engine.entry[way], self.location.href).href);
  const threads = self.crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1) : 1;
  ort.env.wasm.wasmPaths = new URL(about.engine.folder, self.location.href).href;
  ort.env.wasm.numThreads = way === "wasm" ? threads : 1;
  ort.env.logLevel = "error";
  session = await ort.InferenceSession.create(graph, {
    executionProviders: [way],
    externalData: [{ path: about.model.weights_name, data: weights }],
  });
  if (way === "webgpu") await trial();
  how = { way, threads: way === "wasm" ? threads : 0 };
}

/** A GPU that gives nonsense is found here, and its programs are built before the first photo. */
async function trial() {
  const side = about.model.multiple * 2;
  const depth = await run(new Float32Array(3 * side * side).fill(0.5), [side, side]);
  if (!depth.every(Number.isFinite)) throw new Error("it gave numbers that are none");
}

async function run(images, [height, width]) {
  const output = await session.run({ images: new ort.Tensor("float32", images, [1, 3, height, width]) });
  return output.depth.data;
}

/** A photo to its map, at the size at which the network saw it. */
async function see({ bitmap }) {
  const { width, height } = bitmap;
  const pixels = pixelsOf(bitmap);
  const start = performance.now();
  const { images, place } = prepare(pixels, height, width, about.model);
  const prepared = performance.now();
  const depth = await run(images, place.outer);
  const ended = performance.now();
  const values = cut(depth, place);
  if (!values.every(Number.isFinite)) throw new Error("the network gave numbers that are none; choose CPU below");
  return {
    values,
    height: place.inner[0],
    width: place.inner[1],
    inputSize: place.outer,
    backend: how.way,
    preparedMs: prepared - start,
    networkMs: ended - prepared,
  };
}

/** A map at its photo's size, as a file. All comes with the question: another worker may have made the map. */
async function save({ about, result }) {
  const photoSize = [result.photoSize.height, result.photoSize.width];
  try {
    return { file: await depthFile(about, result, photoSize) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // arrays end where the browser lets them
    throw new Error(`no memory for a map of ${photoSize[1]} x ${photoSize[0]} pixels; take a smaller photo`);
  }
}

async function depthFile(about, result, photoSize) {
  const map = resizeMap(result.values, result.height, result.width, ...photoSize);
  const { stored, encoding } = encode(map, about.model.kind);
  const { inputSize, backend, name } = result;
  const [height, width] = photoSize;
  const sidecar = describe(encoding, { about, height, width, inputSize, backend, name, photoSize });
  return png16(stored, height, width, sidecar);
}

/** Some browsers hand out noise in place of pixels; what was painted here is known. */
function pixelsAreTrue() {
  const side = 16;
  const painted = Uint8ClampedArray.from({ length: side * side * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 256));
  const context = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
  context.putImageData(new ImageData(painted, side, side), 0, 0);
  return context.getImageData(0, 0, side, side).data.every((value, i) => value === painted[i]);
}

function pixelsOf(bitmap) {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white"; // transparent parts lie on white
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height).data;
}

/** Whether there is a GPU; one that the CPU plays is slower than the CPU, and counts if asked for. */
async function hasGpu(evenPlayed) {
  try {
    const adapter = await navigator.gpu?.requestAdapter();
    return Boolean(adapter) && (evenPlayed || !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter));
  } catch {
    return false;
  }
}

async function bytes(path) {
  const response = await fetch(new URL(path, self.location.href));
  if (!response.ok) throw new Error(`cannot fetch ${path}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}
