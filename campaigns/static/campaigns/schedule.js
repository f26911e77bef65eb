// The campaign's calendar: what only a scheduled campaign has appears with it, and the next send follows the fields.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("campaign_form");
  if (!form) return;
  const watched = ["dispatch_mode", "trigger_time", "week_days", "start_date", "end_date", "timezone"];
  const scheduledOnly = [...form.querySelectorAll("[data-when-scheduled]")]
    .map((input) => input.closest(".field-row") || input);
  const output = form.querySelector("[data-next-send]");
  const empty = output ? output.textContent : "";

  function follow() {
    const mode = form.querySelector("[name=dispatch_mode]:checked");
    if (!mode) return;
    scheduledOnly.forEach((row) => { row.hidden = mode.value !== "ASYNC"; });
  }

  let asked = 0;
  async function ask() {
    if (!output) return;
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (watched.includes(name)) query.append(name, value);
    const mine = ++asked;
    const answer = await fetch(`${output.dataset.nextSend}?${query}`, { headers: { Accept: "application/json" } });
    if (!answer.ok || mine !== asked) return;
    output.textContent = (await answer.json()).text || output.dataset.empty || empty;
  }

  let timer;
  function changed(event) {
    if (!watched.includes(event.target.name)) return;
    follow();
    clearTimeout(timer);
    timer = setTimeout(ask, 250);
  }
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  // Django's calendar and clock write into the field without an event.
  form.addEventListener("focusin", () => { clearTimeout(timer); timer = setTimeout(ask, 250); });
  document.addEventListener("click", (event) => {
    if (event.target.closest(".calendarbox, .clockbox, .datetimeshortcuts")) { clearTimeout(timer); timer = setTimeout(ask, 250); }
  });
  follow();
});
