//! What the tests ask the demo's page: small scripts, each the body of an async function that returns JSON.

/// What the page's connection counts, with the codecs' names.
pub const FIGURES: &str = r#"
const pc = window.peerless.pc;
const report = await pc.getStats();
const all = [...report.values()];
const inbound = kind => all.find(s => s.type === 'inbound-rtp' && s.kind === kind) ?? {};
const codec = s => report.get(s.codecId)?.mimeType ?? '';
const video = inbound('video'), audio = inbound('audio');
const transport = all.find(s => s.type === 'transport') ?? {};
return {
  connection: pc.connectionState,
  frames: video.framesDecoded ?? 0, width: video.frameWidth ?? 0, height: video.frameHeight ?? 0,
  videoCodec: codec(video), keyFrames: video.keyFramesDecoded ?? 0, videoLost: video.packetsLost ?? 0,
  audioCodec: codec(audio), audioPackets: audio.packetsReceived ?? 0, energy: audio.totalAudioEnergy ?? 0,
  dtls: transport.tlsVersion ?? '', srtp: transport.srtpCipher ?? '', dtlsCipher: transport.dtlsCipher ?? '',
};
"#;

/// Draws the video on a canvas and gives, for each position in `points` ([x, y] as shares of the size), its colour
/// [r, g, b] averaged over 5 by 5 pixels, and a sum over all pixels by which two pictures differ.
pub fn picture(points: &[(f64, f64)]) -> String {
    let points: Vec<[f64; 2]> = points.iter().map(|&(x, y)| [x, y]).collect();
    let points = serde_json::json!(points);
    format!(
        r#"
const video = document.querySelector('video');
const canvas = Object.assign(document.createElement('canvas'), {{ width: video.videoWidth, height: video.videoHeight }});
const context = canvas.getContext('2d', {{ willReadFrequently: true }});
context.drawImage(video, 0, 0);
const average = ([x, y]) => {{
  const area = context.getImageData(Math.round(x * canvas.width) - 2, Math.round(y * canvas.height) - 2, 5, 5).data;
  const sum = [0, 0, 0];
  for (let i = 0; i < area.length; i += 4) for (let c = 0; c < 3; c++) sum[c] += area[i + c];
  return sum.map(v => v / 25);
}};
const whole = context.getImageData(0, 0, canvas.width, canvas.height).data;
let hash = 0;
for (let i = 0; i < whole.length; i += 4) hash = (hash * 31 + whole[i]) >>> 0;
return {{ colours: {points}.map(average), hash, width: canvas.width, height: canvas.height }};
"#
    )
}

/// The strongest frequency in the sound (Hz) and its level (dB), by WebAudio; needs a browser whose AudioContext runs
/// without a sound device (Chromium).
pub const LOUDEST: &str = r#"
const stream = document.querySelector('video').srcObject;
if (!stream?.getAudioTracks().length) return null;
window.ears ??= (() => {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 });
  context.createMediaStreamSource(stream).connect(analyser);
  return { context, analyser };
})();
const { context, analyser } = window.ears;
if (context.state !== 'running') await context.resume();
const bins = new Float32Array(analyser.frequencyBinCount);
analyser.getFloatFrequencyData(bins);
let best = 0;
for (let i = 1; i < bins.length; i++) if (bins[i] > bins[best]) best = i;
const level = bins[best];
return Number.isFinite(level) && level > -60
  ? { hertz: best * context.sampleRate / analyser.fftSize, level } : null;
"#;

/// Remembers when the page sees its connection end; asked afterwards with [`ENDED`].
pub const WATCH_END: &str = r#"
const { pc } = window.peerless;
window.endedAt = null;
const look = setInterval(() => {
  if (window.peerless.state.ended === null && pc.connectionState !== 'closed') return;
  window.endedAt = Date.now();
  clearInterval(look);
}, 20);
return true;
"#;

/// When the connection's DTLS transport or the connection itself was seen to end (ms since 1970), else null.
pub const ENDED: &str = "return window.endedAt;";
