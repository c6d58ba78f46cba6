// What the numbers of a map mean: nearness for colors, distance for points. The rules are those of
// images/colormap.py and geometry/camera.py.

const SAMPLES = 1 << 18;
const INVERTED = new Set(["metric", "scale_invariant"]);
const AFFINE = new Set(["affine_invariant", "affine_invariant_disparity"]);

export const WORDS = {
  metric: "meters along the optical axis",
  scale_invariant: "depth up to an unknown scale: no unit",
  affine_invariant: "depth up to an unknown scale and shift: no unit",
  affine_invariant_disparity: "inverse depth up to an unknown scale and shift: no unit",
};

/** The 2 % and 98 % quantiles. */
export function span(values) {
  const stride = Math.floor(values.length / SAMPLES) | 1;
  const some = new Float32Array(Math.ceil(values.length / stride));
  for (let i = 0; i < some.length; i++) some[i] = values[i * stride];
  some.sort();
  return [quantile(some, 0.02), quantile(some, 0.98)];
}

function quantile(sorted, share) {
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/** Larger is nearer. */
function nearness(kind) {
  if (INVERTED.has(kind)) return (value) => 1 / Math.max(value, 1e-6);
  return kind === "affine_invariant_disparity" ? (value) => value : (value) => -value;
}

/** For each pixel its place among 256 colors, from far (0) to near (255). */
export function levels(values, kind) {
  const of = nearness(kind);
  const ends = span(values).map(of);
  const far = Math.min(...ends);
  const width = Math.max(...ends) - far;
  const found = new Uint8Array(values.length);
  for (let i = 0; i < found.length; i++) {
    const share = width > 0 ? (of(values[i]) - far) / width : 0.5;
    found[i] = Math.min(255, Math.max(0, share * 256));
  }
  return found;
}

/** Words for the two ends of the colors; meters only where the map has them. */
export function ends(values, kind) {
  const [low, high] = span(values);
  if (kind !== "metric") return { near: "near", far: "far" };
  return { near: `near ${low.toPrecision(3)} m`, far: `far ${high.toPrecision(3)} m` };
}

/** Whether a cloud of this kind needs a range that nobody measured. */
export function rangeIsAssumed(kind) {
  return AFFINE.has(kind);
}

/** Distance of each pixel along the optical axis; the affine kinds are stretched to `nearFar`. */
export function distances(values, kind, [near, far]) {
  if (!AFFINE.has(kind)) return values;
  const [low, high] = span(values);
  const spread = high > low ? high - low : Infinity;
  if (kind === "affine_invariant") {
    return values.map((value) => {
      const behind = ((value - low) / spread) * (far - near);
      // Before the 2 % quantile the line can cross zero: it bends, and ends at half of `near`.
      return behind >= 0 ? near + behind : (near / 2) * (1 + 1 / (1 - (behind * 2) / near));
    });
  }
  return values.map((value) => {
    const disparity = 1 / far + ((value - low) / spread) * (1 / near - 1 / far);
    return 1 / Math.max(disparity, 0.1 / far);
  });
}
