// One call: a socket for signalling, a peer connection, and what goes between them.
//
// Fires "change" when a state changes, "note" with { text, bad } when something is worth telling, "track" with a
// MediaStreamTrack, and "end" with { reason, bad } once, when the call is over from either side.

export class Call extends EventTarget {
  constructor(role) {
    super();
    this.role = role;
    this.ended = null;
    this.started = performance.now();
    // Bundling is left to the browser's default: with max-bundle Chromium cannot take an answer that rejects its first section.
    this.pc = new RTCPeerConnection();
    this.socket = new WebSocket(address(role));
    this.signalling = "connecting";
    this.dtls = "new";
    this.toldEnd = false;
    this.work = Promise.resolve();
    this.watchSocket();
    this.watchConnection();
  }

  /** The states as the standard words them. */
  get state() {
    return {
      signalling: this.signalling,
      gathering: this.pc.iceGatheringState,
      ice: this.pc.iceConnectionState,
      dtls: this.dtls,
      connection: this.pc.connectionState,
      ended: this.ended,
    };
  }

  close(reason = "closed here") {
    this.finish(reason, false);
  }

  watchSocket() {
    const { socket } = this;
    socket.onopen = () => {
      this.signalling = "open";
      this.note("signalling open");
      this.changed();
      if (this.role === "offer") this.enqueue(() => this.offer());
    };
    socket.onmessage = (event) => this.enqueue(() => this.take(event.data));
    socket.onclose = () => {
      const opened = this.signalling === "open";
      this.signalling = "closed";
      this.changed();
      const reason = opened ? "the server closed the connection" : "the server does not answer";
      // The server's goodbye by DTLS may still be on its way to us; it tells more than a closed socket does.
      setTimeout(() => this.finish(reason, true), this.dtls === "connected" ? 300 : 0);
    };
  }

  watchConnection() {
    const { pc } = this;
    pc.onicecandidate = ({ candidate }) => this.sendCandidate(candidate);
    pc.oniceconnectionstatechange = () => {
      this.noteState("ICE", pc.iceConnectionState);
      this.changed();
    };
    pc.onicegatheringstatechange = () => this.changed();
    pc.onconnectionstatechange = () => {
      const state = pc.connectionState;
      this.noteState("connection", state);
      this.changed();
      if (state === "failed") this.finish("the connection failed", true);
      if (state === "closed") this.finish("the server closed the connection", true);
    };
    pc.ontrack = ({ track, receiver }) => {
      this.note(`${track.kind} track`);
      this.watchTransport(receiver.transport);
      this.dispatchEvent(new CustomEvent("track", { detail: track }));
    };
  }

  /** Once descriptions are exchanged all sections in use share one transport. */
  watchTransports() {
    for (const { currentDirection, sender, receiver } of this.pc.getTransceivers()) {
      if (currentDirection?.includes("recv")) this.watchTransport(receiver.transport);
      else if (currentDirection === "sendonly") this.watchTransport(sender.transport);
    }
  }

  /** What goes into the descriptions: here, to receive both kinds. */
  addMedia() {
    if (this.role !== "offer") return;
    this.pc.addTransceiver("video", { direction: "recvonly" });
    this.pc.addTransceiver("audio", { direction: "recvonly" });
  }

  /** The server's close_notify shows here first: browsers tell it of the DTLS transport, not always of the connection. */
  watchTransport(transport) {
    if (!transport || transport === this.transport) return;
    this.transport = transport;
    const look = () => {
      if (transport !== this.transport || transport.state === this.dtls || this.ended) return;
      this.dtls = transport.state;
      this.noteState("DTLS", transport.state);
      this.changed();
      if (transport.state === "closed") this.finish("the server closed the connection", true);
    };
    transport.addEventListener("statechange", look);
    look();
  }

  /** Messages are worked off one after the other: a candidate waits for its description. */
  enqueue(step) {
    this.work = this.work.then(() => (this.ended ? undefined : step())).catch((error) => {
      if (!this.ended) this.note(error.message ?? String(error), true);
    });
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  async offer() {
    const { pc } = this;
    this.addMedia();
    await pc.setLocalDescription();
    this.send(pc.localDescription);
    this.note("offer sent");
  }

  async take(text) {
    const { pc } = this;
    const message = JSON.parse(text);
    if (message.candidate !== undefined) {
      await pc.addIceCandidate(message);
      return;
    }
    await pc.setRemoteDescription(message);
    this.note(`${message.type} received`);
    this.watchTransports();
    if (message.type === "offer") {
      this.addMedia();
      await pc.setLocalDescription();
      this.send(pc.localDescription);
      this.note("answer sent");
      this.watchTransports();
    }
  }

  /** Chromium ends with null, Firefox with an empty candidate and null; the server is told once. */
  sendCandidate(candidate) {
    if (candidate?.candidate) {
      this.toldEnd = false;
      this.send(candidate);
    } else if (!this.toldEnd) {
      this.toldEnd = true;
      const mid = candidate?.sdpMid ?? this.pc.getTransceivers().find((one) => one.mid !== null)?.mid ?? "0";
      this.send({ candidate: "", sdpMid: mid, sdpMLineIndex: candidate?.sdpMLineIndex ?? 0 });
    }
  }

  finish(reason, bad) {
    if (this.ended) return;
    this.ended = reason;
    this.pc.close();
    this.socket.close();
    this.signalling = "closed";
    this.dtls = "closed";
    this.note(reason, bad);
    this.changed();
    this.dispatchEvent(new CustomEvent("end", { detail: { reason, bad } }));
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** What passes by on the way is shown as a state, but not told. */
  noteState(what, state) {
    if (!["new", "checking", "connecting"].includes(state)) this.note(`${what} ${state}`, state === "failed");
  }

  note(text, bad = false) {
    const at = performance.now() - this.started;
    this.dispatchEvent(new CustomEvent("note", { detail: { text, bad, at } }));
  }
}

function address(role) {
  const url = new URL("ws", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.search = role === "offer" ? "?role=offer" : "";
  return url.href;
}
