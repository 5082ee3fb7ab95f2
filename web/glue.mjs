// What a page's script finds as `js.textListener`: a listener that hands Python the text of a message and not the event
// around it. To make Python's proxy of an event takes a browser as long as all that the chat does with the message, and
// nothing that a browser offers to Python takes an event apart before.

globalThis.textListener = (hear) => ({ data }) => hear(typeof data === "string" ? data : "");

// Argon2id (hash-wasm), which no browser has of its own and only a passphrase needs: Python has no way to import a module
// of JavaScript but by the address of this one.
globalThis.loadArgon2 = () => import(new URL("../@VENDOR@/hash-wasm/argon2.umd.min.js", import.meta.url));
