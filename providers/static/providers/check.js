// The panel of a provider's connection: asks for a test and follows it until there is an answer.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const panel = document.querySelector("[data-provider-checks]");
  if (!panel) return;
  const find = (name) => panel.querySelector(`[data-${name}]`);
  const words = panel.dataset;
  const form = find("check-form");
  const button = form && form.querySelector("button");
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
    told.textContent = [check.summary, check.answer].filter(Boolean).join(" ");
    const fine = document.createElement("small");
    fine.textContent = [check.when, by, duration(check.elapsed_ms)].filter(Boolean).join(" · ");
    item.append(badge, told, fine);
    return item;
  };

  const open = (check, slowAfter) => {
    const age = (Date.now() - new Date(check.requested_at).getTime()) / 1000;
    find("summary").textContent = check.state === "running" ? words.running : words.waiting;
    find("next").textContent = check.state === "waiting" && age > slowAfter ? words.slow : "";
    find("answer").textContent = "";
    find("result").className = "provider-result provider-busy";
  };

  const done = (check) => {
    find("summary").textContent = check.summary;
    find("next").textContent = check.next_step;
    find("answer").textContent = [check.code, check.answer, duration(check.elapsed_ms)].filter(Boolean).join(" · ");
    find("result").className = `provider-result ${check.ok ? "provider-good" : "provider-bad"}`;
  };

  const show = (state) => {
    const [newest] = state.checks;
    find("health").className = `provider-tag provider-${state.health.tone}`;
    find("health").textContent = state.health.label;
    find("empty").hidden = Boolean(newest);
    find("history").hidden = !newest;
    find("checks").replaceChildren(...state.checks.map(line));
    find("result").hidden = !newest;
    if (!newest) return;
    const isOpen = newest.state !== "done";
    if (isOpen) open(newest, state.slow_after); else done(newest);
    if (button) button.disabled = isOpen;
    clearTimeout(timer);
    if (isOpen) timer = setTimeout(follow, 700);
  };

  const ask = async (address, options) => {
    const answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin", ...options });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  };

  const fail = () => {
    find("result").hidden = false;
    find("result").className = "provider-result provider-bad";
    find("summary").textContent = words.failed;
    find("next").textContent = "";
    find("answer").textContent = "";
    if (button) button.disabled = false;
  };

  const follow = () => ask(words.providerChecks).then(show).catch(() => { timer = setTimeout(follow, 3000); });

  if (form) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      button.disabled = true;
      ask(form.action, { method: "POST", body: new FormData(form) }).then(show).catch(fail);
    });
  }
  show(JSON.parse(panel.querySelector('script[type="application/json"]').textContent));
});
