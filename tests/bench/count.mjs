// Makes a WebAssembly module that notes which of its functions have run: each has a global of its own, which it sets,
// and which is exported as "ran.<index among the functions that are no imports>".
//
//     node count.mjs <module> <file to write>

import { readFile, writeFile } from "node:fs/promises";

import {
  KIND,
  SECTION,
  constant,
  instructionsAt,
  list,
  longer,
  module,
  number,
  read,
  text,
  withLength,
} from "../../pychat/site/wasm.mjs";

const [source, target] = process.argv.slice(2);
const whole = read(await readFile(source));
const first = whole.imports.filter((it) => it.kind === KIND.global).length + whole.globals.length;
const each = (make) => whole.bodies.map((_, index) => make(index));
const noting = (body, index) => {
  const start = instructionsAt(body);
  return withLength([...body.subarray(0, start), ...constant(1), 0x24, ...number(first + index), ...body.subarray(start)]);
};
const changed = {
  [SECTION.globals]: (content) => longer(content, each(() => [0x7f, 1, ...constant(0), 0x0b])),
  [SECTION.exports]: (content) =>
    longer(content, each((index) => [...text(`ran.${index}`), KIND.global, ...number(first + index)])),
  [SECTION.code]: () => list(whole.bodies.map(noting)),
};
const sections = whole.sections.map(({ id, content }) => [id, changed[id]?.(content) ?? [content]]);
await writeFile(target, module(whole.bytes, sections));
