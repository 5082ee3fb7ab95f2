// Prepares what Pyodide brings, once, after it has been installed:
//
// python_stdlib.zip   Its library, of which what every start imports is compiled here instead of in each browser. Only
//                     its own Python can write the bytecode that it reads, so this runs in Node. The rest of the
//                     library stays source, which is smaller. It is for the ordinary start, see snapshot.mjs.
// pyodide.asm.mjs     Without the 8,000 functions that it would offer to WebAssembly modules of others. Each costs every
//                     start a place in a table, and there are no such modules here. And without addresses for WebGL's
//                     functions, which nothing here draws with: for each a module of WebAssembly would be made.
//
//     node precompile.mjs <folder of Pyodide> <folder to write to>

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [source, target] = process.argv.slice(2).map((path) => resolve(path));
await mkdir(target, { recursive: true });

async function compileLibrary() {
  const { loadPyodide } = await import(pathToFileURL(resolve(source, "pyodide.mjs")));
  const python = await loadPyodide();
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
            code = compile(content, path, "exec", dont_inherit=True)
            name, content = f"{name}c", _code_to_hash_pyc(code, bytes(8), checked=False)
        result.writestr(zipfile.ZipInfo(name), content)
`);
  return python.FS.readFile("library.zip");
}

// Emscripten keeps each exported function in a variable and on its Module object, both under its name after "_". What
// is mentioned nowhere but there is used by nobody; it comes to the program no more, and has no variable.
function withoutUnused(program, wasm, loader) {
  const isAssignment = /(?:[\w$]+=(?:Module\["[\w$]+"\]=)?wasmExports\["([\w$]+)"\](?:\.value>>>0)?|wasmExports\["([\w$]+)"\]=makeWrapper\w*\(wasmExports\["[\w$]+"\]\));?/g;
  const isDeclaration = /var ((?:[\w$]+,){500,}[\w$]+);/;
  const wordsOf = (text) => new Set(text.match(/[\w$]+/g));
  const words = wordsOf(OURS + loader + program.replace(isAssignment, "").replace(isDeclaration, ""));
  const used = WebAssembly.Module.exports(new WebAssembly.Module(wasm))
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
  return once(
    withoutExports,
    /entry\.value=addFunction\(value,value\.sig\)/,
    (addition) => `if(/^(emscripten_)?gl[A-Z]/.test(symName))entry.value=0;else ${addition}`,
  );
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

await writeFile(resolve(target, "python_stdlib.zip"), await compileLibrary());
const read = (name, encoding) => readFile(resolve(source, name), encoding);
const program = withoutUnused(
  await read("pyodide.asm.mjs", "utf8"),
  await read("pyodide.asm.wasm"),
  await read("pyodide.mjs", "utf8"),
);
await writeFile(resolve(target, "pyodide.asm.mjs"), program);
