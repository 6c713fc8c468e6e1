// Copy buttons: the value is in data-copy, or is the text of the code beside the button.
const said = document.getElementById("said");

async function copy(button) {
  const code = button.closest(".code")?.querySelector("code");
  const text = button.dataset.copy ?? code?.textContent ?? "";
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = "Copied";
  } catch {
    said.textContent = "The browser does not allow copying";
  }
}

addEventListener("click", (event) => {
  const button = event.target.closest(".copy");
  if (button) copy(button);
});
