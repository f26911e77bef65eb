// Search in a list of check boxes; what is chosen stays in sight.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  for (const box of document.querySelectorAll("[data-many]")) {
    const filter = box.querySelector("[data-filter]");
    const lines = [...box.querySelectorAll(".prism-many-one")];
    const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    filter.hidden = lines.length < 6;
    filter.addEventListener("input", () => {
      const wanted = plain(filter.value);
      for (const line of lines) {
        line.hidden = !line.querySelector("input").checked && !plain(line.textContent).includes(wanted);
      }
    });
    // Enter searches; it does not save the campaign.
    filter.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  }
});
