// The alternative: two RTCPeerConnections in one page with nothing but JavaScript between them.

async function gathered(pc) {
  if (pc.iceGatheringState === "complete") return;
  await new Promise((resolve) => {
    pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && resolve();
  });
}

async function pair() {
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  const [left, right] = [a, b].map((pc) => pc.createDataChannel("chat", { negotiated: true, id: 0 }));
  await a.setLocalDescription();
  await gathered(a);
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription();
  await gathered(b);
  const open = Promise.all([left, right].map((channel) => new Promise((resolve) => (channel.onopen = resolve))));
  const begin = performance.now();
  await a.setRemoteDescription(b.localDescription);
  await open;
  return { left, right, took: performance.now() - begin, close: () => [a, b].forEach((pc) => pc.close()) };
}

// A member of a room of our relay, whose signaling is plain JSON. Whoever finds somebody there makes the offer. Returns
// what ends it.
function member(url, room, { joined, opened }) {
  const name = () => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
  const id = name().replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const socket = new WebSocket(url, "pychat.relay.1");
  let pc;
  function connect(other) {
    const say = (what) => socket.send(`1 ${JSON.stringify(["to", other, JSON.stringify(what)])}`);
    pc = new RTCPeerConnection();
    pc.createDataChannel("chat", { negotiated: true, id: 0 }).onopen = opened;
    pc.onicecandidate = ({ candidate }) => candidate && say({ candidate });
    return async (description) => {
      if (description) await pc.setRemoteDescription(description);
      if (description?.type === "answer") return;
      await pc.setLocalDescription();
      say({ description: pc.localDescription });
    };
  }
  let describe;
  socket.onopen = () => socket.send(`1 ${JSON.stringify(["join", room, id])}`);
  socket.onmessage = ({ data }) => {
    const [kind, what, text] = JSON.parse(data.slice(2));
    if (kind === "joined") {
      joined();
      if (what.length) (describe = connect(what[0]))();
    } else if (kind === "from") {
      const { description, candidate } = JSON.parse(text);
      describe ??= connect(what);
      if (description) describe(description);
      else pc.addIceCandidate(candidate);
    }
  };
  return () => {
    pc?.close();
    socket.close();
  };
}

let leave = () => {};

globalThis.bare = {
  pair,

  // Waits in a room; resolved when the relay has us in it.
  wait(url, room) {
    return new Promise((joined) => (leave = member(url, room, { joined, opened() {} })));
  },

  leave() {
    leave();
  },

  // Milliseconds from entering a room to the channel being open.
  async enter(url, room) {
    const begin = performance.now();
    await new Promise((opened) => (leave = member(url, room, { joined() {}, opened })));
    return performance.now() - begin;
  },

  // Milliseconds from giving the last description to both channels being open.
  async connect() {
    const { took, close } = await pair();
    close();
    return took;
  },

  // Milliseconds of each round trip.
  async echo(count) {
    const { left, right, close } = await pair();
    right.onmessage = ({ data }) => right.send(data);
    const times = [];
    for (let i = 0; i < count; i++) {
      const begin = performance.now();
      await new Promise((resolve) => {
        left.onmessage = resolve;
        left.send(`message number ${i}`);
      });
      times.push(performance.now() - begin);
    }
    close();
    return times;
  },

  // Milliseconds until all messages, sent one by one, have arrived.
  async burst(count) {
    const { left, right, close } = await pair();
    const begin = performance.now();
    const arrived = new Promise((resolve) => {
      let received = 0;
      right.onmessage = () => ++received === count && resolve();
    });
    for (let i = 0; i < count; i++) left.send(`message number ${i}`);
    await arrived;
    const took = performance.now() - begin;
    close();
    return took;
  },

  // Takes the offer of a native peer that measures, and answers it as tests/bench/native.py does; returns the answer.
  async answer(offer, count) {
    const pc = new RTCPeerConnection();
    const channel = pc.createDataChannel("chat", { negotiated: true, id: 0 });
    let received = 0;
    let echoes = true;
    channel.onmessage = ({ data }) => {
      if (!echoes) {
        if (++received === count) channel.send("all is here");
      } else if (data === "now the burst") {
        echoes = false;
      } else {
        channel.send(data);
      }
    };
    await pc.setRemoteDescription(offer);
    await pc.setLocalDescription();
    await gathered(pc);
    return { type: pc.localDescription.type, sdp: pc.localDescription.sdp };
  },
};
