// The providers of a campaign as cards: added, removed, moved; the template follows the provider, the mapping and the
// preview follow the template. Without this file the same fields are saved in two steps.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const section = document.querySelector("[data-rows]");
  const source = document.getElementById("campaign-choices");
  if (!section || !source) return;
  const known = JSON.parse(source.textContent);
  const prefix = section.dataset.rows;
  const list = section.querySelector(".prism-cards");
  const total = document.getElementById(`id_${prefix}-TOTAL_FORMS`);
  const emptyCard = section.querySelector("[data-empty-card]");
  const pattern = section.querySelector("[data-empty-line]").innerHTML;
  const sample = document.getElementById("prism-sample-contact");
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const cards = () => [...list.querySelectorAll("[data-card]")];
  const field = (card, name) => card.querySelector(`[name$="-${name}"]`);
  const gone = (card) => { const box = field(card, "DELETE"); return Boolean(box && box.checked); };

  // A weight says something only where the campaign is shared out by weight.
  function followStrategy() {
    const chosen = document.querySelector("[name=strategy]:checked");
    section.querySelectorAll("[data-weight-field]").forEach((part) => {
      part.hidden = Boolean(chosen) && chosen.value !== "weighted" && !part.classList.contains("errors");
    });
  }

  function renumber() {
    const shown = cards().filter((card) => !gone(card));
    shown.forEach((card, index) => {
      field(card, "order").value = index + 1;
      card.querySelector("[data-number]").textContent = index + 1;
      card.querySelector("[data-up]").disabled = index === 0;
      card.querySelector("[data-down]").disabled = index === shown.length - 1;
    });
    section.querySelector("[data-none]").hidden = shown.length > 0;
    followStrategy();
  }

  function title(card) {
    const provider = field(card, "provider");
    const chosen = provider.selectedOptions[0];
    const name = field(card, "label").value || (provider.value && chosen ? chosen.textContent : "");
    card.querySelector("[data-title]").textContent = name;
    card.setAttribute("aria-label", name || card.getAttribute("aria-label"));
  }

  function offerTemplates(card) {
    const select = field(card, "message_template");
    const channel = known.providers[field(card, "provider").value];
    const chosen = select.value;
    const stored = card.dataset.template;
    const fits = known.templates.filter((one) => (one.active || one.id === stored) && (!channel || one.channel === channel));
    select.replaceChildren(new Option("---------", ""));
    const groups = new Map();
    for (const one of fits) {
      const option = new Option(one.text, one.id);
      if (channel) { select.append(option); continue; }
      if (!groups.has(one.channel)) {
        const group = document.createElement("optgroup");
        group.label = one.channel;
        groups.set(one.channel, group);
        select.append(group);
      }
      groups.get(one.channel).append(option);
    }
    select.value = fits.some((one) => one.id === chosen) ? chosen : "";
    return select.value !== chosen;
  }

  async function preview(card) {
    const template = field(card, "message_template").value;
    const pane = card.querySelector("[data-preview-pane]");
    if (!template) { pane.innerHTML = card.prismEmpty; return; }
    const asked = (card.prismAsked = (card.prismAsked || 0) + 1);
    const answer = await fetch(section.dataset.preview, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify({
        template, provider: field(card, "provider").value, mapping: card.prismMapping.value(),
        contact: sample ? sample.value : "",
      }),
    });
    // The answer is a page's piece from our own server, every value in it escaped there.
    if (answer.ok && asked === card.prismAsked) pane.innerHTML = await answer.text();
  }

  function soon(card) {
    clearTimeout(card.prismTimer);
    card.prismTimer = setTimeout(() => preview(card), 200);
  }

  function templateChanged(card) {
    const one = known.templates.find((template) => template.id === field(card, "message_template").value);
    card.prismMapping.show(one ? one.placeholders : []);
    soon(card);
  }

  function move(card, step) {
    const shown = cards().filter((one) => !gone(one));
    const other = shown[shown.indexOf(card) + step];
    if (!other) return;
    if (step < 0) other.before(card); else other.after(card);
    renumber();
    const button = card.querySelector(step < 0 ? "[data-up]" : "[data-down]");
    (button.disabled ? card.querySelector(step < 0 ? "[data-down]" : "[data-up]") : button).focus();
  }

  function remove(card, out) {
    field(card, "DELETE").checked = out;
    const stored = Boolean(field(card, "id").value);
    card.querySelector("[data-removed]").hidden = !out;
    card.querySelector("[data-body]").hidden = out;
    card.classList.toggle("prism-gone", out);
    if (!stored) card.hidden = out;
    renumber();
    if (out && !stored) section.querySelector("[data-add]").focus();
  }

  function setUp(card) {
    const stem = field(card, "provider").name.replace(/-provider$/, "");
    card.dataset.template = field(card, "message_template").value;
    card.prismEmpty = card.querySelector("[data-preview-pane]").innerHTML;
    card.prismMapping = new window.PrismMapping(card, `${stem}-field_mappings`, pattern, known.attributes);
    card.querySelectorAll("[data-up],[data-down],[data-remove],[data-grip]").forEach((part) => { part.hidden = false; });
    card.querySelector("[data-order-field]").hidden = true;
    card.querySelector(".prism-remove")?.setAttribute("hidden", "");
    card.querySelector("[data-up]").addEventListener("click", () => move(card, -1));
    card.querySelector("[data-down]").addEventListener("click", () => move(card, 1));
    card.querySelector("[data-remove]")?.addEventListener("click", () => remove(card, true));
    card.querySelector("[data-undo]").addEventListener("click", () => remove(card, false));
    card.addEventListener("input", (event) => {
      if (event.target.name.endsWith("-label")) title(card);
      if (event.target.closest("[data-mapping]")) soon(card);
    });
    card.addEventListener("change", (event) => {
      const name = event.target.name || "";
      if (name.endsWith("-provider")) { title(card); if (offerTemplates(card)) templateChanged(card); else soon(card); }
      if (name.endsWith("-message_template")) templateChanged(card);
      if (event.target.closest("[data-mapping]")) soon(card);
    });
    drag(card);
    if (gone(card)) remove(card, true);
    title(card);
    if (card.dataset.template) preview(card);
  }

  let dragged = null;
  function drag(card) {
    const grip = card.querySelector("[data-grip]");
    grip.addEventListener("dragstart", (event) => {
      dragged = card;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setDragImage(card, 20, 20);
      card.classList.add("prism-dragged");
    });
    grip.addEventListener("dragend", () => { card.classList.remove("prism-dragged"); dragged = null; renumber(); });
    card.addEventListener("dragover", (event) => {
      if (!dragged || dragged === card) return;
      event.preventDefault();
      const box = card.getBoundingClientRect();
      if (event.clientY < box.top + box.height / 2) card.before(dragged); else card.after(dragged);
    });
  }

  const add = section.querySelector("[data-add]");
  if (add) {
    add.hidden = false;
    add.addEventListener("click", () => {
      const holder = document.createElement("template");
      holder.innerHTML = emptyCard.innerHTML.replaceAll("__prefix__", total.value);
      total.value = Number(total.value) + 1;
      const card = holder.content.firstElementChild;
      list.append(card);
      setUp(card);
      renumber();
      field(card, "provider").focus();
    });
  }
  // What comes back with errors is in the order of its fields: put it in the order of its places.
  cards().sort((one, two) => (Number(field(one, "order").value) || 1e6) - (Number(field(two, "order").value) || 1e6))
    .forEach((card) => list.append(card));
  cards().forEach(setUp);
  renumber();
  sample?.addEventListener("input", () => cards().forEach(soon));
  document.querySelectorAll("[name=strategy]").forEach((one) => one.addEventListener("change", followStrategy));
});
