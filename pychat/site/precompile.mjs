// Prepares what Pyodide brings, once, after it has been installed:
//
// python_stdlib.zip   Its library, of which what every start imports is compiled here instead of in each browser. Only
//                     its own Python can write the bytecode that it reads, so this runs in Node. The rest of the
//                     library stays source, which is smaller. It is for the ordinary start, see snapshot.mjs.
// pyodide.asm.wasm    What the page needs until people talk, of its WebAssembly, and
// pyodide.rest.wasm   the rest of it, see split.mjs. A list in hot.json says which function is which.
// pyodide.asm.mjs     Without the 8,000 functions that it would offer to WebAssembly modules of others. Each costs every
//                     start a place in a table, and there are no such modules here. And without addresses for WebGL's
//                     functions, which nothing here draws with: for each a module of WebAssembly would be made.
//
//     node precompile.mjs <folder of Pyodide> <folder to write to> [<another list>]

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { split } from "./split.mjs";

const LIST = fileURLToPath(new URL("hot.json", import.meta.url));
const [source, target, list = LIST] = process.argv.slice(2).map((path) => resolve(path));
await mkdir(target, { recursive: true });

async function compileLibrary() {
  const { loadPyodide } = await import(pathToFileURL(resolve(source, "pyodide.mjs")));
  const python = await loadPyodide({ env: { PYTHONNODEBUGRANGES: "1" } }); // see snapshot.mjs
  python.runPython(`
import sys
import zipfile
from importlib._bootstrap_external import _code_to_hash_pyc

# What PyScript and pychat import, beyond what Pyodide does by itself.
import asyncio, base64, binascii, collections.abc, contextlib, dataclasses, enum, hashlib, hmac, html, io, ipaddress
import itertools, json, logging, os, pathlib, re, secrets, shutil, string, struct, time, traceback, typing
import unicodedata, urllib.parse, uuid

LIBRARY = next(path for path in sys.path if path.endswith(".zip"))
eager = {module.__spec__.origin for module in list(sys.modules.values()) if getattr(module, "__spec__", None)}

with zipfile.ZipFile(LIBRARY) as source, zipfile.ZipFile("library.zip", "w", zipfile.ZIP_STORED) as result:
    for name in source.namelist():
        path, content = f"{LIBRARY}/{name}", source.read(name)
        if path in eager and name.endswith(".py"):
            # "Unchecked": there is no source beside it that it could be older than (PEP 552).
            code = compile(content, path, "exec", dont_inherit=True, optimize=2)  # without docstrings
            name, content = f"{name}c", _code_to_hash_pyc(code, bytes(8), checked=False)
        result.writestr(zipfile.ZipInfo(name), content)
`);
  return python.FS.readFile("library.zip");
}

// Emscripten keeps each exported function in a variable and on its Module object, both under its name after "_". What
// is mentioned nowhere but there is used by nobody; it comes to the program no more, and has no variable.
function withoutUnused(program, exports, loader) {
  const isAssignment = /(?:[\w$]+=(?:Module\["[\w$]+"\]=)?wasmExports\["([\w$]+)"\](?:\.value>>>0)?|wasmExports\["([\w$]+)"\]=makeWrapper\w*\(wasmExports\["[\w$]+"\]\));?/g;
  const isDeclaration = /var ((?:[\w$]+,){500,}[\w$]+);/;
  const wordsOf = (text) => new Set(text.match(/[\w$]+/g));
  const words = wordsOf(OURS + loader + program.replace(isAssignment, "").replace(isDeclaration, ""));
  const used = exports
    .filter(({ name, kind }) => !["function", "global"].includes(kind) || words.has(name) || words.has(`_${name}`))
    .map(({ name }) => name);
  const wanted = new Set(used);
  const assigned = program.replace(isAssignment, (all, one, other) => (wanted.has(one ?? other) ? all : ""));
  const left = wordsOf(assigned.replace(isDeclaration, ""));
  const withoutExports = once(
    once(assigned, isDeclaration, (_, names) => `var ${names.split(",").filter((name) => left.has(name)).join(",")};`),
    /wasmExports=instance\.exports;/,
    () => `wasmExports=Object.fromEntries(${JSON.stringify(used)}.map(name=>[name,instance.exports[name]]));`,
  );
  const trimmed = once(
    withoutExports,
    /entry\.value=addFunction\(value,value\.sig\)/,
    (addition) => `if(/^(emscripten_)?gl[A-Z]/.test(symName))entry.value=0;else ${addition}`,
  );
  return { program: trimmed, used };
}

// What making a memory takes, and restoring it.
const OURS = `
  Py_HashBuffer PyObject_Hash _Py_HashSecret _PyRuntime __stack_low
`;

function once(text, pattern, replacement) {
  const found = text.match(new RegExp(pattern, "g"))?.length ?? 0;
  if (found !== 1) throw new Error(`Pyodide has changed: ${pattern} is there ${found} times.`);
  return text.replace(pattern, replacement);
}

// The list is of lines of numbers and of ranges, and holds for one WebAssembly.
async function readList(wasm) {
  const { sha256, functions } = JSON.parse(await readFile(list, "utf8"));
  if (createHash("sha256").update(wasm).digest("hex") !== sha256) {
    console.error(
      `pychat: ${relative("", list)} is for another version of Pyodide: make it anew, ` +
        "with `make .venv/.dev` and `.venv/bin/python -m tests.bench.hot`.",
    );
    process.exit(1);
  }
  const ranges = functions.flatMap((line) => line.split(" ")).map((range) => range.split("-").map(Number));
  const found = new Set();
  for (const [first, last = first] of ranges) for (let index = first; index <= last; index++) found.add(index);
  return found;
}

const read = (name, encoding) => readFile(resolve(source, name), encoding);
const wasm = await read("pyodide.asm.wasm");
const hot = await readList(wasm);
const exports = WebAssembly.Module.exports(new WebAssembly.Module(wasm));
const { program, used } = withoutUnused(await read("pyodide.asm.mjs", "utf8"), exports, await read("pyodide.mjs", "utf8"));
const { first, rest } = split(wasm, (index) => hot.has(index), new Set(used));
const write = (name, content) => writeFile(resolve(target, name), content);
await write("pyodide.asm.mjs", program);
await write("pyodide.asm.wasm", first);
await write("pyodide.rest.wasm", rest);
await write("python_stdlib.zip", await compileLibrary());
