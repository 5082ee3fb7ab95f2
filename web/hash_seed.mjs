// Gives Python a hash seed of its own, after its memory was restored. Python draws one when it starts, so that nobody
// can choose texts which all fall into the same place of a dict and make it slow; in a memory that everybody has it
// would be known. A new one makes every table of hashes wrong, so all are made anew: at build time the hashes in objects
// are forgotten and the tables found (forget_hashes.mjs), here the tables are filled again.
//
// The layouts are those of CPython 3.14 with pointers of 32 bits: Include/internal/pycore_dict.h,
// Include/cpython/setobject.h, Include/internal/pycore_hashtable.h. Each works on 32-bit words; an address is in bytes.

const PERTURB = 5; // Objects/dictobject.c and Objects/setobject.c, PERTURB_SHIFT
const PROBES = 9; // Objects/setobject.c, LINEAR_PROBES
const EMPTY = -1; // Objects/dictobject.c, DKIX_EMPTY

// A table of a dict: where its indices are, and its entries, each of which begins with the hash, but in one that has
// only texts as keys, or that instances share.
export function dictTable({ HEAPU8, HEAPU32, HEAP8, HEAP16, HEAP32 }, at) {
  const [log2size, log2bytes, kind] = HEAPU8.subarray(at + 4, at + 7);
  const count = HEAPU32[(at + 16) >> 2];
  const start = at + 20;
  const [view, shift] = log2size < 8 ? [HEAP8, 0] : log2size < 16 ? [HEAP16, 1] : [HEAP32, 2];
  const indices = view.subarray(start >> shift, (start >> shift) + 2 ** log2size);
  const words = kind === 0 ? 3 : 2;
  const first = (start + 2 ** log2bytes) >> 2;
  const keyAt = (i) => first + i * words + (kind === 0 ? 1 : 0);
  return { log2size, log2bytes, kind, count, indices, keyAt };
}

function fillDict(module, at) {
  const { kind, count, indices, keyAt } = dictTable(module, at);
  const { HEAPU32, HEAP32 } = module;
  const mask = indices.length - 1;
  indices.fill(EMPTY);
  for (let i = 0; i < count; i++) {
    const key = HEAPU32[keyAt(i)];
    if (!key) continue; // it was deleted
    const hash = module._PyObject_Hash(key);
    if (kind === 0) HEAP32[keyAt(i) - 1] = hash;
    let perturb = hash >>> 0;
    let place = perturb & mask;
    while (indices[place] !== EMPTY) {
      perturb >>>= PERTURB;
      place = (Math.imul(place, 5) + perturb + 1) & mask;
    }
    indices[place] = i;
  }
}

export const setEntries = ({ HEAPU32 }, at) => ({ mask: HEAPU32[(at + 16) >> 2], table: HEAPU32[(at + 20) >> 2] >> 2 });

function fillSet(module, at) {
  const { HEAPU32, HEAP32 } = module;
  const { mask, table } = setEntries(module, at);
  const keys = [];
  for (let i = 0; i <= mask; i++) {
    const key = HEAPU32[table + 2 * i];
    if (key && HEAP32[table + 2 * i + 1] !== -1) keys.push(key); // -1 is where one was deleted
  }
  HEAPU32.fill(0, table, table + 2 * (mask + 1));
  HEAPU32[(at + 8) >> 2] = keys.length;
  for (const key of keys) {
    const hash = module._PyObject_Hash(key);
    const place = freePlace(HEAPU32, table, mask, hash >>> 0);
    HEAPU32[place] = key;
    HEAP32[place + 1] = hash;
  }
}

function freePlace(words, table, mask, hash) {
  let perturb = hash;
  for (let i = hash & mask; ; i = (Math.imul(i, 5) + 1 + perturb) & mask) {
    const last = i + PROBES <= mask ? i + PROBES : i;
    for (let place = i; place <= last; place++) if (!words[table + 2 * place]) return table + 2 * place;
    perturb >>>= PERTURB;
  }
}

// The table of the texts that are part of the program: chains of entries, each a link, the hash, the key and the value.
function fillInterned(module, at) {
  const { HEAPU32, HEAP32 } = module;
  const buckets = HEAPU32[(at + 8) >> 2] >> 2;
  const size = HEAPU32[(at + 4) >> 2];
  const entries = [];
  for (let i = 0; i < size; i++) {
    for (let entry = HEAPU32[buckets + i]; entry; entry = HEAPU32[entry >> 2]) entries.push(entry);
  }
  HEAPU32.fill(0, buckets, buckets + size);
  for (const entry of entries) {
    const hash = module._PyObject_Hash(HEAPU32[(entry >> 2) + 2]);
    const bucket = buckets + (hash & (size - 1));
    HEAP32[(entry >> 2) + 1] = hash;
    HEAPU32[entry >> 2] = HEAPU32[bucket];
    HEAPU32[bucket] = entry;
  }
}

const SECRET_BYTES = 24; // Include/cpython/pyhash.h, _Py_HashSecret_t

// Fills all tables; `simple` ones have only texts as keys, and come first: to hash other keys takes Python, which needs
// them.
export function renew(module, { secret, interned, simple, others, sets }) {
  crypto.getRandomValues(module.HEAPU8.subarray(secret, secret + SECRET_BYTES));
  fillInterned(module, interned);
  for (const at of simple) fillDict(module, at);
  for (const at of others) fillDict(module, at);
  for (const at of sets) fillSet(module, at);
}
