// Starts Python. Only what cannot be Python, because it comes before Python: how far the downloads have come, and words
// for the person when something is missing or fails. The chat itself is in main.py.
//
// It fills these elements of a page where they exist: #boot-progress, #boot-text, #boot-error; and it says on the root
// element, for the style sheet, how things stand: data-boot is "loading", "ready" or "failed", and data-python how
// Python came to be, "restored" or "anew".
// It is over when Python dispatches "pychat:ready" on the document, or when the page's script has run to its end.

const find = (id) => document.getElementById(id);
const vendor = new URL("../@VENDOR@/", import.meta.url);

const state = document.documentElement.dataset;
state.boot = "loading";
// early.js knows who comes by a link.
const doing = "arriving" in state ? "Joining the chat…" : "Getting ready…";

// Words for a person; what a developer needs goes to the console.
function fail(sentence, error) {
  if (state.boot !== "loading") return;
  finish("failed");
  if (error) console.error(error);
  const say = () => {
    for (const id of ["boot-progress", "boot-text"]) find(id)?.setAttribute("hidden", "");
    const place = find("boot-error");
    if (!place) return;
    place.textContent = sentence;
    place.setAttribute("role", "alert");
    place.removeAttribute("hidden");
  };
  // This may be over before the page is read to its end.
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", say, { once: true });
  else say();
}

function finish(outcome) {
  state.boot = outcome;
  if (outcome === "ready") {
    completePython();
    keepForLater();
  }
  performance.mark(`boot:${outcome}`);
}

// Of the bytes that cross the wire, how many have come. How many there are may turn out only while they come.
let shown = 0;

function show(loaded, total) {
  if (state.boot !== "loading") return;
  shown = Math.max(shown, total ? loaded / total : 1);
  const progress = find("boot-progress");
  if (progress) {
    const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
    progress.value = shown * progress.max;
    if (total) progress.title = `${megabytes(loaded)} of ${megabytes(total)} MB`;
  }
  const text = find("boot-text");
  if (!text) return;
  text.textContent = loaded && loaded < total ? `${doing} ${Math.floor(100 * shown)} %` : doing;
}

// PyScript also prepares for MicroPython, which this page has none of, and for that loads every plugin. This element
// is the only place where it can be told not to.
function declineMicroPython() {
  const config = document.createElement("mpy-config");
  config.setAttribute("type", "json");
  config.hidden = true;
  config.textContent = JSON.stringify({
    plugins: ["codemirror", "deprecations-manager", "donkey", "error", "py-editor", "py-game", "py-terminal"].map(
      (name) => `!${name}`,
    ),
  });
  document.head.append(config);
}

// While it starts, PyScript opens databases for packages and folders, and a channel for workers. This page has none of
// these; and a browser that is to keep nothing refuses them, upon which PyScript does not start. So it is lent some in
// which nothing is.
function lend(name, value) {
  const found = Object.getOwnPropertyDescriptor(globalThis, name);
  Object.defineProperty(globalThis, name, { value, configurable: true });
  return () => (found ? Object.defineProperty(globalThis, name, found) : delete globalThis[name]);
}

function answerLater(result) {
  const request = {};
  queueMicrotask(() => request.onsuccess({ target: { result } }));
  return request;
}

const emptyShelf = { getAllKeys: () => answerLater([]) };
const emptyDatabase = { transaction: () => ({ objectStore: () => emptyShelf }), close() {} };

let completePython = () => {};

async function startPython() {
  // The same address as in pyscript.json: PyScript is given the Python that starts here.
  const { begin, joinRest } = await import(new URL("python.mjs", import.meta.url));
  completePython = joinRest;
  const started = begin(show);
  started.then(({ how }) => (state.python = how), () => {});
  const lent = [
    lend("indexedDB", { open: () => answerLater(emptyDatabase) }),
    lend("BroadcastChannel", class {}),
  ];
  const { hooks } = await import(new URL("pyscript/core.js", vendor));
  // PyScript turns the hooks of its workers into source text and evaluates that, on a page without workers too. This
  // page has none, and with no hook left nothing is evaluated: so the Content-Security-Policy can forbid eval.
  hooks.worker.onBeforeRunAsync.clear();
  // PyScript reports an exception of the page's script to its own stderr, and the script counts as done; what the
  // script itself prints there are strings.
  hooks.main.onReady.add(({ io }) => {
    for (const takeBack of lent) takeBack();
    const { stderr } = io;
    io.stderr = (...parts) => {
      if (parts[0] instanceof Error) fail("pychat stopped while starting. Reload the page to try again.", parts[0]);
      else stderr(...parts);
    };
  });
  await started;
}

// The page may make no script address of a text, but for this one. No policy can be made after it, whoever asks.
function makePolicy() {
  try {
    return globalThis.trustedTypes?.createPolicy("service-worker", {
      createScriptURL: () => new URL("./sw.js", document.baseURI).href,
    });
  } catch (error) {
    console.warn("pychat is not kept, for there is such a policy already:", error);
  }
}

const workers = makePolicy();

// Keeps the page for when there is no network. That can wait until it works. A browser that is to keep nothing has no
// service workers, or throws as soon as it is asked for them.
async function keepForLater() {
  try {
    await navigator.serviceWorker?.register(workers?.createScriptURL("") ?? "./sw.js");
  } catch (error) {
    console.warn("pychat is not kept:", error);
  }
}

// Whether an error is one of what this page loads itself, by the addresses in it. Extensions run scripts of their own in
// the page, and what fails there is none of ours.
const OURS = [new URL("./", import.meta.url).href, vendor.href];
const isOurs = (...hints) => OURS.some((folder) => hints.some((hint) => String(hint).includes(folder)));

// WebRTC is not among them: without it pychat starts, and says so when it is asked to connect.
const NEEDED = ["WebAssembly", "WritableStream"];
const LACKS =
  "This browser lacks what pychat needs: WebAssembly and Ed25519 keys. " +
  "Open this page in a current Chrome, Edge, Firefox or Safari.";

const makeKey = async () => crypto.subtle.generateKey("Ed25519", false, ["sign"]);

if (location.protocol === "file:") {
  finish("failed"); // early.js says why; some browsers run modules from a file
} else if (top !== self) {
  fail("Another page has put pychat into itself, where it could mislead you. Open pychat in a tab of its own.");
} else if (!isSecureContext) {
  fail(
    "Over plain http a browser gives pychat no keys, and anybody on the way could change the program. " +
      "Open this page with https, or on the machine that serves it.",
  );
} else if (NEEDED.every((name) => name in globalThis)) {
  const stopped = (error) => fail("pychat could not start. Reload the page to try again.", error);
  addEventListener("unhandledrejection", ({ reason }) => {
    if (isOurs(reason?.stack, reason)) stopped(reason);
  });
  addEventListener("error", ({ error, message, filename }) => {
    if (isOurs(filename, error?.stack)) stopped(error ?? message);
  });
  for (const event of ["pychat:ready", "py:done"]) {
    document.addEventListener(event, () => state.boot === "loading" && finish("ready"), { once: true });
  }
  const notLoaded = "pychat could not be loaded. Check your connection, then reload the page.";
  startPython().catch((error) => fail(error instanceof WebAssembly.CompileError ? LACKS : notLoaded, error));
  declineMicroPython();
  makeKey().catch((error) => fail(LACKS, error));
} else {
  fail(LACKS);
}
