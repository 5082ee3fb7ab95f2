// What a page's script finds in `js`, because to make Python's proxy of something of the browser's takes as long as what
// is done with it, or longer.

// A listener that hands Python the text of a message and not the event around it: the proxy of that takes as long as all
// that the chat does with the message, and nothing that a browser offers to Python takes an event apart before.

globalThis.textListener = (hear) => ({ data }) => hear(typeof data === "string" ? data : "");

// Argon2id (hash-wasm), which no browser has of its own and only a passphrase needs: Python has no way to import a module
// of JavaScript but by the address of this one.
globalThis.loadArgon2 = () => import(new URL("../@VENDOR@/hash-wasm/argon2.umd.min.js", import.meta.url));

// What reads QR codes where the browser cannot, and only when somebody scans one: a module likewise.
globalThis.loadQrReader = () => import(new URL("../@VENDOR@/qr/decode.js", import.meta.url));

// What is not ours and is loaded when it is needed, such as what colours code: where it is says a token, which only what
// is served as JavaScript can hold.
globalThis.loadVendor = async (name) => {
  const response = await fetch(new URL(`../@VENDOR@/${name}`, import.meta.url));
  if (!response.ok) throw new Error(`The server answered ${response.status}`);
  return response.arrayBuffer();
};

// Seals what is to be kept and puts it into the journal's database, in one transaction; the promise is kept when that is
// complete, or with why nothing of it is. What a record looks like says pychat/browser/ports/journal.py. For Python each nonce, promise, request and
// event was a proxy, which together took longer than the rest of a write. A change is its place, head, segment or nothing,
// and heads that were found, as [run, version], which go if they are still those.
globalThis.putSealed = async (database, key, version, changes) => {
  const seal = async (algorithm, plain) => {
    const nonce = crypto.getRandomValues(new Uint8Array(12));
    return { nonce, data: await crypto.subtle.encrypt({ ...algorithm, iv: nonce }, key, plain) };
  };
  const sealed = await Promise.all(
    changes.flatMap(([place, head, segment]) => [seal(place.head, head), segment && seal(place.segment, segment)]),
  );
  const transaction = database.transaction(["heads", "segments"], "readwrite", { durability: "strict" });
  const heads = transaction.objectStore("heads");
  changes.forEach(([place, , segment, found], i) => {
    heads.put({ version, ...sealed[2 * i] }, place.key);
    if (segment) transaction.objectStore("segments").add({ chat: place.name, ...sealed[2 * i + 1] });
    for (const [run, version] of found) {
      const looking = heads.get([place.name, run]);
      looking.onsuccess = () => looking.result?.version === version && heads.delete([place.name, run]);
    }
  });
  if (!changes.some(([, , , found]) => found.length)) transaction.commit(); // there are no events to wait for
  return new Promise((resolve) => {
    let problem; // of a request; then the transaction is given up, and may not say why
    transaction.onerror = ({ target }) => (problem ??= target.error);
    transaction.onabort = () => resolve(problem ?? transaction.error ?? new DOMException("", "AbortError"));
    transaction.oncomplete = () => resolve();
  });
};
