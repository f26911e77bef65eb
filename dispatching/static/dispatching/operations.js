// One deed per press: a second submit of the same form does nothing. (The server would not mind either.)
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button")) {
    // After the press was read into the form's data.
    setTimeout(() => { button.disabled = true; if (button.dataset.busy) button.textContent = button.dataset.busy; });
  }
});
// Fragments that stay fresh: asked for every few seconds, not while nobody looks.
for (const live of document.querySelectorAll("[data-refresh]")) {
  const every = Number(live.dataset.every || 5) * 1000;
  const sign = document.querySelector(live.dataset.sign || "[data-live]");
  let running = false;
  const refresh = async () => {
    if (document.hidden || running) return;
    running = true;
    try {
      const answer = await fetch(live.dataset.refresh, { headers: { "X-Requested-With": "fetch" }, redirect: "error", signal: AbortSignal.timeout(10000) });
      if (!answer.ok) throw new Error(String(answer.status));
      live.innerHTML = await answer.text();
      if (sign) sign.dataset.state = "fresh";
    } catch { if (sign) sign.dataset.state = "stale"; }
    running = false;
  };
  setInterval(refresh, every);
  document.addEventListener("visibilitychange", refresh);
}
