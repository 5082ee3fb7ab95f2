// Splits Python's WebAssembly in two, for a browser may have to compile all of it at each visit, and a page needs a
// tenth of the functions until it can be used:
//
// the first part   The functions of a list, unchanged, and all data. It runs by itself.
// the rest         The other functions. It has nothing of its own, but works with the memory, the tables, the globals
//                  and the tags of the first part.
//
// What nothing can call is in neither: Pyodide has it for modules that are loaded later, and here there are none.
//
// In both a function has the index that it has in the whole, and so have types, globals, tables and tags. So what they
// do is the same, to the byte: a memory of the whole is one of the two.
//
// One table more joins them, at the end of the first part's tables. In it are, by `place`: what brings the rest when it
// is not there yet, at 0, put there by python.mjs; the functions that the rest calls of the first part, put there by
// that; and those that the first part calls of the rest, put there by the rest when it is made. Each part has, in the
// place of a function of the other, one that calls what is in the table. One global more says whether the rest is there.
// Where a function of the rest cannot be called from without it, the first part has nothing in its place.
//
// The first part exports what it shares under names that python.mjs knows, too: "split.table", "split.joined".

import { KIND, SECTION, calledBy, constant, larger, list, longer, module, number, read, text, withLength } from "./wasm.mjs";

const FUNCTIONS = 0x70;
const INTEGER = 0x7f;
const END = 0x0b;
const CHANGES = 1;
const NOTHING = withLength([0, 0x00, END]); // no variables; unreachable
const BRINGS_REST = 0;
// Python has all of pychat in its memory before it may grow (snapshot.mjs): 4 MiB more than what Pyodide begins with.
export const MORE_PAGES = 64;

// Chromium compiles no more than this at once on a page, which is what a function of the rest may need.
const AT_ONCE = 8 << 20;

// `first` says of an index among the functions that are no imports whether it is one of the first part; `exported` has
// the names that the first part exports.
export function split(bytes, first, exported) {
  const whole = read(bytes);
  const count = (kind) => whole.imports.filter((it) => it.kind === kind).length;
  const imported = count(KIND.function);
  const importedGlobals = count(KIND.global);
  const exports = whole.exports.filter(({ name }) => exported.has(name));

  const reached = reachable(whole, exports, imported);
  const isFirst = whole.bodies.map((_, index) => first(index) && reached.has(index));
  const isRest = whole.bodies.map((_, index) => !first(index) && reached.has(index));
  const [fromFirst, fromRest] = [new Set(), new Set()]; // what each calls of the other
  const callFromFirst = (index) => isRest[index - imported] && fromFirst.add(index - imported);
  const callFromRest = (index) => isFirst[index - imported] && fromRest.add(index - imported);
  for (const index of reached) calledBy(whole.bodies[index]).forEach(isFirst[index] ? callFromFirst : callFromRest);
  for (const index of whole.elements) callFromFirst(index);
  for (const { kind, index } of exports) if (kind === KIND.function) callFromFirst(index);
  const sorted = (set) => [...set].sort((a, b) => a - b);
  const [inRest, inFirst] = [sorted(fromFirst), sorted(fromRest)];
  const place = new Map([...inFirst, ...inRest].map((index, i) => [index, BRINGS_REST + 1 + i]));

  const size = number(place.size + 1);
  const shared = { table: [FUNCTIONS, CHANGES, ...size, ...size], joined: [INTEGER, CHANGES] };
  const table = number(whole.tables.length);
  const joined = number(importedGlobals + whole.globals.length);

  const callPlace = (type, at) => [...constant(at), 0x11, ...number(type), ...table];
  const call = (index) => {
    const type = whole.functions[index];
    const parameters = whole.types[type].parameters.flatMap((_, i) => [0x20, ...number(i)]);
    return [...parameters, ...callPlace(type, place.get(index)), END];
  };
  const plain = whole.types.findIndex(({ parameters, results }) => parameters.length + results.length === 0);
  const unlessJoined = [0x23, ...joined, 0x45, 0x04, 0x40, ...callPlace(plain, BRINGS_REST), END];
  const elements = (indices) => {
    const start = indices.length ? place.get(indices[0]) : 0;
    return [2, ...table, ...constant(start), END, 0, ...list(indices.map((it) => number(it + imported))).flat()];
  };
  const bodies = (has, calls, inPlace) =>
    whole.bodies.map((body, index) => (has(index) ? withLength(body) : calls.has(index) ? inPlace(index) : NOTHING));

  const sharedNames = [
    ...whole.tables.map((type, i) => [`split.table${i}`, KIND.table, type, i]),
    ["split.table", KIND.table, shared.table, whole.tables.length],
    ...whole.globals.map((type, i) => [`split.global${i}`, KIND.global, type, importedGlobals + i]),
    ["split.joined", KIND.global, shared.joined, importedGlobals + whole.globals.length],
    ["split.memory", KIND.memory, whole.memory, 0],
    ...whole.tags.map((type, i) => [`split.tag${i}`, KIND.tag, type, i]),
  ];
  const changed = {
    [SECTION.tables]: (content) => longer(content, [shared.table]),
    [SECTION.memory]: (content) => larger(content, MORE_PAGES),
    [SECTION.globals]: (content) => longer(content, [[...shared.joined, ...constant(0), END]]),
    [SECTION.exports]: () =>
      list([
        ...exports.map(({ name, kind, index }) => [...text(name), kind, ...number(index)]),
        ...sharedNames.map(([name, kind, , index]) => [...text(name), kind, ...number(index)]),
      ]),
    [SECTION.elements]: (content) => longer(content, [elements(inFirst)]),
    [SECTION.code]: () => list(bodies((index) => isFirst[index], fromFirst, (index) => withLength([0, ...unlessJoined, ...call(index)]))),
  };
  const same = (id) => whole.sections.find((it) => it.id === id).content;
  const importShared = sharedNames.map(([name, kind, type]) => [...text("split"), ...text(name), kind, ...type]);
  const parts = {
    first: module(
      bytes,
      whole.sections.map(({ id, content }) => [id, changed[id]?.(content) ?? [content]]),
    ),
    rest: module(bytes, [
      [SECTION.types, [same(SECTION.types)]],
      [SECTION.imports, longer(same(SECTION.imports), importShared)],
      [SECTION.functions, [same(SECTION.functions)]],
      [SECTION.elements, list([elements(inRest)])],
      [SECTION.code, list(bodies((index) => isRest[index], fromRest, (index) => withLength([0, ...call(index)])))],
    ]),
  };
  for (const [name, part] of Object.entries(parts)) {
    if (!WebAssembly.validate(part)) throw new Error(`Pyodide has changed: of its WebAssembly, ${name} is not valid.`);
  }
  if (parts.rest.length > AT_ONCE) throw new Error("The rest of the WebAssembly is too large: the list has too few.");
  return parts;
}

// The functions that can be called at all, by index among those that are no imports: from outside, through a table, or by
// another one of them.
function reachable({ bodies, elements }, exports, imported) {
  const called = exports.filter(({ kind }) => kind === KIND.function).map(({ index }) => index);
  const found = new Set();
  const find = (index) => index >= imported && found.add(index - imported);
  for (const index of [...elements, ...called]) find(index);
  // The set grows meanwhile, and what is new in it comes in its turn.
  for (const index of found) calledBy(bodies[index]).forEach(find);
  return found;
}
