// The page: shows a call, its states and its figures, and lets one choose who offers.
//
// For scripts that drive the page: window.peerless = { pc, state, role, stats(), reconnect(role) }.

import { Call } from "./call.js";
import { Chart } from "./chart.js";
import { Figures } from "./figures.js";
import { bits, elapsed, millis, part, percent, showNote, showSteps, write } from "./form.js";

const video = part("video");
const chart = new Chart(part("chart"));
const PERIOD = 500;

let call = null;
let figures = null;
let timer = null;

window.peerless = {
  get pc() { return call?.pc ?? null; },
  get state() { return call?.state ?? null; },
  get role() { return call?.role ?? null; },
  stats: () => figures.read(),
  reconnect: (role) => connect(role ?? call.role),
};

function connect(role) {
  call?.close("left for another call");
  clearInterval(timer);
  const fresh = new Call(role);
  call = fresh;
  figures = new Figures(fresh.pc);
  clear(role);
  const current = (listener) => (event) => { if (call === fresh) listener(event.detail); };
  fresh.addEventListener("change", current(() => showStates()));
  fresh.addEventListener("note", current(showNote));
  fresh.addEventListener("track", current(showTrack));
  fresh.addEventListener("end", current(showEnd));
  timer = setInterval(tick, PERIOD);
  showStates();
}

/* ---- the picture and the sound ---- */

function showTrack(track) {
  if (!(video.srcObject instanceof MediaStream)) video.srcObject = new MediaStream();
  video.srcObject.addTrack(track);
  if (track.kind === "audio") part("mute").hidden = false;
  if (track.kind === "video") firstPicture();
  else if (call.pc.getTransceivers().every(({ receiver }) => receiver.track.kind !== "video")) liftVeil();
  play();
}

/** With sound where the browser lets us; else muted, and a button asks for the click that it wants. */
async function play() {
  try {
    await video.play();
  } catch (error) {
    if (error.name !== "NotAllowedError") return;
    setMuted(true);
    part("sound").hidden = false;
    video.play().catch(() => {});
  }
}

function hear(sound) {
  setMuted(!sound);
  if (sound) play();
}

function setMuted(muted) {
  video.muted = muted;
  part("sound").hidden = true;
  const button = part("mute");
  button.innerHTML = muted ? SILENT : LOUD;
  button.ariaLabel = button.title = muted ? "Sound on" : "Mute";
}

function firstPicture() {
  const fresh = call;
  const seen = () => {
    if (call !== fresh || fresh.ended) return;
    const at = performance.now() - fresh.started;
    showNote({ text: "first picture", at });
    liftVeil();
  };
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(seen);
  else video.addEventListener("loadeddata", seen, { once: true });
}

function liftVeil() {
  part("veil").classList.add("gone");
}

/* ---- states ---- */

function showStates() {
  const { state } = call;
  showSteps(state);
  const { ice, dtls, connection, signalling } = state;
  if (connection === "connected") part("detail").textContent = "waiting for the first picture";
  else if (dtls === "connecting") part("detail").textContent = "agreeing on keys";
  else if (ice === "checking") part("detail").textContent = "looking for a path";
  else if (signalling === "open") part("detail").textContent = "exchanging descriptions";
}

new ResizeObserver(([{ target }]) => { target.scrollTop = target.scrollHeight; }).observe(part("log"));

function showEnd({ reason }) {
  clearInterval(timer);
  document.body.classList.add("ended");
  part("veil").classList.remove("gone");
  part("pulse").hidden = true;
  part("again").hidden = false;
  part("sound").hidden = true;
  part("mute").hidden = true;
  part("headline").textContent = "Not connected";
  part("detail").textContent = reason;
  part("level").style.width = "0";
  write("bitrate", null);
}

function clear(role) {
  document.body.classList.remove("ended");
  video.srcObject = null;
  part("veil").classList.remove("gone");
  part("pulse").hidden = false;
  part("again").hidden = true;
  part("sound").hidden = true;
  part("mute").hidden = true;
  part("headline").textContent = "Connecting";
  part("detail").textContent = "waiting for the server";
  part("log").replaceChildren();
  part("level").style.width = "0";
  for (const place of document.querySelectorAll("dd, #bitrate, #video-codec, #audio-codec, #rtt")) place.textContent = "–";
  part("elapsed").textContent = "";
  chart.clear();
  for (const button of document.querySelectorAll("[data-role]")) {
    button.setAttribute("aria-pressed", String(button.dataset.role === role));
  }
}

/* ---- figures ---- */

async function tick() {
  const fresh = call;
  const now = await figures.read(true);
  if (call !== fresh || fresh.ended) return;
  if (fresh.pc.connectionState === "connected") part("elapsed").textContent = elapsed(performance.now() - fresh.started);
  showVideo(now.video);
  showAudio(now.audio);
  showPath(now.pair, now.transport);
  write("bitrate", now.bitrate, bits);
  if (now.bitrate !== null && fresh.pc.connectionState === "connected") chart.push(now.bitrate);
}

function showVideo(one) {
  if (!one) return;
  if (one.codec) part("video-codec").textContent = one.codec;
  if (one.width) part("video-size").textContent = `${one.width} × ${one.height}`;
  write("video-fps", one.fps, (value) => [Math.round(value), ""]);
  write("video-bitrate", one.bitrate, bits);
  part("video-decoded").textContent = one.framesDecoded.toLocaleString("en");
  write("video-jitter", one.jitter, millis);
  write("video-loss", one.lossRatio, percent);
}

function showAudio(one) {
  if (!one) return;
  const rate = one.clockRate ? ` · ${one.clockRate / 1000} kHz` : "";
  if (one.codec) part("audio-codec").textContent = `${one.codec}${one.codec.toUpperCase() === "G722" ? " · 16 kHz" : rate}`;
  write("audio-bitrate", one.bitrate, bits);
  write("audio-jitter", one.jitter, millis);
  write("audio-loss", one.lossRatio, percent);
  part("level").style.width = `${Math.min(100, Math.sqrt(one.level ?? 0) * 130)}%`;
}

function showPath(pair, transport) {
  if (pair) {
    write("rtt", pair.rtt, (value) => [value * 1000 < 1 ? "< 1" : Math.round(value * 1000), "ms round trip"]);
    part("pair-local").textContent = candidate(pair.local);
    part("pair-remote").textContent = candidate(pair.remote);
  }
  if (transport?.dtlsVersion) {
    part("handshake").textContent = [transport.dtlsVersion, transport.dtlsCipher].filter(Boolean).join(" · ");
  } else if (transport?.dtlsCipher) {
    part("handshake").textContent = transport.dtlsCipher;
  }
  if (transport?.srtpCipher) part("protection").textContent = transport.srtpCipher;
}

function candidate(one) {
  if (!one) return "–";
  return `${host(one.address)}:${one.port ?? "?"} · ${one.kind} · ${one.protocol}`;
}

/** Browsers hide their addresses in different ways: leave it out, "(redacted)", a name for this call only. */
function host(address) {
  if (!address || address.startsWith("(")) return "hidden";
  if (address.endsWith(".local")) return `${address.slice(0, 8)}….local`;
  return address.includes(":") ? `[${address}]` : address;
}

/* ---- buttons ---- */

const icon = (path) =>
  `<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="${path}" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round" stroke-linecap="round"/></svg>`;
const LOUD = icon("M4 9.5v5h3.5l5 4v-13l-5 4zM15.5 8.5a5 5 0 0 1 0 7M18 6a8.5 8.5 0 0 1 0 12");
const SILENT = icon("M4 9.5v5h3.5l5 4v-13l-5 4zM16 9.5l5 5M21 9.5l-5 5");

for (const button of document.querySelectorAll("[data-role]")) {
  button.onclick = () => {
    history.replaceState(null, "", button.dataset.role === "offer" ? "?role=offer" : location.pathname);
    connect(button.dataset.role);
  };
}
part("reconnect").onclick = part("again").onclick = () => connect(call.role);
part("sound").onclick = () => hear(true);
part("mute").onclick = () => hear(video.muted);
window.addEventListener("pagehide", () => call?.close());

setMuted(false);
connect(new URLSearchParams(location.search).get("role") === "offer" ? "offer" : "answer");
