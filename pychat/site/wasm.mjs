// Reads a WebAssembly module as far as one has to for taking it apart, and writes what a new one is made of. For the
// format see the W3C's WebAssembly Core Specification, chapter 5. It knows what Pyodide's compiler writes, and refuses
// anything else, so that nothing is overlooked in a module that has become another.

export const SECTION = { types: 1, imports: 2, functions: 3, tables: 4, memory: 5, globals: 6, exports: 7, elements: 9 };
Object.assign(SECTION, { code: 10, tags: 13 });
export const KIND = { function: 0, table: 1, memory: 2, global: 3, tag: 4 };

const HEADER = 8; // a magic number and the version
const END = 0x0b;

class Reader {
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    return this.bytes[this.at++];
  }

  // LEB128, 7 bits at a time; signed ones are only skipped, and have the same length.
  number() {
    for (let result = 0, shift = 0; ; shift += 7) {
      const byte = this.byte();
      result += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return result;
    }
  }

  skip(numbers) {
    for (let i = 0; i < numbers; i++) while (this.byte() >= 0x80);
  }

  text() {
    const length = this.number();
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }

  list(read) {
    return Array.from({ length: this.number() }, (_, index) => read(index));
  }

  // The bytes that `read` reads.
  piece(read) {
    const start = this.at;
    read();
    return this.bytes.subarray(start, this.at);
  }

  limits() {
    this.skip(this.byte() & 1 ? 2 : 1);
  }

  // One that ends with what ends an expression; all of them give a constant or a global.
  constant() {
    for (let code = this.byte(); code !== END; code = this.byte()) {
      if (![0x23, 0x41, 0x42, 0xd0].includes(code)) throw unknown("constant", code);
      this.skip(1);
    }
  }
}

const unknown = (what, code) => new Error(`Pyodide has changed: its WebAssembly has a ${what} 0x${code.toString(16)}.`);

// All that splitting takes, each in the order of its index; where something is only handed on, its bytes.
export function read(bytes) {
  const sections = [];
  const reader = new Reader(bytes, HEADER);
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const length = reader.number();
    sections.push({ id, content: bytes.subarray(reader.at, reader.at + length), start: reader.at });
    reader.at += length;
  }
  const within = (id, readAll) => {
    const section = sections.find((it) => it.id === id);
    const inside = new Reader(bytes, section.start);
    const result = readAll(inside);
    if (inside.at !== section.start + section.content.length) throw new Error(`Section ${id} is not read to its end.`);
    return result;
  };
  return {
    bytes,
    sections,
    types: within(SECTION.types, (it) => it.list(() => readType(it))),
    imports: within(SECTION.imports, (it) => it.list(() => readImport(it))),
    functions: within(SECTION.functions, (it) => it.list(() => it.number())), // the types of those that are no imports
    tables: within(SECTION.tables, (it) => it.list(() => it.piece(() => (it.skip(1), it.limits())))),
    memory: within(SECTION.memory, (it) => it.list(() => it.piece(() => it.limits()))[0]),
    globals: within(SECTION.globals, (it) =>
      it.list(() => {
        const type = it.piece(() => it.skip(2)); // what it holds, and whether that may change
        it.constant();
        return type;
      }),
    ),
    exports: within(SECTION.exports, (it) =>
      it.list(() => ({ name: it.text(), kind: it.byte(), index: it.number() })),
    ),
    // The functions that tables refer to.
    elements: within(SECTION.elements, (it) =>
      it.list(() => {
        const kind = it.byte();
        if (kind !== 0 && kind !== 2) throw unknown("kind of elements", kind);
        if (kind === 2) it.skip(1); // the table
        it.constant();
        if (kind === 2) it.skip(1); // that they are functions
        return it.list(() => it.number());
      }).flat(),
    ),
    bodies: within(SECTION.code, (it) =>
      it.list(() => {
        const length = it.number();
        it.at += length;
        return bytes.subarray(it.at - length, it.at);
      }),
    ),
    tags: within(SECTION.tags, (it) => it.list(() => it.piece(() => it.skip(2)))),
  };
}

function readType(it) {
  const form = it.byte();
  if (form !== 0x60) throw unknown("form of type", form);
  return { parameters: it.list(() => it.byte()), results: it.list(() => it.byte()) };
}

function readImport(it) {
  const start = it.at;
  it.text();
  it.text();
  const kind = it.byte();
  if (kind === KIND.function) it.skip(1);
  else if (kind === KIND.global) it.skip(2);
  else throw unknown("kind of import", kind);
  return { kind, content: it.bytes.subarray(start, it.at) };
}

// Where in a body its instructions begin: after the variables.
export function instructionsAt(body) {
  const it = new Reader(body, 0);
  for (let groups = it.number(); groups > 0; groups--) it.skip(2);
  return it.at;
}

// How many numbers follow on an instruction; those from 0x45 to 0xc4 have none.
const NUMBERS = new Map();
const follow = (numbers, ...codes) => codes.forEach((code) => NUMBERS.set(code, numbers));
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
follow(0, 0x00, 0x01, 0x05, END, 0x0f, 0x19, 0x1a, 0x1b, ...range(0x45, 0xc4), 0xd1);
follow(1, 0x02, 0x03, 0x04, 0x06, 0x07, 0x08, 0x09, 0x0c, 0x0d, 0x10, 0x18, ...range(0x20, 0x26), ...range(0x3f, 0x42));
follow(1, 0xd0);
follow(2, 0x11, ...range(0x28, 0x3e));
const CALL = 0x10;
const CHOOSE = 0x0e; // br_table
const SELECT = 0x1c;
const [FLOAT, DOUBLE] = [0x43, 0x44];
const MORE = 0xfc;
const NUMBERS_OF_MORE = new Map([...range(0, 7).map((code) => [code, 0]), [10, 2], [11, 1], [15, 1], [16, 1], [17, 1]]);

// The functions that a body calls by their index. It has no other way to name a function: what takes the address of
// one is an instruction that is not known here.
export function calledBy(body) {
  const called = new Set();
  const it = new Reader(body, instructionsAt(body));
  while (it.at < body.length) {
    const code = it.byte();
    if (code === CALL) called.add(it.number());
    else if (code === CHOOSE) it.skip(it.number() + 1);
    else if (code === SELECT) it.skip(it.number());
    else if (code === FLOAT) it.at += 4;
    else if (code === DOUBLE) it.at += 8;
    else {
      const [numbers, which] = code === MORE ? [NUMBERS_OF_MORE, it.number()] : [NUMBERS, code];
      if (!numbers.has(which)) throw unknown("instruction", which);
      it.skip(numbers.get(which));
    }
  }
  if (it.at !== body.length) throw new Error("A function is not read to its end.");
  return called;
}

export function number(value) {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return [...bytes, value];
}

// A constant, from 0 up.
export function constant(value) {
  const bytes = number(value);
  const last = bytes.length - 1;
  return [0x41, ...(bytes[last] & 0x40 ? [...bytes.slice(0, last), bytes[last] | 0x80, 0] : bytes)];
}

export function text(value) {
  const bytes = new TextEncoder().encode(value);
  return [...number(bytes.length), ...bytes];
}

// Each item is an array of bytes.
export const list = (items) => [number(items.length), ...items];

// A list of a module with more items at its end.
export function longer(content, items) {
  const it = new Reader(content, 0);
  return [number(it.number() + items.length), content.subarray(it.at), ...items];
}

// The section of the one memory, which is to begin with more pages.
export function larger(content, pages) {
  const it = new Reader(content, 0);
  const [count, flags, least] = [it.number(), it.byte(), it.number()];
  return [number(count), [flags], number(least + pages), content.subarray(it.at)];
}

export const withLength = (bytes) => [...number(bytes.length), ...bytes];

// A module of sections, each [id, pieces].
export function module(bytes, sections) {
  const pieces = [bytes.subarray(0, HEADER)];
  for (const [id, parts] of sections) {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    pieces.push([id, ...number(length)], ...parts);
  }
  return Buffer.concat(pieces.map((piece) => Uint8Array.from(piece)));
}
