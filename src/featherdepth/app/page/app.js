// The page: what is asked for by hand, and what is shown.

import { distances, ends, rangeIsAssumed, WORDS } from "./meaning.js";
import { Network } from "./network.js";
import { areKept, keepFiles } from "./offline.js";
import { colored, paintLegend, readColors } from "./paint.js";
import { cameraIsThere, closeCamera, openCamera, readPhoto, takePicture } from "./photo.js";
import { resizeMap } from "./resize.js";
import { cloud, PointView } from "./view.js";

const MOST_SHOWN = 1280; // longest side of pictures on the page, in pixels
const MOST_POINTS_SIDE = 512;

const $ = (id) => document.getElementById(id);

/** What is there now; `result` is the last map as the worker gave it. */
export const state = { about: null, network: null, how: null, result: null, ready: null, points: null };

let colors, shown;

// --- Telling ---------------------------------------------------------------------------------

function say(text, busy = false) {
  $("status").textContent = text;
  $("busy").hidden = !busy;
}

function complain(error) {
  $("problem").textContent = error ? error.message ?? String(error) : "";
  $("problem").hidden = !error;
  if (error) say("");
}

// --- The network -------------------------------------------------------------------------------

async function start() {
  if (typeof WebAssembly !== "object") {
    throw new Error("This browser has no WebAssembly, which the network needs; use a newer one, or allow it.");
  }
  if (typeof OffscreenCanvas !== "function") {
    throw new Error("This browser is too old for this page: it has no OffscreenCanvas.");
  }
  say("Getting ready ...", true);
  const keeps = await keepFiles();
  const response = await fetch("./about.json");
  if (!response.ok) throw new Error(`about.json: ${response.status} ${response.statusText}`);
  state.about = await response.json();
  colors = readColors(state.about.colors);
  paintLegend($("bar"), colors);
  await open($("compute").value);
  showOffline(keeps);
}

async function open(wanted) {
  complain(null);
  say("Loading the network: some megabytes, the first time only ...", true);
  state.network?.close();
  const network = new Network();
  state.network = network;
  try {
    state.how = await network.load(state.about, wanted);
  } catch (error) {
    if (network !== state.network) return state.ready; // another way was chosen meanwhile: that one counts
    throw error;
  }
  const { way, threads, notes } = state.how;
  const isolated = self.crossOriginIsolated;
  $("fact-compute").textContent =
    way === "webgpu" ? "GPU (WebGPU)" : `CPU (WebAssembly), ${threads === 1 ? "1 thread" : `${threads} threads`}`;
  const more = [...notes];
  if (way === "wasm" && !isolated) {
    more.push("one thread only: the server of this page does not send the COOP and COEP headers that threads need");
  }
  $("note").textContent = more.length ? `Note: ${more.join("; ")}.` : "";
  $("note").hidden = !more.length;
  const { model } = state.about;
  $("fact-model").textContent = `${model.name}, ${(model.params / 1e6).toFixed(1)} million parameters`;
  $("fact-values").textContent = WORDS[model.kind];
  say("Ready.");
}

async function showOffline(keeps) {
  const { model, engine } = state.about;
  const wanted = ["./", model.weights, model.graph, engine.entry[state.how.way]];
  const kept = keeps && (await areKept(wanted));
  $("offline").textContent = kept ? "Kept in this browser: works without a network." : "";
}

// --- From a photo to what is shown -----------------------------------------------------------------

let turn = Promise.resolve();

/** One photo after the other, each with its own word on what went wrong. */
function take(give) {
  turn = turn.then(async () => {
    complain(null);
    try {
      await state.ready;
      await see(await give());
    } catch (error) {
      complain(error);
    }
  });
  return turn;
}

async function see({ bitmap, size, name }) {
  say("Looking ...", true);
  const photo = scaled(bitmap, MOST_SHOWN);
  const result = await state.network.see(bitmap); // from here the bitmap is the worker's
  state.result = { ...result, photoSize: size, name };
  shown = { photo, name };
  document.body.classList.add("has-result");
  $("result").hidden = false;
  showPhoto(photo, `${name}, ${size.width} x ${size.height}`);
  showDepth();
  showPoints();
  const milliseconds = Math.max(1, Math.round(result.networkMs));
  $("fact-time").textContent = `${milliseconds} ms at ${result.inputSize[1]} x ${result.inputSize[0]}`;
  say(`Done: the network took ${milliseconds} ms.`);
}

function showPhoto(photo, words) {
  const canvas = $("photo");
  [canvas.width, canvas.height] = [photo.width, photo.height];
  canvas.getContext("2d").drawImage(photo, 0, 0);
  $("photo-words").textContent = words;
}

function showDepth() {
  const { values, height, width } = state.result;
  const { kind } = state.about.model;
  const canvas = $("depth");
  [canvas.width, canvas.height] = [shown.photo.width, shown.photo.height];
  const map = resizeMap(values, height, width, canvas.height, canvas.width);
  canvas.getContext("2d").putImageData(colored(map, canvas.height, canvas.width, kind, colors), 0, 0);
  const { near, far } = ends(map, kind);
  $("near").textContent = near;
  $("far").textContent = far;
}

function showPoints() {
  const wanted = document.querySelector("input[name=view]:checked").value;
  $("depth").hidden = wanted !== "depth";
  $("points").hidden = wanted !== "points";
  $("depth-words").hidden = wanted !== "depth";
  $("points-words").hidden = wanted !== "points";
  if (wanted !== "points" || !state.result || shown.pointsShown) return;
  try {
    state.points ??= new PointView($("points"));
  } catch (error) {
    complain(new Error(`The point view is off: ${error.message}.`));
    return;
  }
  const { about, result } = state;
  const small = scaled(shown.photo, MOST_POINTS_SIDE);
  const map = resizeMap(result.values, result.height, result.width, small.height, small.width);
  const distance = distances(map, about.model.kind, about.near_far);
  const rgba = small.getContext("2d").getImageData(0, 0, small.width, small.height).data;
  $("points").style.aspectRatio = `${small.width} / ${small.height}`;
  state.points.show(cloud(distance, rgba, small.height, small.width));
  shown.pointsShown = true;
  const range = rangeIsAssumed(about.model.kind)
    ? `Shape approximate: near to far is taken as ${about.near_far.join(" to ")}, the view as 60° high.`
    : "Shape approximate: the view is taken as 60° high.";
  $("points-range").textContent = range;
}

/** A canvas with a picture, at most so long; transparent parts lie on white. */
function scaled(source, longest) {
  const share = Math.min(1, longest / Math.max(source.width, source.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(source.width * share));
  canvas.height = Math.max(1, Math.round(source.height * share));
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

// --- Keeping --------------------------------------------------------------------------------------

function keep(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  say(`Saved ${name}.`);
}

function stem({ name }) {
  return (name || "photo").replace(/\.[^.]*$/, "");
}

async function saveDepth() {
  const { about, network, result } = state;
  say("Writing ...", true);
  try {
    keep(await network.save(about, result), `${stem(result)}.depth.png`);
  } catch (error) {
    complain(error);
  }
}

function savePicture() {
  const name = `${stem(state.result)}.color.png`;
  $("depth").toBlob((blob) => keep(blob, name), "image/png");
}

// --- Camera -----------------------------------------------------------------------------------------

async function startCamera() {
  complain(null);
  try {
    await openCamera($("video"));
  } catch (error) {
    complain(error);
    return;
  }
  document.body.classList.add("has-camera");
  $("camera").hidden = false;
  $("shoot").focus();
}

function stopCamera() {
  closeCamera($("video"));
  document.body.classList.remove("has-camera");
  $("camera").hidden = true;
  $("use-camera").focus();
}

async function shoot() {
  const picture = await takePicture($("video"));
  stopCamera();
  await take(() => ({ ...picture, name: "camera" }));
}

// --- Wiring -----------------------------------------------------------------------------------------

function takeFile(file) {
  return take(async () => ({ ...(await readPhoto(file)), name: file.name }));
}

function listen() {
  $("file").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    target.value = ""; // the same photo may be chosen again
    if (file) takeFile(file);
  });
  $("example").addEventListener("click", () =>
    take(async () => {
      const file = await (await fetch("./example.jpg")).blob();
      return { ...(await readPhoto(file)), name: "example.jpg" };
    }),
  );
  document.addEventListener("paste", ({ clipboardData }) => {
    const file = [...(clipboardData?.files ?? [])][0];
    if (file) takeFile(file);
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    const [file] = event.dataTransfer.files;
    if (file) takeFile(file);
    else complain(new Error("What was dropped is not a file; expected a photo."));
  });
  document.querySelectorAll("input[name=view]").forEach((radio) => radio.addEventListener("change", showPoints));
  $("save-depth").addEventListener("click", saveDepth);
  $("save-picture").addEventListener("click", savePicture);
  $("use-camera").addEventListener("click", startCamera);
  $("shoot").addEventListener("click", shoot);
  $("stop").addEventListener("click", stopCamera);
  $("reset").addEventListener("click", () => state.points?.reset());
  $("compute").addEventListener("change", ({ target }) => {
    state.ready = turn.then(() => open(target.value));
    state.ready.catch(complain);
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape" && !$("camera").hidden) stopCamera();
  });
  $("use-camera").hidden = !cameraIsThere();
}

listen();
state.ready = start();
state.ready.catch(complain);
