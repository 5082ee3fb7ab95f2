// Starts Python. Only what cannot be Python, because it comes before Python: how far the downloads have come, and words
// for the person when something is missing or fails. The chat itself is in main.py.
//
// It fills these elements of a page where they exist: #boot-progress, #boot-text, #boot-error; and it says on the root
// element, for the style sheet, how things stand: data-boot is "loading", "ready" or "failed", and data-python how
// Python came to be, "restored" or "anew".
// It is over when Python dispatches "pychat:ready" on the document, or when the page's script has run to its end.

const find = (id) => document.getElementById(id);
const vendor = new URL("../@VENDOR@/", import.meta.url);
const total = Number("@LOAD_BYTES@");

const state = document.documentElement.dataset;
state.boot = "loading";

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

function show(loaded) {
  if (state.boot !== "loading") return;
  const progress = find("boot-progress");
  if (progress) {
    progress.max = total;
    progress.value = Math.min(loaded, total);
  }
  const text = find("boot-text");
  if (!text) return;
  const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
  text.textContent =
    loaded < total
      ? `Loading Python… ${Math.floor((100 * loaded) / total)} % (${megabytes(loaded)} of ${megabytes(total)} MB)`
      : "Starting Python…";
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

let completePython = () => {};

async function startPython() {
  // The same address as in pyscript.json: PyScript is given the Python that starts here.
  const { begin, joinRest } = await import(new URL("python.mjs", import.meta.url));
  completePython = joinRest;
  const started = begin(show);
  started.then(({ how }) => (state.python = how), () => {});
  const { hooks } = await import(new URL("pyscript/core.js", vendor));
  // PyScript turns the hooks of its workers into source text and evaluates that, on a page without workers too. This
  // page has none, and with no hook left nothing is evaluated: so the Content-Security-Policy can forbid eval.
  hooks.worker.onBeforeRunAsync.clear();
  // PyScript reports an exception of the page's script to its own stderr, and the script counts as done; what the
  // script itself prints there are strings.
  hooks.main.onReady.add(({ io }) => {
    const { stderr } = io;
    io.stderr = (...parts) => {
      if (parts[0] instanceof Error) fail("pychat stopped while starting. Reload the page to try again.", parts[0]);
      else stderr(...parts);
    };
  });
  await started;
}

// The page may make no script address of a text, but for this one. No policy can be made after it, whoever asks.
const workers = globalThis.trustedTypes?.createPolicy("service-worker", {
  createScriptURL: () => new URL("./sw.js", document.baseURI).href,
});

// Keeps the page for when there is no network. That can wait until it works.
function keepForLater() {
  const address = workers?.createScriptURL("") ?? "./sw.js";
  navigator.serviceWorker?.register(address).catch((error) => console.warn("pychat is not kept:", error));
}

const NEEDED = ["WebAssembly", "RTCPeerConnection", "WritableStream"];
const LACKS =
  "This browser lacks what pychat needs: WebAssembly, WebRTC and Ed25519 keys. " +
  "Open this page in a current Chrome, Edge, Firefox or Safari, and allow WebRTC there if it is switched off.";

if (!isSecureContext) {
  fail(
    "Over plain http a browser gives pychat no keys, and anybody on the way could change the program. " +
      "Open this page with https, or on the machine that serves it.",
  );
} else if (NEEDED.every((name) => name in globalThis)) {
  const stopped = (error) => fail("pychat could not start. Reload the page to try again.", error);
  addEventListener("unhandledrejection", ({ reason }) => stopped(reason));
  addEventListener("error", ({ error, message }) => stopped(error ?? message));
  for (const event of ["pychat:ready", "py:done"]) {
    document.addEventListener(event, () => state.boot === "loading" && finish("ready"), { once: true });
  }
  startPython().catch((error) =>
    fail("pychat could not be loaded. Check your connection, then reload the page.", error),
  );
  declineMicroPython();
  crypto.subtle.generateKey("Ed25519", false, ["sign"]).catch((error) => fail(LACKS, error));
} else {
  fail(LACKS);
}
