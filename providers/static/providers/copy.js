// Buttons that copy a text; where the browser keeps the clipboard to itself, the text is marked instead.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const mark = (button) => {
    const text = button.parentElement.querySelector("code");
    if (text) window.getSelection().selectAllChildren(text);
  };

  const tell = (button) => {
    const label = button.querySelector("[data-label]");
    const before = label.textContent;
    label.textContent = button.dataset.copied;
    setTimeout(() => { label.textContent = before; }, 1500);
  };

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => {
      if (!navigator.clipboard) { mark(button); return; }
      navigator.clipboard.writeText(button.dataset.copy).then(() => tell(button)).catch(() => mark(button));
    });
  }
});
