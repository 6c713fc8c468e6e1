// What a page must hold in any browser: returns the faults that it finds, as sentences.
() => {
  const faults = [];
  const root = document.documentElement;
  const wide = root.scrollWidth - root.clientWidth;
  if (wide > 0) faults.push(`the page is ${wide} px too wide`);

  const seen = new Set();
  for (const element of document.querySelectorAll("[id]")) {
    if (seen.has(element.id)) faults.push(`the id ${element.id} stands twice`);
    seen.add(element.id);
  }
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    const id = link.getAttribute("href").slice(1);
    if (id && !document.getElementById(id)) faults.push(`a link leads to #${id}, which is not there`);
  }
  const named = (element) =>
    (element.getAttribute("aria-label") || element.textContent || element.labels?.[0]?.textContent || "").trim();
  for (const control of document.querySelectorAll("a, button, summary, input:not([type=hidden]), select")) {
    if (!named(control)) faults.push(`${control.outerHTML.slice(0, 80)} has no name`);
    const box = control.getBoundingClientRect();
    const inline = getComputedStyle(control).display.startsWith("inline") && control.tagName === "A";
    const isSkip = control.classList.contains("skip");
    if (box.height && !inline && !isSkip && (box.height < 23.5 || box.width < 23.5)) {
      faults.push(`${control.outerHTML.slice(0, 80)} is ${Math.round(box.width)} by ${Math.round(box.height)} px`);
    }
  }
  if (document.querySelectorAll("h1").length !== 1) faults.push("there is not one h1");
  if (!document.title || !root.lang) faults.push("the page has no title or no language");

  const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const parse = (text) => text.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) =>
    0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const low = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || element.closest("svg, script, .skip, .vh, option")) continue;
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const [above, below] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const contrast = (Math.max(above, below) + 0.05) / (Math.min(above, below) + 0.05);
    if (contrast < 4.5) low.add(`${element.className || element.tagName}: contrast ${contrast.toFixed(2)}`);
  }
  return [...faults, ...low];
}
