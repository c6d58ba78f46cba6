// A cloud of points that can be turned: by pointer, touch, wheel and keys. Frame as everywhere:
// x right, y down, z forward; the view turns around a point in the middle of the cloud.

const FOV_Y = (60 * Math.PI) / 180; // assumed, as camera.py does where nothing is known
const EDGE_JUMP = 0.08; // of the depth: neighbors that differ by more lie on two objects
const MOST_REACH = 3; // of a point, in distances between rays: slanted surfaces stay closed
const MOST_YAW = 1.2, MOST_PITCH = 0.9; // radians; from behind there is nothing to see
const KEY_STEP = 0.08;
const SWAY = 0.22;

const VERTEX = `
attribute vec3 place;
attribute vec3 color;
attribute float reach;
uniform mat3 turn;
uniform vec3 pivot;
uniform vec2 focal;
uniform float spread;
varying vec3 shade;
void main() {
  vec3 seen = turn * (place - pivot) + pivot;
  gl_Position = vec4(seen.x * focal.x, -seen.y * focal.y, seen.z - 0.02, seen.z);
  gl_PointSize = clamp(spread * reach / seen.z, 1.0, 24.0);
  shade = color;
}`;
const FRAGMENT = `
precision mediump float;
varying vec3 shade;
void main() {
  vec2 off = gl_PointCoord - 0.5;
  if (dot(off, off) > 0.25) discard; // round
  gl_FragColor = vec4(shade, 1.0);
}`;

/**
 * Points of a map that lie on something: where, of which color, and how far to the next.
 * @param {Float32Array} distance along the optical axis
 * @param {Uint8ClampedArray} rgba the photo at the same size
 */
export function cloud(distance, rgba, height, width) {
  const focal = height / 2 / Math.tan(FOV_Y / 2);
  const places = [], colors = [], reaches = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const z = distance[i];
      const step = largestStep(distance, x, y, height, width);
      if (!(z > 0) || step > EDGE_JUMP * z) continue;
      places.push(((x - (width - 1) / 2) / focal) * z, ((y - (height - 1) / 2) / focal) * z, z);
      colors.push(rgba[i * 4], rgba[i * 4 + 1], rgba[i * 4 + 2]);
      reaches.push(Math.min(Math.hypot(z / focal, step), (MOST_REACH * z) / focal));
    }
  }
  const count = reaches.length;
  return { place: Float32Array.from(places), color: Uint8Array.from(colors), reach: Float32Array.from(reaches), count, height, width };
}

/** How much a pixel's distance differs from that of the neighbor it differs from most. */
function largestStep(distance, x, y, height, width) {
  const i = y * width + x;
  let most = 0;
  if (x > 0) most = Math.max(most, Math.abs(distance[i - 1] - distance[i]));
  if (x < width - 1) most = Math.max(most, Math.abs(distance[i + 1] - distance[i]));
  if (y > 0) most = Math.max(most, Math.abs(distance[i - width] - distance[i]));
  if (y < height - 1) most = Math.max(most, Math.abs(distance[i + width] - distance[i]));
  return most;
}

export class PointView {
  #canvas; #gl; #at = {}; #buffers = {}; #shown = null; #frame = 0; #sways = false; #began = 0;
  #fingers = new Map();
  yaw = 0;
  pitch = 0;
  zoom = 1;

  /** @throws where the browser has no WebGL */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#gl = canvas.getContext("webgl", { antialias: true });
    if (!this.#gl) throw new Error("this browser has no WebGL");
    this.#build();
    this.#listen();
    new ResizeObserver(() => this.#ask()).observe(canvas);
  }

  /** Show a cloud, from where the photo was taken; at first it sways to show its depth. */
  show(found) {
    const gl = this.#gl;
    this.#shown = { ...found, pivot: middle(found.place) };
    for (const name of Object.keys(this.#buffers)) {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.#buffers[name]);
      gl.bufferData(gl.ARRAY_BUFFER, found[name], gl.STATIC_DRAW);
    }
    this.reset();
    this.#sways = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#began = performance.now();
    this.#ask();
  }

  /** Back to where the photo was taken. */
  reset() {
    [this.yaw, this.pitch, this.zoom] = [0, 0, 1];
    this.#still();
  }

  /** Turn by radians. */
  turn(yaw, pitch) {
    this.yaw = Math.min(MOST_YAW, Math.max(-MOST_YAW, this.yaw + yaw));
    this.pitch = Math.min(MOST_PITCH, Math.max(-MOST_PITCH, this.pitch + pitch));
    this.#still();
  }

  magnify(factor) {
    this.zoom = Math.min(6, Math.max(0.4, this.zoom * factor));
    this.#still();
  }

  #still() {
    this.#sways = false;
    this.#ask();
  }

  #build() {
    const gl = this.#gl;
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error("WebGL refused the point view");
    gl.useProgram(program);
    for (const name of ["turn", "pivot", "focal", "spread"]) this.#at[name] = gl.getUniformLocation(program, name);
    const parts = [["place", 3, gl.FLOAT, false], ["color", 3, gl.UNSIGNED_BYTE, true], ["reach", 1, gl.FLOAT, false]];
    for (const [name, size, type, norm] of parts) {
      const index = gl.getAttribLocation(program, name);
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(index);
      gl.vertexAttribPointer(index, size, type, norm, 0, 0);
      this.#buffers[name] = buffer;
    }
    gl.enable(gl.DEPTH_TEST);
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#fingers.set(event.pointerId, [event.clientX, event.clientY]);
    });
    canvas.addEventListener("pointermove", (event) => this.#drag(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => this.#fingers.delete(event.pointerId));
    }
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.magnify(Math.exp(-event.deltaY / 600));
    }, { passive: false });
    canvas.addEventListener("dblclick", () => this.reset());
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  #drag(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    const others = [...this.#fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    if (others.length) {
      const apart = ([x, y]) => Math.hypot(x - others[0][0], y - others[0][1]) || 1;
      this.magnify(apart(now) / apart(before));
    } else {
      const size = Math.max(200, this.#canvas.clientWidth);
      this.turn(((now[0] - before[0]) / size) * -2.4, ((now[1] - before[1]) / size) * 2.4);
    }
    this.#fingers.set(event.pointerId, now);
  }

  #key(event) {
    const actions = {
      ArrowLeft: () => this.turn(KEY_STEP, 0),
      ArrowRight: () => this.turn(-KEY_STEP, 0),
      ArrowUp: () => this.turn(0, -KEY_STEP),
      ArrowDown: () => this.turn(0, KEY_STEP),
      "+": () => this.magnify(1.1),
      "=": () => this.magnify(1.1),
      "-": () => this.magnify(1 / 1.1),
      0: () => this.reset(),
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }

  #ask() {
    this.#frame ||= requestAnimationFrame((now) => {
      this.#frame = 0;
      this.#draw(now);
    });
  }

  #draw(now) {
    const gl = this.#gl, canvas = this.#canvas, shown = this.#shown;
    if (!shown || !canvas.clientWidth) return;
    const share = Math.min(2, devicePixelRatio || 1);
    canvas.width = Math.round(canvas.clientWidth * share);
    canvas.height = Math.round(canvas.clientHeight * share);
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);

    const swing = this.#sways ? Math.sin((now - this.#began) / 900) * SWAY : 0;
    gl.uniformMatrix3fv(this.#at.turn, false, rotation(this.yaw + swing, this.pitch));
    gl.uniform3fv(this.#at.pivot, shown.pivot);
    // At zoom 1 and without a turn the cloud covers the canvas as the photo would.
    const fitted = Math.min(canvas.height / shown.height, canvas.width / shown.width);
    const focal = (shown.height / Math.tan(FOV_Y / 2)) * fitted * this.zoom;
    gl.uniform2f(this.#at.focal, focal / canvas.width, focal / canvas.height);
    gl.uniform1f(this.#at.spread, (focal / 2) * 1.7);
    gl.drawArrays(gl.POINTS, 0, shown.count);
    if (this.#sways) this.#ask();
  }
}

/** Turn around the vertical axis, then tilt; column by column. */
function rotation(yaw, pitch) {
  const [a, b, c, d] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  return [a, d * b, -c * b, 0, c, d, b, -d * a, c * a];
}

/** On the optical axis, at the median distance. */
function middle(places) {
  const depths = places.filter((_, i) => i % 3 === 2).sort();
  return [0, 0, depths.length ? depths[depths.length >> 1] : 1];
}
