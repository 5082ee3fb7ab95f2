// Forgets, in a memory of Python, every hash that depends on the seed, and finds the tables that are made of them. For
// what fills these again see web/hashes.mjs.
//
// Nothing says where objects are, so the whole memory is looked through: what has a type, and a hash that is the hash
// of what is in it, is an object; what has a place for each of its keys is a table. The memory is the same at each
// build, so that what is found once is found by everybody.

import { dictTable, setEntries } from "../../web/hashes.mjs";

// Objects begin with the number of references and the type (Include/object.h); types have their flags there.
const FLAGS = 84;
const IS = { tuple: 26, bytes: 27, text: 28, dict: 29, type: 31 };
const UNKNOWN = -1;

export function forgetHashes(module) {
  const { HEAPU32: words, HEAP32: numbers, HEAPU8: bytes } = module;
  const size = bytes.length;
  const within = (address) => address > 1024 && address < size - 1024 && address % 4 === 0;
  const flags = (type) => words[(type + FLAGS) >> 2];
  const has = (type, bit) => ((flags(type) >>> bit) & 1) === 1;
  const typeOf = (object) => words[(object >> 2) + 1];
  const types = new Map();
  function isType(address) {
    if (!within(address)) return false;
    if (!types.has(address)) {
      const meta = typeOf(address);
      types.set(address, within(meta) && within(typeOf(meta)) && has(meta, IS.type) && has(typeOf(meta), IS.type));
    }
    return types.get(address);
  }

  const isObject = (address) => within(address) && isType(typeOf(address));
  const secret = module.__Py_HashSecret;
  const hashed = []; // where a hash is that has to be forgotten
  const dicts = new Set();
  const sets = [];

  function textIsHashed(at) {
    // Include/cpython/unicodeobject.h: length, hash, and in the state how it is written; then the text.
    const [length, state] = [words[(at >> 2) + 2], words[(at >> 2) + 4]];
    const [kind, compact, ascii] = [(state >> 2) & 7, (state >> 5) & 1, (state >> 6) & 1];
    if (!compact || ![1, 2, 4].includes(kind) || length * kind > size - at) return false;
    return (module._Py_HashBuffer(at + (ascii ? 20 : 28), length * kind) | 0) === numbers[(at >> 2) + 3];
  }

  function bytesAreHashed(at) {
    const length = words[(at >> 2) + 2];
    return length < size - at && (module._Py_HashBuffer(at + 16, length) | 0) === numbers[(at >> 2) + 3];
  }

  // A tuple keeps its hash too since 3.14.
  function tupleIsHashed(at) {
    const [length, before] = [words[(at >> 2) + 2], numbers[(at >> 2) + 3]];
    if (length > 10_000) return false;
    for (let i = 0; i < length; i++) if (!isObject(words[(at >> 2) + 4 + i])) return false;
    numbers[(at >> 2) + 3] = UNKNOWN;
    try {
      return module._PyObject_Hash(at) === before;
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) return false; // it is none, but looks like one
      throw error;
    } finally {
      module._PyErr_Clear();
      numbers[(at >> 2) + 3] = before;
    }
  }

  function isDictTable(at) {
    if (!within(at) || dicts.has(at)) return dicts.has(at);
    const { log2size, log2bytes, kind, count, indices, keyAt } = dictTable(module, at);
    if (kind > 2 || log2size < 3 || log2size > 20 || log2bytes < log2size || log2bytes > log2size + 2) return false;
    if (count > 2 ** log2size || at + 2 ** log2bytes > size) return false;
    const placed = new Set(indices);
    let keys = 0;
    for (let i = 0; i < count; i++) {
      const key = words[keyAt(i)];
      if (!key) continue;
      if (!isObject(key) || !placed.has(i)) return false;
      keys++;
    }
    return keys > 0 && [...placed].every((index) => index >= -2 && index < count);
  }

  function isSet(at) {
    const [fill, used] = [words[(at >> 2) + 2], words[(at >> 2) + 3]];
    const { mask, table } = setEntries(module, at);
    if (((mask + 1) & mask) !== 0 || mask < 7 || mask > 1 << 20) return false;
    if (used > fill || fill > mask || !within(table * 4)) return false;
    let live = 0;
    for (let i = 0; i <= mask; i++) {
      const [key, hash] = [words[table + 2 * i], numbers[table + 2 * i + 1]];
      if (!key || hash === -1) continue;
      if (!isObject(key)) return false;
      live++;
    }
    return live === used;
  }

  const { _PySet_Type: setType, _PyFrozenSet_Type: frozenType } = module;
  for (let at = 1024; at < size - 1024; at += 4) {
    const type = typeOf(at);
    if (!isType(type)) continue;
    const known = numbers[(at >> 2) + 3] !== UNKNOWN;
    if (has(type, IS.text)) known && textIsHashed(at) && hashed.push(at + 12);
    else if (has(type, IS.bytes)) known && bytesAreHashed(at) && hashed.push(at + 12);
    else if (has(type, IS.tuple)) known && tupleIsHashed(at) && hashed.push(at + 12);
    else if (has(type, IS.dict)) isDictTable(words[(at >> 2) + 6]) && dicts.add(words[(at >> 2) + 6]);
    else if (type === setType || type === frozenType) {
      if (isSet(at)) {
        sets.push(at);
        hashed.push(at + 24);
      }
    } else if (has(type, IS.type)) {
      // What its instances share; somewhere behind what every type has.
      for (let word = (at >> 2) + 50; word < (at >> 2) + 240; word++) {
        const shared = words[word];
        if (within(shared) && bytes[shared + 6] === 2 && isDictTable(shared)) dicts.add(shared);
      }
    }
  }

  const interned = findInterned(module, within, isObject);
  for (const at of hashed) numbers[at >> 2] = UNKNOWN;
  const simple = [];
  const others = [];
  for (const at of [...dicts].sort((a, b) => a - b)) {
    const { kind, count, keyAt } = dictTable(module, at);
    const keys = Array.from({ length: count }, (_, i) => words[keyAt(i)]).filter(Boolean);
    (kind !== 0 || keys.every((key) => has(typeOf(key), IS.text)) ? simple : others).push(at);
  }
  return { secret, interned, simple, others, sets };
}

// Somewhere in the state of the interpreter is the table of the texts that are part of the program.
function findInterned({ HEAPU32: words, HEAP32: numbers, __PyRuntime: runtime }, within, isObject) {
  const found = [];
  for (let word = runtime >> 2; word < (runtime >> 2) + 100_000; word++) {
    const at = words[word];
    if (!within(at)) continue;
    const [count, size, buckets] = [words[at >> 2], words[(at >> 2) + 1], words[(at >> 2) + 2]];
    if (count < 100 || count > 10_000 || size < 16 || (size & (size - 1)) !== 0 || !within(buckets)) continue;
    let entries = 0;
    let fits = true;
    for (let i = 0; i < size && fits; i++) {
      for (let entry = words[(buckets >> 2) + i]; entry && fits; entry = words[entry >> 2]) {
        const key = within(entry) ? words[(entry >> 2) + 2] : 0;
        fits = isObject(key) && numbers[(entry >> 2) + 1] === numbers[(key >> 2) + 3];
        entries++;
      }
    }
    if (fits && entries === count) found.push(at);
  }
  const different = new Set(found);
  if (different.size !== 1) throw new Error(`The table of interned texts was found ${different.size} times.`);
  return found[0];
}
