// Writes the memory of a Python that has imported all of pychat: python.mjs restores it in the browser. What it writes
// depends on nothing but what it is given, so that everybody who builds the site gets the same.
//
//     node snapshot.mjs <folder of Pyodide> <folder that precompile.mjs wrote> <pychat.zip> <file to write>
//
// Pyodide's own snapshot is the whole memory. Most of that is in pyodide.asm.wasm already, or zero; written is what
// differs from a memory in which Python has not begun. For the format see python.mjs.

import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { forgetHashes } from "./forget_hashes.mjs";
import { MORE_PAGES } from "./split.mjs";

const [folder, compiled, app, target] = process.argv.slice(2).map((path) => resolve(path));

// Nothing that is different at each run, or from one Node to another, may get into the memory. The seeds are given anew
// where it is restored.
Object.defineProperty(globalThis, "navigator", { value: { userAgent: "" } });
for (const name of ["Suspending", "promising", "SuspendError"]) delete WebAssembly[name];
Date.now = () => 0;
performance.now = () => 0;
Math.random = () => 0.5;
crypto.getRandomValues = (array) => array.fill(0);
// Code keeps its lines, which traces name, but no columns: these only underline a source, and in a page there is none.
const STARTED = { PYTHONNODEBUGRANGES: "1", PYTHONHASHSEED: "0", HOME: "/home/pyodide", LANG: "C.UTF-8" };

const load = (...path) => import(pathToFileURL(resolve(...path)));
const { loadPyodide } = await load(folder, "pyodide.mjs");
const { default: createModule } = await load(compiled, "pyodide.asm.mjs");
const options = {
  indexURL: folder,
  stdLibURL: resolve(compiled, "python_stdlib.zip"),
  env: STARTED,
  _sysExecutable: "python",
};

const GROWN = "Python has grown: give it more memory to begin with.";
const ROOM_TO_WIPE = 1 << 19; // bytes that are taken beyond what is in use

// Python begins with as much memory as in the page, where split.mjs sees to that.
function onInstance(settings, made) {
  const { instantiateWasm } = settings;
  settings.instantiateWasm = (imports, done) =>
    instantiateWasm(imports, (instance, wasm) => {
      Object.values(instance.exports).find((it) => it instanceof WebAssembly.Memory).grow(MORE_PAGES);
      made(instance);
      done(instance, wasm);
    });
}

// The memory before anything runs, and after what every module does before Python begins.
async function beginnings() {
  let untouched;
  const enough = new Error();
  const before = {};
  await loadPyodide({
    ...options,
    _loadSnapshot: new Uint8Array(4),
    async createPyodideModule(settings) {
      onInstance(settings, () => {});
      settings.preRun.push(({ HEAPU8 }) => (untouched = HEAPU8.slice()));
      before.initialised = (await createModule(settings)).HEAPU8.slice();
      throw enough;
    },
  }).catch((error) => {
    if (error !== enough) throw error;
  });
  return { untouched, ...before };
}

async function imported() {
  let exports; // all of them: in Pyodide's JavaScript precompile.mjs has left only what the page needs
  const python = await loadPyodide({
    ...options,
    _makeSnapshot: true,
    createPyodideModule(settings) {
      onInstance(settings, (instance) => (exports = instance.exports));
      return createModule(settings);
    },
  });
  python.FS.writeFile("pychat.zip", await readFile(app));
  python.runPython(`
import gc
import importlib
import pkgutil
import sys
import zipimport

# What is imported only when something is asked for, by PyScript or after a failure.
import encodings.ascii, encodings.idna, encodings.latin_1, encodings.punycode, encodings.utf_16, encodings.utf_32, encodings.utf_8_sig
import random, re, shutil, traceback, uuid, zipfile

with zipfile.ZipFile("pychat.zip") as archive:
    archive.extractall()
importlib.invalidate_caches()  # by the clock nothing has changed

for name in ("core", "ui", "browser"):
    package = importlib.import_module(f"pychat.{name}")
    for module in pkgutil.walk_packages(package.__path__, f"pychat.{name}."):
        importlib.import_module(module.name)
for module in pkgutil.iter_modules(["."]):
    if not module.ispkg:
        importlib.import_module(module.name)

# Known to everybody who has built the site: python.mjs seeds it anew.
random.seed(0)

# They keep hashes, which are forgotten below.
for it in gc.get_objects():
    if type(it).__name__ == "_lru_cache_wrapper":
        it.cache_clear()
re.purge()
# In the browser there is no library: what is not imported by now cannot be found, rather than be damaged.
zipimport._zip_directory_cache.clear()
sys.path_importer_cache.clear()
del it, archive, name, package, module
sys._clear_internal_caches()  # where the attributes of types were found
gc.collect()
# What is here by now stays, and so does what a burst of messages makes: when Python looks for what can go, it does not
# look at the one, and less often at the other.
gc.freeze()
gc.set_threshold(30_000)
`);
  wipe(python._module, exports);
  const hashes = forgetHashes(python._module, exports);
  wipeStack(python._module);
  return { snapshot: python.makeMemorySnapshot(), hashes, build: python._api.config.BUILD_ID };
}

// What was freed lies about until it is used again. All of it is taken once more, in pieces of one size after the other,
// and overwritten: from Python, which for this while gets no new memory and so goes on with what `malloc` has free, and
// from `malloc` itself. What is in use of a small piece beside its content is left behind in a larger one that it
// becomes part of, so the sizes grow.
function wipe({ HEAPU8, HEAPU32, addFunction, _malloc, _free }, python) {
  const end = python.sbrk(0); // beyond it nothing has ever been
  if (HEAPU8.length - end < ROOM_TO_WIPE) throw new Error(GROWN);
  const wipePieces = (size, take, give) => {
    const taken = [];
    do {
      const place = take(size);
      if (place + size <= end) HEAPU8.fill(0, place, place + size);
      taken.push(place);
    } while (taken.at(-1) < end);
    taken.forEach((place) => give(place));
  };
  const allocator = _malloc(12); // Include/cpython/pymem.h, PyObjectArenaAllocator: a context, `alloc` and `free`
  const alloc = (allocator >> 2) + 1;
  python.PyObject_GetArenaAllocator(allocator);
  const real = HEAPU32[alloc];
  HEAPU32[alloc] = addFunction(() => 0, "iii");
  python.PyObject_SetArenaAllocator(allocator);
  for (let size = 16; size <= 512; size += 16) wipePieces(size, python.PyObject_Malloc, python.PyObject_Free);
  HEAPU32[alloc] = real;
  python.PyObject_SetArenaAllocator(allocator);
  _free(allocator);
  for (let size = 1024; size < ROOM_TO_WIPE / 4; size *= 2) wipePieces(size, _malloc, _free);
}

// And for what functions that have ended left on the stack, which grows downwards.
function wipeStack({ HEAPU8, ___stack_low: end, stackSave }) {
  HEAPU8.fill(0, end, stackSave());
}

// From address to address, where a byte differs; small gaps cost less than another run.
function* differences(memory, { untouched, initialised }) {
  const GAP = 64;
  const PAGE = 4096;
  // What is done before Python begins is not quite the same in each browser, so all that is near it is written.
  const uncertain = new Set();
  for (let i = 0; i < untouched.length; i++) {
    if (untouched[i] !== initialised[i]) for (const page of [0, 1]) uncertain.add(Math.floor(i / PAGE) + page);
  }
  let start = -1;
  let end = -1;
  for (let i = 0; i < memory.length; i++) {
    if (memory[i] === untouched[i] && !uncertain.has(Math.floor(i / PAGE))) continue;
    if (start >= 0 && i - end > GAP) yield [start, end];
    if (start < 0 || i - end > GAP) start = i;
    end = i + 1;
  }
  yield [start, end];
}

const MAGIC = 0x4d594850; // "PHYM"

function pack(memory, description, runs) {
  const padded = Math.ceil(description.length / 4) * 4;
  const size = runs.reduce((sum, [start, end]) => sum + end - start, 16 + 8 * runs.length + padded);
  const packed = new Uint8Array(size);
  const words = [MAGIC, runs.length, description.length, 0, ...runs.flatMap(([start, end]) => [start, end - start])];
  packed.set(new Uint8Array(Uint32Array.from(words).buffer));
  let at = 4 * words.length;
  packed.set(description, at);
  at += padded;
  for (const [start, end] of runs) {
    packed.set(memory.subarray(start, end), at);
    at += end - start;
  }
  return packed;
}

const before = await beginnings();
const { snapshot, hashes, build } = await imported();
// Pyodide's format: a magic number, where the memory begins, how long the description is, and 36 bytes more.
const [, offset, described] = new Uint32Array(snapshot.buffer, 0, 3);
const memory = snapshot.subarray(offset);
if (memory.length !== before.untouched.length) throw new Error(GROWN);
const objects = JSON.parse(new TextDecoder().decode(snapshot.subarray(48, 48 + described)));
const description = new TextEncoder().encode(JSON.stringify({ build, objects, hashes }));
await writeFile(target, pack(memory, description, [...differences(memory, before)]));
