// Compiles Python with Pyodide's own, so that a page that loads it when it is needed does not stand still meanwhile: from
// source it takes a quarter of a second. What is compiled depends on nothing but the source, and not on its time.
//
//     node compile.mjs <folder of Pyodide> <zip of sources> <zip to write>

import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, source, target] = process.argv.slice(2).map((path) => resolve(path));
const { loadPyodide } = await import(pathToFileURL(resolve(folder, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: folder, env: { PYTHONHASHSEED: "0", HOME: "/home/pyodide" } });
python.FS.writeFile("source.zip", await readFile(source));
python.runPython(`
import importlib.util
import zipfile
from importlib._bootstrap_external import _code_to_hash_pyc

with zipfile.ZipFile("source.zip") as sources, zipfile.ZipFile("target.zip", "w") as target:
    for name in sources.namelist():
        content = sources.read(name)
        if name.endswith(".py"):
            code = compile(content, name, "exec", dont_inherit=True, optimize=2)
            content, name = _code_to_hash_pyc(code, importlib.util.source_hash(content), False), name + "c"
        target.writestr(zipfile.ZipInfo(name), content)
`);
await writeFile(target, python.FS.readFile("target.zip"));
