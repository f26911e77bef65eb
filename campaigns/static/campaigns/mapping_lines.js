// The lines of a mapping: one drop-down per placeholder of the chosen template. What was chosen is kept by placeholder.
"use strict";
window.PrismMapping = class {
  constructor(card, name, pattern, attributes) {
    this.box = card.querySelector("[data-mapping]");
    this.name = name;
    this.pattern = pattern;
    this.attributes = new Set(attributes);
    this.remembered = new Map();
    this.remember();
  }

  lines() { return [...this.box.querySelectorAll("[data-placeholder]")]; }

  remember() {
    for (const line of this.lines()) {
      this.remembered.set(line.dataset.placeholder, {
        field: line.querySelector("select").value,
        text: line.querySelector("input").value,
      });
    }
  }

  // Lines for these placeholders, in this order; an unmapped one takes the attribute of its own name, and says so.
  show(placeholders) {
    this.remember();
    this.lines().forEach((line) => line.remove());
    const before = this.box.querySelector("[data-mapping-empty]");
    for (const placeholder of placeholders) this.box.insertBefore(this.line(placeholder), before);
    before.hidden = placeholders.length > 0;
  }

  line(placeholder) {
    const holder = document.createElement("template");
    holder.innerHTML = this.pattern
      .replaceAll("id___name__", `id_${this.name}`).replaceAll("__name__", this.name)
      .replaceAll("__placeholder__", placeholder);
    const line = holder.content.firstElementChild;
    const known = this.remembered.get(placeholder) || { field: "", text: "" };
    const suggested = !known.field && this.attributes.has(placeholder);
    const select = line.querySelector("select");
    select.value = suggested ? placeholder : known.field;
    line.querySelector("input").value = known.text;
    this.mark(line, suggested);
    select.addEventListener("change", () => this.mark(line, false));
    return line;
  }

  mark(line, suggested) {
    line.classList.toggle("prism-suggested", suggested);
    line.querySelector("[data-suggested]").hidden = !suggested;
  }

  value() {
    const mapping = {};
    for (const line of this.lines()) {
      const field = line.querySelector("select").value;
      const text = line.querySelector("input").value;
      if (field) mapping[line.dataset.placeholder] = text ? { field, default: text } : field;
    }
    return mapping;
  }
};
