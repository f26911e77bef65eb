// Shows a field of the vendor's form only while the fields it depends on have the values it names.
"use strict";

(() => {
  const valueOf = (name) => {
    const field = document.getElementById(`id_${name}`);
    if (!field) return "";
    const value = field.type === "checkbox" ? String(field.checked) : field.value;
    return name === "provider_type" ? value.trim().toUpperCase() : value;
  };

  const holds = (conditions) =>
    Object.entries(conditions).every(([name, wanted]) => wanted.includes(valueOf(name)));

  const update = () => {
    for (const field of document.querySelectorAll("[data-shown-when]")) {
      const row = field.closest(".form-row") || field.closest(".field-line");
      if (row) row.hidden = !holds(JSON.parse(field.dataset.shownWhen));
    }
  };

  // An address that is taken as it stands has no path: the field beside the box says so.
  const updateEmpty = () => {
    for (const box of document.querySelectorAll('input[type="checkbox"][name$="__empty"]')) {
      const text = document.getElementById(box.id.replace(/__empty$/, ""));
      if (text) text.disabled = box.checked;
    }
  };

  const both = () => { update(); updateEmpty(); };
  document.addEventListener("DOMContentLoaded", both);
  document.addEventListener("input", both);
  document.addEventListener("change", both);
})();
