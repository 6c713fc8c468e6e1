// One stream of changes for a page, told of by "live:change" on the document. It is closed while the tab is
// hidden (a browser has few connections to one server) and goes on from where it was.
const widget = document.getElementById("live");
const TRY_AGAIN = 10_000;
const RATE_OVER = 10_000;

let source;
let token = document.getElementById("main")?.dataset.mark ?? "";
let paused = false;
let again;
const lately = [];

export const isPaused = () => paused;

export function follow() {
  widget.hidden = false;
  widget.querySelector("button").addEventListener("click", () => setPaused(!paused));
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  setInterval(showRate, 2000);
  open();
}

function open() {
  if (source || document.hidden) return;
  clearTimeout(again);
  source = new EventSource(`${widget.dataset.stream}?after=${encodeURIComponent(token)}`);
  source.addEventListener("open", () => show("open"));
  source.addEventListener("change", hear);
  source.addEventListener("error", () => {
    show("lost");
    if (source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    close();
    again = setTimeout(open, TRY_AGAIN);
  });
}

function close() {
  clearTimeout(again);
  source?.close();
  source = undefined;
}

function hear(event) {
  token = event.lastEventId;
  const change = JSON.parse(event.data);
  if (change.received) lately.push([Date.now(), change.received]);
  showRate();
  document.dispatchEvent(new CustomEvent("live:change", { detail: change }));
}

function setPaused(to) {
  paused = to;
  show("open");
  document.dispatchEvent(new CustomEvent("live:pause", { detail: paused }));
}

function show(state) {
  widget.dataset.state = state;
  widget.toggleAttribute("data-paused", paused || state === "lost");
  widget.querySelector("[data-word]").textContent = paused ? "Paused" : state === "lost" ? "Offline" : "Live";
  const button = widget.querySelector("button");
  button.setAttribute("aria-pressed", String(paused));
  button.title = paused ? "Go on (p)" : "Pause (p)";
}

function showRate() {
  const since = Date.now() - RATE_OVER;
  while (lately.length && lately[0][0] < since) lately.shift();
  const rate = lately.reduce((sum, [, count]) => sum + count, 0) / (RATE_OVER / 1000);
  widget.querySelector(".rate").textContent = rate < 0.1 || paused ? "" : `${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`;
}
