// The keys are listed in the page itself, under "Keyboard". They do nothing while a field has focus.
const root = document.documentElement;
const PAGES = { o: "overview", e: "events", l: "live", i: "issues", r: "rejected", d: "dead", n: "endpoints", m: "messages", s: "sources" };
const REPLAY = "main :is(form[action*=replay] button, a[href*=replay], button[value=replay])";
let going = false;

function cycleTheme() {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("theme", root.dataset.theme);
  } catch {
    // Storage may be forbidden: the theme then holds for this page.
  }
}

function moveTo(step) {
  const rows = [...document.querySelectorAll("main .row-link")];
  if (rows.length === 0) return;
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(Math.max(at + step, 0), rows.length - 1)].focus();
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details[open]:is(.menu, .tabbar details)")) {
    if (menu !== except) menu.open = false;
  }
}

const KEYS = {
  "/": () => document.getElementById("q").focus(),
  t: cycleTheme,
  p: () => document.querySelector("#live:not([hidden]) button")?.click(),
  j: () => moveTo(1),
  k: () => moveTo(-1),
  r: () => document.querySelector(REPLAY)?.focus(),
  c: () => document.querySelector("#as-curl .copy")?.click(),
  "?": () => document.getElementById("keys")?.togglePopover(),
  g: () => { going = true; },
  Escape: () => closeMenus(),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select") && event.key !== "Escape") return;
  const page = going ? PAGES[event.key] : undefined;
  going = false;
  if (page) {
    document.querySelector(`[data-page="${page}"]`)?.click();
    return;
  }
  const act = KEYS[event.key];
  if (!act) return;
  if (event.key === "/") event.preventDefault();
  act();
});

addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-toggle]")) cycleTheme();
  closeMenus(event.target.closest("details"));
});
