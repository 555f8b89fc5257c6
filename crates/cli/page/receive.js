// The receiver's page: sends a camera and a microphone, and shows what goes out.
//
// For scripts that drive the page: window.peerless = { pc, state, role, stats(), start(role), stop() }.

import { Call } from "./call.js";
import { Chart } from "./chart.js";
import { bits, elapsed, millis, part, percent, showNote, showSteps, whole, write } from "./form.js";
import { SentFigures } from "./sent.js";
import { testSource } from "./test_source.js";

const video = part("video");
const chart = new Chart(part("chart"));
const PERIOD = 500;
const CAMERAS = [["", "Default camera"], ["test", "Test picture and tone"], ["none", "No picture"]];
const MICROPHONES = [["", "Default microphone"], ["none", "No sound"]];
const IDLE = { signalling: "new", ice: "new", dtls: "new", connection: "new" };

/** A call that sends the tracks of a stream. */
class SendingCall extends Call {
  constructor(role, stream) {
    super(role);
    this.stream = stream;
  }

  addMedia() {
    for (const track of this.stream.getTracks()) {
      if (!this.pc.getSenders().some((sender) => sender.track === track)) this.pc.addTrack(track, this.stream);
    }
  }
}

let role = new URLSearchParams(location.search).get("role") === "answer" ? "answer" : "offer";
let call = null;
let media = null;
let figures = null;

window.peerless = {
  get pc() { return call?.pc ?? null; },
  get state() { return call?.state ?? null; },
  get role() { return role; },
  stats: () => figures?.read() ?? null,
  start,
  stop: () => stop("stopped here"),
};

async function start(wanted = role) {
  stop("left for another call");
  role = wanted;
  showRole();
  clear("Waiting for the devices", "the browser may ask you for leave");
  part("start").disabled = true;
  try {
    media = await devices();
  } catch (error) {
    part("start").disabled = false;
    return showIdle("Nothing is sent", reason(error));
  }
  await list();
  video.srcObject = media.stream;
  const fresh = new SendingCall(role, media.stream);
  call = fresh;
  figures = new SentFigures(fresh.pc);
  part("stop").disabled = false;
  part("headline").textContent = "Connecting";
  part("detail").textContent = "waiting for the server";
  const current = (listener) => (event) => { if (call === fresh) listener(event.detail); };
  fresh.addEventListener("change", current(showStates));
  fresh.addEventListener("note", current(showNote));
  fresh.addEventListener("end", current(({ reason: why }) => end(why)));
  showStates();
}

function stop(why) {
  call?.close(why);
}

function end(why) {
  media?.stop();
  media = null;
  showStates();
  showIdle("Nothing is sent", why);
}

/* ---- devices ---- */

async function devices() {
  const camera = part("camera").value;
  const microphone = part("microphone").value;
  if (camera === "test") return testSource();
  if (!navigator.mediaDevices) throw new Error("cameras are only given to pages over HTTPS or from localhost: choose the test picture");
  const exact = (id) => (id ? { deviceId: { exact: id } } : true);
  const wish = {
    video: camera === "none" ? false : { ...(exact(camera) === true ? {} : exact(camera)), width: { ideal: 640 }, height: { ideal: 480 } },
    audio: microphone === "none" ? false : exact(microphone),
  };
  if (!wish.video && !wish.audio) throw new Error("without camera and microphone there is nothing to send");
  const stream = await navigator.mediaDevices.getUserMedia(wish);
  return { stream, stop: () => stream.getTracks().forEach((track) => track.stop()) };
}

/** Names are only told once the user has given leave: listed anew then. */
async function list() {
  const all = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
  fill("camera", all.filter(({ kind }) => kind === "videoinput"), CAMERAS);
  fill("microphone", all.filter(({ kind }) => kind === "audioinput"), MICROPHONES);
}

function fill(id, found, fixed) {
  const select = part(id);
  const { value } = select;
  const named = found.filter(({ deviceId, label }) => deviceId && label).map(({ deviceId, label }) => [deviceId, label]);
  select.replaceChildren(...[...fixed, ...named].map(([key, label]) => new Option(label, key)));
  if ([...select.options].some((option) => option.value === value)) select.value = value;
}

function reason(error) {
  const words = { NotAllowedError: "the browser was not given leave", NotFoundError: "there is no such device", NotReadableError: "the device is in use elsewhere" };
  return words[error.name] ?? error.message ?? String(error);
}

/* ---- what is shown ---- */

function showStates() {
  const state = call?.state ?? IDLE;
  showSteps(state);
  if (state.connection === "connected") part("veil").classList.add("gone");
  else if (state.dtls === "connecting") part("detail").textContent = "agreeing on keys";
  else if (state.ice === "checking") part("detail").textContent = "looking for a path";
}

function showIdle(headline, detail) {
  document.body.classList.add("ended");
  part("start").disabled = false;
  part("stop").disabled = true;
  part("veil").classList.remove("gone");
  part("pulse").hidden = true;
  part("headline").textContent = headline;
  part("detail").textContent = detail;
  part("level").style.width = "0";
  video.srcObject = null;
}

function clear(headline, detail) {
  document.body.classList.remove("ended");
  part("veil").classList.remove("gone");
  part("pulse").hidden = false;
  part("headline").textContent = headline;
  part("detail").textContent = detail;
  part("log").replaceChildren();
  part("elapsed").textContent = "";
  for (const place of document.querySelectorAll("dd, #bitrate, #video-codec, #audio-codec")) place.textContent = "–";
  showSteps(IDLE);
  chart.clear();
}

function showRole() {
  for (const button of document.querySelectorAll("[data-role]")) {
    button.setAttribute("aria-pressed", String(button.dataset.role === role));
  }
}

async function tick() {
  const fresh = call;
  if (!fresh || fresh.ended) return;
  const now = await figures.read(true);
  if (call !== fresh || fresh.ended || fresh.pc.connectionState !== "connected") return;
  part("elapsed").textContent = elapsed(performance.now() - fresh.started);
  part("video-codec").textContent = now.video?.codec ?? "–";
  part("audio-codec").textContent = now.audio?.codec ?? "–";
  if (now.video?.width) part("video-size").textContent = `${now.video.width} × ${now.video.height}`;
  write("video-fps", now.video?.fps, whole);
  write("video-bitrate", now.video?.bitrate, bits);
  write("video-encoded", now.video?.framesEncoded, whole);
  write("video-rtt", now.video?.rtt ?? now.audio?.rtt, millis);
  write("video-loss", now.video?.lossRatio, percent);
  write("audio-bitrate", now.audio?.bitrate, bits);
  write("audio-jitter", now.audio?.jitter, millis);
  write("audio-loss", now.audio?.lossRatio, percent);
  part("level").style.width = `${Math.min(100, Math.sqrt(now.audio?.level ?? 0) * 130)}%`;
  write("bitrate", now.bitrate, bits);
  if (now.bitrate !== null) chart.push(now.bitrate);
}

/* ---- buttons ---- */

for (const button of document.querySelectorAll("[data-role]")) {
  button.onclick = () => {
    role = button.dataset.role;
    showRole();
    if (call && !call.ended) start(role);
  };
}
part("start").onclick = () => start();
part("stop").onclick = () => stop("stopped here");
navigator.mediaDevices?.addEventListener?.("devicechange", () => list());
window.addEventListener("pagehide", () => stop("left the page"));

setInterval(tick, PERIOD);
showRole();
fill("camera", [], CAMERAS);
fill("microphone", [], MICROPHONES);
list();
