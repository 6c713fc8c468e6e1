// Brings one element to the state of another, changing only what differs: focus, selection and open folds stay.
const keyOf = (node) => (node.nodeType === 1 ? node.dataset.key || node.id : "");
const KEPT = { DETAILS: ["open"], DIALOG: ["open"] };

export function morph(from, to) {
  if (from.isEqualNode(to)) return;
  if (from.nodeType !== 1) {
    from.data = to.data;
    return;
  }
  if (from === document.activeElement && from.matches("input, textarea, select")) return;
  syncAttributes(from, to);
  syncChildren(from, to);
}

function syncAttributes(from, to) {
  const kept = KEPT[from.tagName] ?? [];
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !kept.includes(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !kept.includes(name)) from.setAttribute(name, value);
  }
}

function syncChildren(from, to) {
  const keyed = new Map([...from.children].filter(keyOf).map((child) => [keyOf(child), child]));
  const used = new Set();
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    while (at && used.has(at)) at = at.nextSibling;
    const found = fitting(wanted, at, keyed);
    if (!found) {
      const made = document.importNode(wanted, true);
      if (made.dataset?.key) made.classList.add("is-new");
      from.insertBefore(made, at);
      used.add(made);
      continue;
    }
    used.add(found);
    if (found === at) at = at.nextSibling;
    else from.insertBefore(found, at);
    morph(found, wanted);
  }
  for (const child of [...from.childNodes]) {
    if (!used.has(child)) child.remove();
  }
}

function fitting(wanted, at, keyed) {
  const key = keyOf(wanted);
  if (key) {
    const found = keyed.get(key);
    return found?.nodeName === wanted.nodeName ? found : undefined;
  }
  return at && !keyOf(at) && at.nodeName === wanted.nodeName ? at : undefined;
}
