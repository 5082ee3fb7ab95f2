// Joins the two parts of Python's WebAssembly that split.mjs has made, so that they are what they were before. The first
// part runs by itself. The rest is compiled when the page can be used; or, when one of its functions is called before
// that, at once, while the caller waits. Its bytes have to be there by then: no script of the page runs without them, and
// restoring the memory, which needs none of its functions, fails if that should no longer be so.

const mark = (name) => performance.mark(`python:${name}`);

// A table takes no function of JavaScript, but one that a module imports:
//
// (module (import "" "bring" (func)) (import "" "split.table" (table 0 funcref)) (elem (i32.const 0) func 0))
const PUT = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, // a module of version 1
  0x01, 0x04, 0x01, 0x60, 0x00, 0x00, // a type of function, with no parameters and no results
  0x02, 0x1b, 0x02, // two imports
  0x00, 0x05, ...[..."bring"].map((letter) => letter.charCodeAt(0)), 0x00, 0x00,
  0x00, 0x0b, ...[..."split.table"].map((letter) => letter.charCodeAt(0)), 0x01, 0x70, 0x00, 0x00,
  0x09, 0x07, 0x01, 0x00, 0x41, 0x00, 0x0b, 0x01, 0x00, // elements: in the only table, from 0 on, the only function
]);

let compileRest = async () => {};

// Makes an instance of the first part, with what it imports; `coming` are the bytes of the rest.
export async function instantiate(module, imports, coming) {
  let bytes;
  coming.then((arrived) => (bytes = arrived), () => {});
  // Pyodide makes some imports when they are looked up; both parts need the same ones.
  const given = {};
  for (const it of WebAssembly.Module.imports(module)) (given[it.module] ??= {})[it.name] = imports[it.module][it.name];
  const first = await WebAssembly.instantiate(module, given);
  const { "split.table": table, "split.joined": joined } = first.exports;
  const join = (rest) => {
    if (joined.value) return;
    new WebAssembly.Instance(rest, { ...given, split: first.exports });
    joined.value = 1;
    compileRest = async () => {};
    mark("joined");
  };
  const bring = () => {
    mark("called before it was joined");
    if (!bytes) throw new Error("Python needs what has not come yet.");
    join(new WebAssembly.Module(bytes));
  };
  new WebAssembly.Instance(new WebAssembly.Module(PUT), { "": { bring, "split.table": table } });
  compileRest = async () => join(await WebAssembly.compile(await coming));
  return first;
}

// To be called when the page can be used.
export const joinRest = () => compileRest();
