// The echo's page: sends a picture, a sound and messages, and shows what comes back.
//
// For scripts that drive the page: window.peerless = { pc, channel, state, counts, stats(), reconnect(source) }.

import { Chart } from "./chart.js";
import { Figures } from "./figures.js";
import { bits, elapsed, millis, part, percent, showNote, showSteps, whole, write } from "./form.js";
import { testSource } from "./test_source.js";

const video = part("video");
const own = part("own");
const chart = new Chart(part("chart"));
const PERIOD = 500;

let call = null;

window.peerless = {
  get pc() { return call?.pc ?? null; },
  get channel() { return call?.channel ?? null; },
  get state() { return call?.state ?? null; },
  get counts() { return call?.counts ?? null; },
  stats: () => call.figures.read(),
  reconnect: (source) => connect(source ?? call.source),
};

class EchoCall {
  constructor(source) {
    this.source = source;
    this.started = performance.now();
    this.ended = null;
    this.signalling = "new";
    this.counts = { sent: 0, returned: 0, different: 0 };
    this.waiting = [];
    this.pc = new RTCPeerConnection();
    this.figures = new Figures(this.pc);
    this.channel = this.pc.createDataChannel("echo");
    this.watch();
  }

  get state() {
    return {
      signalling: this.signalling,
      ice: this.pc.iceConnectionState,
      dtls: this.pc.sctp?.transport?.state ?? "new",
      channel: this.channel.readyState,
      connection: this.pc.connectionState,
      ended: this.ended,
    };
  }

  watch() {
    const { pc, channel } = this;
    pc.oniceconnectionstatechange = () => this.tell(`ICE ${pc.iceConnectionState}`);
    pc.onconnectionstatechange = () => {
      this.tell(`connection ${pc.connectionState}`, pc.connectionState === "failed");
      if (pc.connectionState === "connected") pc.sctp?.transport?.addEventListener("statechange", () => {
        if (pc.sctp.transport.state === "closed") this.finish("the echo closed the connection");
      });
      if (["failed", "closed"].includes(pc.connectionState)) this.finish(`the connection ${pc.connectionState}`);
    };
    pc.ontrack = ({ track }) => {
      this.tell(`${track.kind} comes back`);
      if (call !== this) return;
      if (!(video.srcObject instanceof MediaStream)) video.srcObject = new MediaStream();
      video.srcObject.addTrack(track);
      video.play().catch(() => {});
    };
    channel.onopen = () => this.tell("channel open");
    channel.onclose = () => {
      this.tell("channel closed");
      if (!this.ended) this.finish("the echo closed the channel");
    };
    channel.onmessage = ({ data }) => this.take(data);
  }

  async run() {
    const { pc } = this;
    const media = this.source === "camera" ? await camera() : testSource();
    if (this.ended) return media.stop();
    this.media = media;
    own.srcObject = media.stream;
    for (const track of media.stream.getTracks()) pc.addTrack(track, media.stream);
    await pc.setLocalDescription();
    await gathered(pc);
    this.signalling = "connecting";
    this.tell("offer posted");
    const response = await fetch("offer", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(pc.localDescription),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error ?? `the echo says ${response.status}`);
    await pc.setRemoteDescription(answer);
    this.signalling = "stable";
    this.tell("answer received");
  }

  send(text) {
    if (this.channel.readyState !== "open") return;
    this.channel.send(text);
    this.waiting.push({ text, at: performance.now() });
    this.counts.sent += 1;
  }

  take(data) {
    const first = this.waiting.shift();
    this.counts.returned += 1;
    if (first?.text !== data) this.counts.different += 1;
    if (first) this.roundTrip = (performance.now() - first.at) / 1000;
    if (!String(data).startsWith("ping ")) this.tell(`“${data}” came back`);
  }

  finish(reason) {
    if (this.ended) return;
    this.ended = reason;
    this.pc.close();
    this.media?.stop();
    this.tell(reason, true);
    if (call === this) showEnd(reason);
  }

  tell(text, bad = false) {
    if (call !== this) return;
    showNote({ text, bad, at: performance.now() - this.started });
    showSteps(this.state);
  }
}

function connect(source) {
  call?.finish("left for another call");
  clear(source);
  const fresh = new EchoCall(source);
  call = fresh;
  showSteps(fresh.state);
  fresh.run().catch((error) => fresh.finish(error.message ?? String(error)));
}

async function camera() {
  if (!navigator.mediaDevices) throw new Error("cameras are only given to pages over HTTPS or from localhost");
  const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
  return { stream, stop: () => stream.getTracks().forEach((track) => track.stop()) };
}

function gathered(pc) {
  return new Promise((done) => {
    const look = () => { if (pc.iceGatheringState === "complete") done(); };
    pc.addEventListener("icegatheringstatechange", look);
    look();
    setTimeout(done, 3000);
  });
}

function showEnd(reason) {
  document.body.classList.add("ended");
  part("veil").classList.remove("gone");
  part("pulse").hidden = true;
  part("again").hidden = false;
  part("headline").textContent = "Not connected";
  part("detail").textContent = reason;
}

function clear(source) {
  document.body.classList.remove("ended");
  video.srcObject = null;
  part("veil").classList.remove("gone");
  part("pulse").hidden = false;
  part("again").hidden = true;
  part("headline").textContent = "Connecting";
  part("detail").textContent = source === "camera" ? "waiting for the camera" : "gathering candidates";
  part("log").replaceChildren();
  for (const place of document.querySelectorAll("dd, #bitrate, #video-codec, #audio-codec, #channel-rtt")) place.textContent = "–";
  chart.clear();
  for (const button of document.querySelectorAll("[data-source]")) {
    button.setAttribute("aria-pressed", String(button.dataset.source === source));
  }
}

async function tick() {
  const fresh = call;
  if (!fresh || fresh.ended) return;
  fresh.send(`ping ${Math.round(performance.now())}`);
  const now = await fresh.figures.read(true);
  if (call !== fresh || fresh.ended) return;
  showSteps(fresh.state);
  if (fresh.pc.connectionState === "connected") part("elapsed").textContent = elapsed(performance.now() - fresh.started);
  if (now.video?.framesDecoded > 0) part("veil").classList.add("gone");
  part("video-codec").textContent = now.video?.codec ?? "–";
  part("audio-codec").textContent = now.audio?.codec ?? "–";
  if (now.video?.width) part("video-size").textContent = `${now.video.width} × ${now.video.height}`;
  write("video-fps", now.video?.fps, whole);
  write("video-loss", now.video?.lossRatio, percent);
  write("audio-bitrate", now.audio?.bitrate, bits);
  write("audio-jitter", now.audio?.jitter, millis);
  write("audio-loss", now.audio?.lossRatio, percent);
  part("level").style.width = `${Math.min(100, Math.sqrt(now.audio?.level ?? 0) * 130)}%`;
  write("channel-rtt", fresh.roundTrip, (value) => [(value * 1000).toFixed(1), "ms there and back"]);
  for (const name of ["sent", "returned", "different"]) write(name, fresh.counts[name], whole);
  write("bitrate", now.bitrate, bits);
  if (now.bitrate !== null && fresh.pc.connectionState === "connected") chart.push(now.bitrate);
}

for (const button of document.querySelectorAll("[data-source]")) {
  button.onclick = () => connect(button.dataset.source);
}
part("reconnect").onclick = part("again").onclick = () => connect(call.source);
part("entry").onsubmit = (event) => {
  event.preventDefault();
  const { value } = part("text");
  if (value) call.send(value);
  part("text").value = "";
};
window.addEventListener("pagehide", () => call?.finish("left the page"));

setInterval(tick, PERIOD);
connect(new URLSearchParams(location.search).get("source") === "camera" ? "camera" : "test");
