// Gives PyScript its Python: with the memory that it had when the site was built, everything imported in it, rather
// than started from nothing, which takes a browser three seconds. Where that memory is missing or does not fit, it is
// started in the ordinary way. In JavaScript, for it comes before Python.
//
// memory.bin is what snapshot.mjs has written: little-endian words, of which the first four are MAGIC, how many runs
// there are, how long the description is, and zero; then the address and the length of each run; the description,
// padded to whole words; the bytes of the runs. The description is JSON: the build of Pyodide, which JavaScript objects
// Python had, and where its tables of hashes are.

import "./glue.mjs";
import { renew } from "./hash_seed.mjs";
import { instantiate, joinRest } from "./wasm_rest.mjs";

const vendor = new URL("../@VENDOR@/pyodide/", import.meta.url);
const here = (name) => new URL(name, import.meta.url).href;
const WASM = new URL("pyodide.asm.wasm", vendor).href;
const REST = new URL("pyodide.rest.wasm", vendor).href;
const LIBRARY = new URL("python_stdlib.zip", vendor).href;
const MEMORY = here("memory.bin");
const MAGIC = 0x4d594850;

// PyScript asks for it before it asks for Python.
export const version = "@PYODIDE_VERSION@";

export { joinRest };

// The files whose coming is shown: how large each is, how many bytes of it cross the wire, and how much has come. A
// browser gives out only what it has decompressed; so for what has crossed the wire that share counts. The second number
// is that of brotli, until the response says something else.
const loaded = new Map(
  Object.entries("@SIZES@").map(([name, [size, wire]]) => [name, { size, wire, arrived: 0 }]),
);
let onArrival = () => {};

function tell() {
  const parts = [...loaded.values()];
  onArrival(
    parts.reduce((sum, { size, wire, arrived }) => sum + (wire * Math.min(arrived, size)) / size, 0),
    parts.reduce((sum, { wire }) => sum + wire, 0),
  );
}

// A host that does not compress one of the files will most likely compress none.
function learnWireSize({ headers }, part) {
  part.begun = true;
  if (headers.get("content-encoding")) {
    part.wire = Number(headers.get("content-length")) || part.wire;
  } else {
    for (const each of loaded.values()) if (each === part || !each.begun) each.wire = each.size;
  }
}

// A browser that is to keep nothing has no caches, or throws as soon as it is asked for them.
async function fromCache(url) {
  try {
    return await caches.match(url);
  } catch {
    return undefined;
  }
}

// The browser's own copy, without the way through the service worker and the decompression; else from the network.
// What comes from there is counted on a clone: WebAssembly must get the response itself, to be compiled while it comes.
async function load(url, options) {
  const part = loaded.get(url.slice(url.lastIndexOf("/") + 1)) ?? { size: 0, wire: 0 };
  part.arrived = 0;
  const kept = await fromCache(url);
  if (kept) {
    part.begun = true;
    part.wire = 0;
    tell();
    return kept;
  }
  const response = await fetch(url, options);
  if (!response.ok) throw new Error(`The server answered ${response.status} for ${url}`);
  learnWireSize(response, part);
  const counter = new WritableStream({
    write(chunk) {
      part.arrived += chunk.byteLength;
      tell();
    },
  });
  response.clone().body.pipeTo(counter).catch(() => {}); // a connection that breaks here breaks for the other, too
  return response;
}

async function loadBytes(url, options) {
  const response = await load(url, options);
  return response.arrayBuffer();
}

// The part of WebAssembly that is compiled late: that it is not whole would be seen only when somebody works with it.
const loadRest = () => loadBytes(REST, { integrity: "@REST_INTEGRITY@" });

// Puts the memory in its place; returns the description.
function restore(heap, buffer) {
  const [magic, count, described] = new Uint32Array(buffer, 0, 4);
  if (magic !== MAGIC) throw new Error("This is no memory of ours.");
  const runs = new Uint32Array(buffer, 16, 2 * count);
  let at = 16 + runs.byteLength;
  const description = new TextDecoder().decode(new Uint8Array(buffer, at, described));
  at += Math.ceil(described / 4) * 4;
  for (let i = 0; i < runs.length; i += 2) {
    heap.set(new Uint8Array(buffer, at, runs[i + 1]), runs[i]);
    at += runs[i + 1];
  }
  if (at !== buffer.byteLength) throw new Error("The memory is not whole.");
  return JSON.parse(description);
}

const mark = (name) => performance.mark(`python:${name}`);

// Does some work while WebAssembly is being compiled, which begins as soon as the bytes come. Pyodide, when it asks for
// it, gets the one that is being compiled, and the responses in `early` instead of asking for these addresses; and
// where that fails the work has failed, of which Pyodide says nothing. `rest` are the bytes that are compiled late.
async function whileCompiling(work, rest, early = new Map()) {
  const { fetch: realFetch } = globalThis;
  const { instantiateStreaming } = WebAssembly;
  const compiled = WebAssembly.compileStreaming(await load(WASM)).then((module) => {
    mark("compiled");
    return module;
  });
  let fail;
  const failed = new Promise((_, reject) => (fail = reject));
  for (const needed of [compiled, rest]) needed.catch(fail);
  early.set(WASM, null);
  globalThis.fetch = (resource, options) => {
    const url = resource.url ?? String(resource);
    return early.has(url) ? Promise.resolve(early.get(url)) : realFetch(resource, options);
  };
  WebAssembly.instantiateStreaming = async (_, imports) => {
    try {
      const module = await compiled;
      return { module, instance: await instantiate(module, imports, rest) };
    } catch (error) {
      fail(error);
      throw error;
    }
  };
  try {
    return await Promise.race([work(), failed]);
  } finally {
    globalThis.fetch = realFetch;
    WebAssembly.instantiateStreaming = instantiateStreaming;
  }
}

// A file system that is asked for what it has not makes an error each time, and the browser looks up for each where in
// the program it was: while Python starts that alone takes a tenth of the time.
async function withoutTraces(work) {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

const importPyodide = () =>
  Promise.all([import(new URL("pyodide.mjs", vendor)), import(new URL("pyodide.asm.mjs", vendor))]);

async function startRestored() {
  mark("begin");
  const memory = loadBytes(MEMORY);
  const pyodide = importPyodide();
  const rest = memory.then(loadRest); // a browser reads one after the other, and without the memory nothing begins
  for (const awaited of [memory, pyodide, rest]) awaited.catch(() => {}); // they are waited for below
  const python = await whileCompiling(async () => {
    const [{ loadPyodide: start }, { default: createModule }] = await pyodide;
    return withoutTraces(() =>
      start({
        indexURL: vendor.href,
        stdLibURL: here("empty.zip"), // all that is imported from it is there already
        _loadSnapshot: new Uint8Array(4), // that there is one; restore() knows how it is packed
        async createPyodideModule(settings) {
          const module = await createModule(settings);
          const buffer = await memory;
          mark("instantiated");
          settings.API.restoreSnapshot = () => {
            const { build, objects, hashes } = restore(module.HEAPU8, buffer);
            if (build !== settings.API.config.BUILD_ID) throw new Error("The memory is one of another Pyodide.");
            renew(module, hashes);
            return objects;
          };
          return module;
        },
      }),
    );
  }, rest);
  mark("restored");
  const random = python.pyimport("random"); // its numbers would be the same at each visit
  random.seed();
  random.destroy();
  await rest;
  return python;
}

async function startAnew() {
  const [library, ours, rest] = await Promise.all([load(LIBRARY), load(here("pychat.zip")), loadRest()]);
  const work = async () => {
    const [{ loadPyodide: start }, { default: createPyodideModule }] = await importPyodide();
    const env = { PYTHONNODEBUGRANGES: "1" }; // as where the memory was made, see snapshot.mjs
    return start({ indexURL: vendor.href, createPyodideModule, env });
  };
  const python = await whileCompiling(work, Promise.resolve(rest), new Map([[LIBRARY, library]]));
  python.unpackArchive(await ours.arrayBuffer(), "zip");
  return python;
}

let started;

// Starts Python before PyScript asks for it; `told` is called with how many bytes have crossed the wire so far, and how
// many there are.
export function begin(told) {
  onArrival = told;
  started ??= startRestored().then(
    (python) => ({ python, how: "restored" }),
    async (error) => {
      console.warn("pychat starts Python anew, for its memory could not be restored:", error);
      return { python: await startAnew(), how: "anew" };
    },
  );
  return started;
}

export async function loadPyodide({ stdout, stderr }) {
  const { python } = await begin(onArrival);
  python.setStdout({ batched: stdout });
  python.setStderr({ batched: stderr });
  // Before the page's script PyScript writes its own Python package and imports it, for a fifth of a second. Nothing
  // here uses it.
  const { runPythonAsync } = python;
  const run = (code, ...rest) =>
    code.includes("import pyscript as _pyscript") ? undefined : runPythonAsync.call(python, code, ...rest);
  Object.defineProperty(python, "runPythonAsync", { value: async (...parts) => run(...parts) });
  return python;
}
