// A picture and a tone for those without camera and microphone: bars that move, and 440 Hz.

export function testSource(size = [640, 480]) {
  const canvas = Object.assign(document.createElement("canvas"), { width: size[0], height: size[1] });
  const pen = canvas.getContext("2d");
  let number = 0;
  const draw = () => {
    const { width, height } = canvas;
    COLOURS.forEach((colour, index) => {
      pen.fillStyle = colour;
      pen.fillRect((index * width) / COLOURS.length, 0, width / COLOURS.length + 1, height);
    });
    pen.fillStyle = "#0f1422";
    pen.fillRect(0, height * 0.66, width, height);
    const turn = (number / 90) * Math.PI * 2;
    pen.fillStyle = "#5fd6b4";
    pen.beginPath();
    pen.arc(width * (0.5 + 0.4 * Math.sin(turn)), height * 0.83, height * 0.08, 0, Math.PI * 2);
    pen.fill();
    number += 1;
  };
  draw();
  const timer = setInterval(draw, 1000 / 30);
  const stream = canvas.captureStream(30);
  const sound = tone();
  if (sound) stream.addTrack(sound.track);
  return {
    stream,
    stop() {
      clearInterval(timer);
      stream.getTracks().forEach((track) => track.stop());
      sound?.context.close();
    },
  };
}

/** Browsers may keep a tone back until the page was clicked; the picture goes without it then. */
function tone() {
  try {
    const context = new AudioContext();
    const oscillator = new OscillatorNode(context, { frequency: 440 });
    const gain = new GainNode(context, { gain: 0.2 });
    const destination = context.createMediaStreamDestination();
    oscillator.connect(gain).connect(destination);
    oscillator.start();
    context.resume().catch(() => {});
    return { context, track: destination.stream.getAudioTracks()[0] };
  } catch {
    return null;
  }
}

const COLOURS = ["#bfbfbf", "#bfbf00", "#00bfbf", "#00bf00", "#bf00bf", "#bf0000", "#0000bf"];
