// Where photos come from: a file, or the camera.

const MOST_PIXELS = 16_000_000; // some browsers give no larger canvas

/**
 * A photo, upright, its colors as they are written in the file; with its own size, which is that of
 * the bitmap unless that had to be smaller.
 * @param {Blob} file
 * @returns {Promise<{bitmap: ImageBitmap, size: {height: number, width: number}}>}
 */
export async function readPhoto(file) {
  const shown = file.name ? `${file.name}: ` : "";
  if (!file.size) throw new Error(`${shown}the file is empty; expected a photo`);
  const options = { colorSpaceConversion: "none", imageOrientation: "from-image" };
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, options);
  } catch {
    throw new Error(`${shown}cannot be read as a photo; expected JPEG, PNG or WebP`);
  }
  const size = { height: bitmap.height, width: bitmap.width };
  const pixels = bitmap.width * bitmap.height;
  if (pixels <= MOST_PIXELS) return { bitmap, size };
  const share = Math.sqrt(MOST_PIXELS / pixels);
  const smaller = await createImageBitmap(bitmap, {
    resizeWidth: Math.max(1, Math.floor(bitmap.width * share)),
    resizeHeight: Math.max(1, Math.floor(bitmap.height * share)),
    resizeQuality: "medium",
  });
  bitmap.close();
  return { bitmap: smaller, size };
}

/** Whether the browser lets this page ask for a camera: over https, or on this machine. */
export function cameraIsThere() {
  return Boolean(navigator.mediaDevices?.getUserMedia);
}

/** Show the camera in a <video>. */
export async function openCamera(video) {
  let stream;
  try {
    const wanted = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 960 } };
    stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  } catch (error) {
    const reasons = {
      NotAllowedError: "the browser was not allowed to use it",
      NotFoundError: "there is none",
      NotReadableError: "another program uses it",
    };
    throw new Error(`No picture from the camera: ${reasons[error.name] ?? error.message}.`);
  }
  video.srcObject = stream;
  await video.play();
}

/** What the camera shows now, as `readPhoto` gives it. */
export async function takePicture(video) {
  const bitmap = await createImageBitmap(video);
  return { bitmap, size: { height: bitmap.height, width: bitmap.width } };
}

export function closeCamera(video) {
  video.srcObject?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
}
