// Keeps all that the pages need, so that they open without a network. In JavaScript, for no Python runs in a service
// worker that the browser starts and ends as it likes.
//
// Each build has a cache of its own: it is filled with all of it or not at all, and answers with nothing else, so that
// versions never mix. A new one waits until no page uses the old one any more, or until somebody asks for it.

const PREFIX = "pychat-";
const CACHE = `${PREFIX}@BUILD@`;
// The files by their names, and what each has to be: a server that changes meanwhile cannot slip in one of another
// build.
const FILES = "@FILES@";
// Those of them that are kept only when a page has asked for them.
const LATER = "@LATER@";
// Which is also the address of the folder.
const FRONT_PAGE = "index.html";

// The "#" of a link as messengers and mail filters encode it, so that what follows, a secret, would reach the server.
const ENCODED_HASH = /%(?:25)*23/;

const scope = new URL(registration.scope);
const address = (name) => new URL(name === FRONT_PAGE ? "./" : name, scope).href;

async function fill() {
  const cache = await caches.open(CACHE);
  const wanted = Object.entries(FILES).filter(([name]) => !LATER.includes(name));
  const requests = wanted.map(([name, integrity]) => new Request(address(name), { integrity }));
  try {
    await cache.addAll(requests);
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
}

async function forgetOthers() {
  const others = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(others.map((name) => caches.delete(name)));
}

async function answer(name, request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(address(name), { ignoreVary: true })) ?? (await bringBack(cache, name)) ?? giveUp(request);
}

// A browser may throw away a part of what is kept.
async function bringBack(cache, name) {
  try {
    const response = await fetch(new Request(address(name), { integrity: FILES[name] }));
    if (!response.ok) return undefined;
    await cache.put(address(name), response.clone());
    return response;
  } catch {
    return undefined; // there is no network, or it is another file by now
  }
}

// Where the server has another version, the one that is kept can never be whole again: the next visit gets the other.
async function giveUp(request) {
  const response = await fetch(request);
  if (response.ok || response.status === 404) {
    await registration.unregister();
    await caches.delete(CACHE);
  }
  return response;
}

// What other programs share with the installed page is for nobody else: it goes neither to the server nor into an address,
// and waits here until the page that opens asks for it.
const SHARE = address("share");
const LONGEST = 100_000;
let shared = "";

async function takeShared(request) {
  const form = await request.formData();
  shared = ["text", "url"].map((name) => form.get(name)).filter(Boolean).join("\n").slice(0, LONGEST);
  return Response.redirect(scope, 303);
}

async function leadTo(notification) {
  notification.close();
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find(({ url }) => new URL(url).pathname === scope.pathname);
  if (!page) return clients.openWindow(scope);
  page.postMessage({ opened: notification.tag });
  return page.focus();
}

addEventListener("install", (event) => event.waitUntil(fill()));
addEventListener("activate", (event) => event.waitUntil(forgetOthers()));
addEventListener("message", ({ data, source }) => {
  if (data === "take over") skipWaiting();
  if (data === "what was shared?" && shared) {
    source.postMessage({ shared });
    shared = "";
  }
});
addEventListener("fetch", (event) => {
  const { origin, pathname, search } = new URL(event.request.url);
  if (event.request.method === "POST" && event.request.url === SHARE) event.respondWith(takeShared(event.request));
  if (event.request.method !== "GET" || origin !== scope.origin || !pathname.startsWith(scope.pathname)) return;
  const asked = pathname.slice(scope.pathname.length);
  const [before, fragment] = (asked + search).split(ENCODED_HASH, 2);
  if (fragment && event.request.mode === "navigate") {
    const page = before in FILES ? before : FRONT_PAGE;
    event.respondWith(Response.redirect(`${address(page)}#${fragment.split("?", 1)[0]}`));
    return;
  }
  const name = asked || FRONT_PAGE;
  if (name in FILES) event.respondWith(answer(name, event.request));
});
// Where a page may not show notifications itself (Android), the browser tells nobody else of a click on one: to a page that
// is open, or to a new one.
addEventListener("notificationclick", (event) => event.waitUntil(leadTo(event.notification)));
