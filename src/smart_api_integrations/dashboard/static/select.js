// Tables with check boxes: the one in the head marks all, and says when only some are marked.
const boxes = (form) => [...form.querySelectorAll("tbody .check")];

function show(form) {
  const head = form.querySelector("[data-select-all]");
  if (!head) return;
  const all = boxes(form);
  const marked = all.filter((box) => box.checked).length;
  head.checked = marked > 0 && marked === all.length;
  head.indeterminate = marked > 0 && marked < all.length;
}

addEventListener("change", (event) => {
  const form = event.target.closest?.(".selecting");
  if (!form) return;
  if (event.target.matches("[data-select-all]")) {
    for (const box of boxes(form)) box.checked = event.target.checked;
  }
  show(form);
});
