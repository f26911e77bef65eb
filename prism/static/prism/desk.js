// On a phone each cell of a list names itself: as in a heading, with one capital letter, not one per word.
document.addEventListener("DOMContentLoaded", () => {
  for (const cell of document.querySelectorAll("#result_list [data-label]")) {
    const label = cell.dataset.label.trim();
    cell.dataset.label = label.charAt(0).toLocaleUpperCase() + label.slice(1);
  }
});
