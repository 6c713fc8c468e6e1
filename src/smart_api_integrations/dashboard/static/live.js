// Keeps an open page true: hears that something changed, fetches the page without its frame, and changes in
// place what differs. It waits while text is selected; new rows wait in a pill while they would push what is read.
import { morph } from "./morph.js";
import { follow, isPaused } from "./stream.js";
import "./times.js";

const main = document.getElementById("main");
const topics = new Set((main.dataset.live ?? "").split(" ").filter(Boolean));
const GAP = main.querySelector("[data-rows=flow]") ? 200 : 600; // milliseconds between two fetches, at least
const BUSY = 10; // a fetch may take at most one part in so many of the time
const EACH_VIEWER = 60;
const SETTLED = 2500;

let due = false;
let fetching = false;
let free = 0;
let timer;
let settling;
let viewers = 1;
let released = false;

const isSelecting = () => {
  const selection = getSelection();
  return !selection.isCollapsed && main.contains(selection.anchorNode);
};

function concerns(change) {
  return change.unknown || [...topics].some((topic) => change[topic]);
}

function plan() {
  clearTimeout(timer);
  if (!due || fetching || isPaused() || document.hidden || isSelecting()) return;
  timer = setTimeout(refresh, Math.max(0, free - performance.now()));
}

async function refresh() {
  due = false;
  fetching = true;
  const began = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { "X-Fragment": "main" }, redirect: "error" });
    if (answer.ok) apply(await answer.text());
  } catch {
    due = true; // the server is away: the stream says when it is back
  }
  const took = performance.now() - began;
  free = performance.now() + Math.max(GAP, took * BUSY, viewers * EACH_VIEWER);
  fetching = false;
  plan();
}

function apply(text) {
  if (isPaused() || isSelecting()) {
    due = true;
    return;
  }
  const page = new DOMParser().parseFromString(text, "text/html");
  const wanted = page.getElementById("main");
  if (!wanted) return;
  takeSymbols(page);
  const held = [...wanted.querySelectorAll("[data-rows]")].map((rows) => hold(rows));
  morph(main, wanted);
  for (const fresh of held) showHeld(fresh);
  released = false;
  showDead(main.dataset.dead);
  document.title = main.dataset.title;
  document.dispatchEvent(new CustomEvent("live:updated"));
}

function takeSymbols(page) {
  const sprite = document.querySelector("svg.sprite");
  for (const symbol of page.querySelectorAll("svg.sprite symbol")) {
    if (!document.getElementById(symbol.id)) sprite.append(document.importNode(symbol, true));
  }
}

// Takes the rows that are new out of what is to be shown, where they would push what somebody looks at.
function hold(wanted) {
  const shown = document.getElementById(wanted.id);
  if (!shown || released || !isLookedAt(shown)) return { id: wanted.id, count: 0 };
  const known = new Map([...shown.children].map((row) => [row.dataset.key, row]));
  const fresh = [...wanted.children].filter((row) => !known.has(row.dataset.key));
  const kept = new Set([...wanted.children].map((row) => row.dataset.key));
  for (const row of fresh) row.remove();
  for (const row of shown.children) if (!kept.has(row.dataset.key)) wanted.append(row.cloneNode(true));
  return { id: wanted.id, count: fresh.length, all: fresh.length === kept.size };
}

function isLookedAt(rows) {
  if (!rows.children.length) return false;
  if (rows.getBoundingClientRect().top < 56 || rows.matches(":focus-within, :has(:checked)")) return true;
  return rows.dataset.rows !== "flow" && rows.matches(":hover");
}

function showHeld({ id, count, all }) {
  const pill = document.querySelector(`[data-fresh="${id}"]`);
  if (!pill) return;
  pill.hidden = count === 0;
  pill.querySelector("[data-count]").textContent = `${count}${all ? "+" : ""} new`;
}

function showDead(count) {
  for (const badge of document.querySelectorAll("[data-dead-count]")) {
    badge.textContent = count;
    badge.hidden = !count;
  }
}

addEventListener("click", (event) => {
  if (!event.target.closest?.(".pill-new")) return;
  released = true;
  due = true;
  free = 0;
  document.activeElement?.blur();
  scrollTo({ top: 0 });
  plan();
});

// A chart may have been read a moment before the change: when it is quiet again, it is read once more.
function settle() {
  due = true;
  plan();
}

document.addEventListener("live:change", ({ detail }) => {
  viewers = detail.viewers;
  if (concerns(detail)) {
    due = true;
    clearTimeout(settling);
    if (main.querySelector(".chart")) settling = setTimeout(settle, SETTLED);
  }
  plan();
});
document.addEventListener("live:pause", plan);
document.addEventListener("visibilitychange", plan);
document.addEventListener("selectionchange", plan);

if (topics.size) follow();
