// Compiles the part of Python's library that every start imports, once and here, instead of in each browser at each
// visit: Pyodide then starts in a third of the time. Only its own Python can write the bytecode that it reads, so this
// runs in Node; the rest of the library stays source, which is smaller.
//
//     node precompile.mjs <folder of Pyodide> <zip to write>

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [pyodideFolder, target] = process.argv.slice(2).map((path) => resolve(path));
const { loadPyodide } = await import(pathToFileURL(resolve(pyodideFolder, "pyodide.mjs")));
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

await mkdir(dirname(target), { recursive: true });
await writeFile(target, python.FS.readFile("library.zip"));
