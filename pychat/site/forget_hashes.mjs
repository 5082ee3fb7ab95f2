// Forgets, in a memory of Python, every hash that depends on the seed, and finds the tables that are made of them. For
// what fills these again see web/hash_seed.mjs.
//
// Memory also holds what was freed, and in the place of that something else may be by now: whoever takes it for a table
// writes over what lives. So Python itself is asked. Its garbage collector knows every dict, set and type, and each of
// its objects tells what it refers to. No Python runs meanwhile, so what was found is still there when its hash is
// forgotten. Only for texts and bytes, which C may hold alone, the whole memory is looked through: what has their type,
// and the hash of what is in it, is one, or was, and there a forgotten hash does no harm.
//
// The layouts are those of CPython 3.14 with pointers of 32 bits: Include/object.h, Include/cpython/object.h and the
// files that web/hash_seed.mjs names.

import { dictTable, setEntries } from "../../web/hash_seed.mjs";

const TYPE = 4; // of an object
const HASH = 12; // of a text, of bytes, and since 3.14 of a tuple
const SET_HASH = 24;
const DICT_KEYS = 24;
const CODE_TUPLES = [12, 16, 72]; // co_consts, co_names, co_localsplusnames
const TYPE_TUPLES = [168, 172]; // tp_bases, tp_mro
const TYPE_SHARED_KEYS = 440; // ht_cached_keys
const TYPE_TRAVERSE = 92;
const TYPE_FLAGS = 84;
const IS = { onHeap: 9, tuple: 26, bytes: 27, text: 28, dict: 29, type: 31 };
const UNKNOWN = -1;

// `python` is what its WebAssembly exports.
export function forgetHashes(module, python) {
  const { HEAPU32: words, HEAP32: numbers } = module;
  const word = (address) => words[address >> 2];
  const is = (object, bit) => hasFlag(word, word(object + TYPE), bit);
  const setTypes = [python.PySet_Type.value, python.PyFrozenSet_Type.value];
  const isSet = (object) => setTypes.some((type) => python.PyType_IsSubtype(word(object + TYPE), type));

  const hashes = hashedTexts(module, python); // where they are
  const tables = new Set();
  const sets = [];
  for (const object of allObjects(module, python)) {
    if ([IS.text, IS.bytes, IS.tuple].some((bit) => is(object, bit))) hashes.push(object + HASH);
    else if (is(object, IS.dict)) tables.add(word(object + DICT_KEYS));
    else if (is(object, IS.type)) {
      if (hasFlag(word, object, IS.onHeap)) tables.add(word(object + TYPE_SHARED_KEYS));
    } else if (isSet(object)) {
      hashes.push(object + SET_HASH);
      if (setHasKeys(module, object)) sets.push(object);
    }
  }
  tables.delete(0); // a type whose instances share nothing

  const secret = module.__Py_HashSecret;
  const interned = findInterned(module, python);
  const simple = [];
  const others = [];
  for (const at of tables) {
    const keys = keysOf(module, at);
    if (keys.length) (keys.every((key) => is(key, IS.text)) ? simple : others).push(at);
  }
  for (const at of hashes) numbers[at >> 2] = UNKNOWN;
  for (const at of simple) emptyDict(module, at);
  emptyInterned(module, interned);
  for (const list of [simple, others, sets]) list.sort((a, b) => a - b);
  return { secret, interned, simple, others, sets };
}

const hasFlag = (word, type, bit) => ((word(type + TYPE_FLAGS) >>> bit) & 1) === 1;

// What the garbage collector knows, and all that is reached from there. To ask it changes no byte of the memory. Code,
// and types that are part of Python, do not tell what they refer to.
function allObjects({ HEAPU32: words, addFunction, getWasmTableEntry }, python) {
  const word = (address) => words[address >> 2];
  const found = new Set();
  const finder = (goOn) => {
    const find = (object) => {
      found.add(object);
      return goOn;
    };
    return addFunction(find, "iii");
  };
  python.PyUnstable_GC_VisitObjects(finder(1), 0);
  const visit = finder(0);
  // The set grows meanwhile, and what is new in it comes in its turn.
  for (const object of found) {
    const type = word(object + TYPE);
    found.add(type);
    if (python.PyObject_IS_GC(object)) {
      getWasmTableEntry(word(type + TYPE_TRAVERSE))(object, visit, 0);
      continue;
    }
    const tuples = type === python.PyCode_Type.value ? CODE_TUPLES : hasFlag(word, type, IS.type) ? TYPE_TUPLES : [];
    for (const place of tuples) if (word(object + place)) found.add(word(object + place));
  }
  return found;
}

// Where something has the type of texts or bytes, and their hash. Empty ones are left out: their hash is always 0, so
// that they seem to be wherever such a type stands before two zeros, whatever these are.
function hashedTexts(module, python) {
  const { HEAPU32: words, HEAP32: numbers } = module;
  const size = 4 * words.length;
  const [text, bytes] = [python.PyUnicode_Type.value, python.PyBytes_Type.value];
  const found = [];
  for (let at = 0; at < size - 64; at += 4) {
    const type = words[(at + TYPE) >> 2];
    if (type !== text && type !== bytes) continue;
    const [length, state] = [words[(at >> 2) + 2], words[(at >> 2) + 4]];
    // Include/cpython/unicodeobject.h: how many bytes a character takes, and whether the text is here or elsewhere.
    const [kind, compact, ascii] = [(state >> 2) & 7, (state >> 5) & 1, (state >> 6) & 1];
    if (type === text && !(compact && [1, 2, 4].includes(kind))) continue;
    const [start, count] = type === bytes ? [at + 16, length] : [at + (ascii ? 20 : 28), length * kind];
    if (count === 0 || count > size - start) continue;
    if ((module._Py_HashBuffer(start, count) | 0) === numbers[(at + HASH) >> 2]) found.push(at + HASH);
  }
  return found;
}

// The next two also make sure that the layout is the one that web/hash_seed.mjs knows, for that will write into it.
function keysOf(module, at) {
  const { count, indices, keyAt } = dictTable(module, at);
  const used = Array.from({ length: count }, (_, i) => i).filter((i) => module.HEAPU32[keyAt(i)]);
  const placed = indices.filter((index) => index >= 0).sort();
  if (placed.join() !== used.join()) throw new Error(`At ${at} is no table of a dict.`);
  return used.map((i) => module.HEAPU32[keyAt(i)]);
}

function setHasKeys(module, at) {
  const { HEAPU32: words, HEAP32: numbers } = module;
  const { mask, table } = setEntries(module, at);
  const used = words[(at + 12) >> 2];
  let keys = 0;
  for (let i = 0; i <= mask; i++) if (words[table + 2 * i] && numbers[table + 2 * i + 1] !== -1) keys++;
  if (keys !== used) throw new Error(`At ${at} is no set.`);
  return keys > 0;
}

// What web/hash_seed.mjs works out again is not kept: nothing in it repeats, so nothing of it compresses. Tables with other
// keys than texts keep theirs, for Python may look something up in one while it works out the hash of another's key.
function emptyDict(module, at) {
  const { kind, count, indices, keyAt } = dictTable(module, at);
  indices.fill(0);
  if (kind === 0) for (let i = 0; i < count; i++) module.HEAPU32[keyAt(i) - 1] = 0;
}

// One chain with all entries.
function emptyInterned({ HEAPU32: words }, at) {
  const [size, buckets] = [words[(at >> 2) + 1], words[(at >> 2) + 2] >> 2];
  const entries = [];
  for (let i = 0; i < size; i++) {
    for (let entry = words[buckets + i]; entry; entry = words[entry >> 2]) entries.push(entry);
  }
  entries.sort((a, b) => a - b);
  words.fill(0, buckets, buckets + size);
  words[buckets] = entries[0];
  entries.forEach((entry, i) => {
    words[entry >> 2] = entries[i + 1] ?? 0;
    words[(entry >> 2) + 1] = 0;
  });
}

// Somewhere in the state of the interpreter is the table of the texts that are part of the program.
function findInterned({ HEAPU32: words, HEAP32: numbers, __PyRuntime: runtime }, python) {
  const within = (address) => address > 1024 && address < 4 * words.length - 1024 && address % 4 === 0;
  const isText = (address) => within(address) && words[(address + TYPE) >> 2] === python.PyUnicode_Type.value;
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
        fits = isText(key) && numbers[(entry >> 2) + 1] === numbers[(key + HASH) >> 2];
        entries++;
      }
    }
    if (fits && entries === count) found.push(at);
  }
  const different = new Set(found);
  if (different.size !== 1) throw new Error(`The table of interned texts was found ${different.size} times.`);
  return found[0];
}
