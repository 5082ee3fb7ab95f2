// The alternatives: two peers of a library in one page, set up as its documentation shows it, but that they ask no
// STUN server. Each pair is what sends from one to the other, what hears there, and what ends both.

const config = { iceServers: [] };
const all = (peers, event) => Promise.all(peers.map((peer) => new Promise((resolve) => peer.on(event, resolve))));

const pairs = {
  async "simple-peer"() {
    const [a, b] = [new SimplePeer({ initiator: true, config }), new SimplePeer({ config })];
    a.on("signal", (data) => b.signal(data));
    b.on("signal", (data) => a.signal(data));
    await all([a, b], "connect");
    return {
      send: (text) => a.send(text),
      hear: (handler) => b.on("data", handler),
      close: () => [a, b].forEach((peer) => peer.destroy()),
    };
  },

  async PeerJS(host, port) {
    const [a, b] = [crypto.randomUUID(), crypto.randomUUID()].map((id) => new Peer(id, { host, port, config }));
    await all([a, b], "open");
    const called = new Promise((resolve) => b.on("connection", resolve));
    const left = a.connect(b.id);
    const right = await called;
    await all([left, right], "open");
    return {
      send: (text) => left.send(text),
      hear: (handler) => right.on("data", handler),
      close: () => [a, b].forEach((peer) => peer.destroy()),
    };
  },
};

// Milliseconds until all messages, sent one by one, have arrived. PeerJS is told where its PeerServer is.
globalThis.rivalBurst = async (name, count, ...server) => {
  const { send, hear, close } = await pairs[name](...server);
  const begin = performance.now();
  const arrived = new Promise((resolve) => {
    let received = 0;
    hear(() => ++received === count && resolve());
  });
  for (let i = 0; i < count; i++) send(`message number ${i}`);
  await arrived;
  const took = performance.now() - begin;
  close();
  return took;
};
