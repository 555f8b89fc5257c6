// Figures as text, and the parts of a page that show states, notes and figures alike.

export const part = (id) => document.getElementById(id);

const GOOD = new Set(["open", "connected", "completed", "stable"]);
const BAD = new Set(["failed", "closed", "disconnected"]);

/** The row of steps: `state` has a word for each. */
export function showSteps(state) {
  for (const item of document.querySelectorAll("#steps li")) {
    const word = state[item.dataset.step];
    item.className = GOOD.has(word) ? "good" : BAD.has(word) ? "bad" : word === "new" ? "" : "wait";
    item.querySelector(".state").textContent = word;
  }
}

/** One more line in the log. */
export function showNote({ text, bad, at }) {
  const line = document.createElement("li");
  line.className = bad ? "bad" : "";
  const time = document.createElement("time");
  time.textContent = at < 10_000 ? `${Math.round(at)} ms` : `${(at / 1000).toFixed(1)} s`;
  const what = document.createElement("span");
  what.textContent = text;
  line.append(time, what);
  const log = part("log");
  log.append(line);
  while (log.children.length > 200) log.firstChild.remove();
  log.scrollTop = log.scrollHeight;
}

/** A figure with its unit; a dash where there is none. */
export function write(id, value, form) {
  const place = part(id);
  if (value === null || value === undefined || Number.isNaN(value)) {
    place.textContent = "–";
    return;
  }
  const [figure, unit] = form(value);
  const small = document.createElement("small");
  small.textContent = unit ? ` ${unit}` : "";
  place.replaceChildren(String(figure), small);
}

export function bits(value) {
  return value >= 999_500 ? [(value / 1e6).toFixed(2), "Mbit/s"] : [Math.round(value / 1e3), "kbit/s"];
}

export function millis(value) {
  return [(value * 1000).toFixed(1), "ms"];
}

export function percent(value) {
  return [(value * 100).toFixed(value > 0 && value < 0.001 ? 2 : 1), "%"];
}

export function whole(value) {
  return [Math.round(value).toLocaleString("en"), ""];
}

export function elapsed(time) {
  const seconds = Math.floor(time / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
