// A line of the last minute, drawn on a canvas.

const KEPT = 121;

export class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.values = [];
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  clear() {
    this.values = [];
    this.draw();
  }

  push(value) {
    this.values.push(value);
    if (this.values.length > KEPT) this.values.shift();
    this.draw();
  }

  draw() {
    const { canvas, values } = this;
    const scale = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const top = ceiling(Math.max(...values, 100_000));
    const label = 58;
    const right = width - label;
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    for (const share of [0, 0.5, 1]) {
      const y = Math.round(height - 8 - share * (height - 16)) + 0.5;
      pen.strokeStyle = "#222b37";
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(0, y);
      pen.lineTo(right, y);
      pen.stroke();
      pen.fillStyle = "#8896a9";
      pen.fillText(short(top * share), width, y);
    }
    if (values.length < 2) return;
    const x = (index) => right - ((values.length - 1 - index) / (KEPT - 1)) * right;
    const y = (value) => height - 8 - (Math.min(value, top) / top) * (height - 16);
    pen.beginPath();
    values.forEach((value, index) => (index ? pen.lineTo(x(index), y(value)) : pen.moveTo(x(index), y(value))));
    pen.strokeStyle = "#5fd6b4";
    pen.lineWidth = 2;
    pen.lineJoin = "round";
    pen.stroke();
    pen.lineTo(right, height - 8);
    pen.lineTo(x(0), height - 8);
    const fill = pen.createLinearGradient(0, 0, 0, height);
    fill.addColorStop(0, "#5fd6b44d");
    fill.addColorStop(1, "#5fd6b400");
    pen.fillStyle = fill;
    pen.fill();
    pen.beginPath();
    pen.arc(right, y(values.at(-1)), 3.5, 0, Math.PI * 2);
    pen.fillStyle = "#5fd6b4";
    pen.fill();
  }
}

/** The next round number: 1, 2 or 5 times a power of ten. */
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

function short(value) {
  if (value >= 1e6) return `${+(value / 1e6).toFixed(1)} Mbit`;
  return value ? `${Math.round(value / 1e3)} kbit` : "0";
}
