// The service worker that keeps the page's files, so that it opens without a network.

const PATIENCE_MS = 4000;

/**
 * Start it and wait until it looks after this page: what is fetched from then on is kept.
 * @returns {Promise<boolean>} whether it does
 */
export async function keepFiles() {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return false;
  try {
    await serviceWorker.register("./service-worker.js");
  } catch {
    return false; // private windows, or a server that sends it as another type
  }
  if (serviceWorker.controller) return true;
  return new Promise((resolve) => {
    serviceWorker.addEventListener("controllerchange", () => resolve(true), { once: true });
    setTimeout(() => resolve(Boolean(serviceWorker.controller)), PATIENCE_MS);
  });
}

/** Whether all of these files are kept. */
export async function areKept(paths) {
  if (!self.caches) return false;
  const found = await Promise.all(paths.map((path) => caches.match(new URL(path, location.href).href)));
  return found.every(Boolean);
}
