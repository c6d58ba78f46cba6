// Keeps the page's files. In front of this text stands SITE: version, page, lasting.
//
// What lasts (engine and model: another version has another address) is taken from the cache first.
// The page itself is asked of the server each time, and taken from the cache where none answers.

const HERE = self.registration.scope;
const PAGE = `featherdepth page ${HERE}`;
const LASTING = `featherdepth lasting ${HERE}`;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(
    caches.open(PAGE).then((cache) => cache.addAll(SITE.page.map((path) => new Request(path, { cache: "no-cache" })))),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([dropOld(), self.clients.claim()]));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(HERE)) return;
  event.respondWith(lasts(request.url) ? keptFirst(request) : askedFirst(request));
});

function lasts(url) {
  return SITE.lasting.some((folder) => url.startsWith(HERE + folder));
}

async function keptFirst(request) {
  const cache = await caches.open(LASTING);
  const kept = await cache.match(request.url);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.status === 200) await cache.put(request.url, response.clone());
  return response;
}

async function askedFirst(request) {
  const cache = await caches.open(PAGE);
  try {
    const response = await fetch(request);
    if (response.status === 200) await cache.put(request.url, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request.url, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

async function dropOld() {
  const cache = await caches.open(LASTING);
  for (const { url } of await cache.keys()) if (!lasts(url)) await cache.delete(url);
}
