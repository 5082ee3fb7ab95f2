// Runs a script in Pyodide, and prints what it prints: with its WebAssembly as it is, or split by index and joined.
//
//     node run.mjs <folder of Pyodide> <folder that precompile.mjs wrote> <script> <how>
//
// `how` is "whole"; "list", as precompile.mjs has split it; or which functions make the first part: "even", "odd".

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { split } from "../../../pychat/site/split.mjs";
import { instantiate } from "../../../web/wasm_rest.mjs";

const [folder, compiled, script, how] = process.argv.slice(2);
const load = (...path) => import(pathToFileURL(resolve(...path)));
const wasm = await readFile(resolve(folder, "pyodide.asm.wasm"));

async function parts() {
  if (how === "list") {
    const [first, rest] = ["asm", "rest"].map((name) => readFile(resolve(compiled, `pyodide.${name}.wasm`)));
    return { first: await first, rest: await rest };
  }
  const exported = new Set(WebAssembly.Module.exports(new WebAssembly.Module(wasm)).map(({ name }) => name));
  return split(wasm, (index) => index % 2 === ["even", "odd"].indexOf(how), exported);
}

const { instantiate: asItIs } = WebAssembly;
if (how !== "whole") {
  const { first, rest } = await parts();
  WebAssembly.instantiate = async (source, imports) => {
    if (source instanceof WebAssembly.Module) return asItIs(source, imports);
    const module = await WebAssembly.compile(first);
    return { module, instance: await instantiate(module, imports, Promise.resolve(rest)) };
  };
}

const { loadPyodide } = await load(folder, "pyodide.mjs");
const { default: createPyodideModule } = await load(compiled, "pyodide.asm.mjs");
const python = await loadPyodide({
  indexURL: folder,
  stdLibURL: resolve(compiled, "python_stdlib.zip"),
  env: { PYTHONHASHSEED: "0", HOME: "/home/pyodide", LANG: "C.UTF-8" },
  createPyodideModule,
});
await python.runPythonAsync(await readFile(script, "utf8"));
