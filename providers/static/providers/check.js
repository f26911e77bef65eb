// The panel of a provider's connection: asks for a test, or for a webhook, and follows it until there is an answer.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const panel = document.querySelector("[data-provider-checks]");
  if (!panel) return;
  const find = (name) => panel.querySelector(`[data-${name}]`);
  const words = panel.dataset;
  const forms = [...panel.querySelectorAll("[data-check-form]")];
  const boxes = [...panel.querySelectorAll("[data-result]")];
  let timer = null;

  const language = document.documentElement.lang || undefined;
  const duration = (elapsed) => {
    if (elapsed === null) return "";
    if (elapsed < 1000) return `${elapsed} ms`;
    return `${(elapsed / 1000).toLocaleString(language, { maximumFractionDigits: 1 })} s`;
  };

  const line = (check) => {
    const item = document.createElement("li");
    const badge = document.createElement("span");
    badge.className = `provider-tag provider-${check.ok === null ? "plain" : check.ok ? "good" : "bad"}`;
    badge.textContent = check.code || check.summary;
    const by = check.requested_by ? `${words.by} ${check.requested_by}` : words.nobody;
    const told = document.createElement("span");
    const about = check.purpose === "register" ? `${words.register}:` : "";
    told.textContent = [about, check.summary, check.answer].filter(Boolean).join(" ");
    const fine = document.createElement("small");
    fine.textContent = [check.when, by, duration(check.elapsed_ms)].filter(Boolean).join(" · ");
    item.append(badge, told, fine);
    return item;
  };

  const within = (box, name) => box.querySelector(`[data-${name}]`);

  const open = (box, check, slowAfter) => {
    const age = (Date.now() - new Date(check.requested_at).getTime()) / 1000;
    within(box, "summary").textContent = check.state === "running" ? words.running : words.waiting;
    within(box, "next").textContent = check.state === "waiting" && age > slowAfter ? words.slow : "";
    within(box, "answer").textContent = "";
    box.className = "provider-result provider-busy";
  };

  const done = (box, check) => {
    within(box, "summary").textContent = check.summary;
    within(box, "next").textContent = check.next_step;
    within(box, "answer").textContent = [check.code, check.answer, duration(check.elapsed_ms)].filter(Boolean).join(" · ");
    box.className = `provider-result ${check.ok ? "provider-good" : "provider-bad"}`;
  };

  const show = (state) => {
    const any = state.checks.length > 0;
    find("health").className = `provider-tag provider-${state.health.tone}`;
    find("health").textContent = state.health.label;
    find("empty").hidden = any;
    find("history").hidden = !any;
    find("checks").replaceChildren(...state.checks.map(line));
    for (const box of boxes) {
      const newest = state.checks.find((check) => check.purpose === box.dataset.result);
      box.hidden = !newest;
      if (newest && newest.state !== "done") open(box, newest, state.slow_after);
      else if (newest) done(box, newest);
    }
    const isOpen = state.checks.some((check) => check.state !== "done");
    for (const form of forms) form.querySelector("button").disabled = isOpen;
    clearTimeout(timer);
    if (isOpen) timer = setTimeout(follow, 700);
  };

  const ask = async (address, options) => {
    const answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin", ...options });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  };

  const fail = (box, button) => {
    box.hidden = false;
    box.className = "provider-result provider-bad";
    within(box, "summary").textContent = words.failed;
    within(box, "next").textContent = "";
    within(box, "answer").textContent = "";
    button.disabled = false;
  };

  const follow = () => ask(words.providerChecks).then(show).catch(() => { timer = setTimeout(follow, 3000); });

  for (const form of forms) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      const box = boxes.find((one) => form.parentElement.parentElement.contains(one)) || boxes[0];
      button.disabled = true;
      ask(form.action, { method: "POST", body: new FormData(form) }).then(show).catch(() => fail(box, button));
    });
  }
  show(JSON.parse(panel.querySelector('script[type="application/json"]').textContent));
});
