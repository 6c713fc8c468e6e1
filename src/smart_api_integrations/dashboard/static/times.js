// Keeps "4 min ago" true while a page stays open; the words are those of the server's pages.
const SPACE = "\u00a0";
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
const RELATIVE = /(\u00a0ago|^now|^in\u00a0.*)$/;

function words(seconds) {
  const whole = Math.round(Math.abs(seconds));
  if (whole < 1) return "now";
  const [length, unit] = UNITS.find(([size]) => whole >= size);
  const span = `${Math.floor(whole / length)}${SPACE}${unit}`;
  return seconds > 0 ? `${span}${SPACE}ago` : `in${SPACE}${span}`;
}

function tick() {
  if (document.hidden) return;
  const now = Date.now();
  for (const time of document.querySelectorAll("main time[datetime]")) {
    const seconds = (now - Date.parse(time.dateTime)) / 1000;
    if (!RELATIVE.test(time.textContent) || !(Math.abs(seconds) < 30 * 86400)) continue;
    const text = words(seconds);
    if (time.textContent !== text) time.textContent = text;
  }
}

setInterval(tick, 5000);
document.addEventListener("visibilitychange", tick);
