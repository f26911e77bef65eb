// Renews the home page every ten seconds, part by part, and rests while nobody looks.
(() => {
  const EVERY_MS = 10000;
  const root = document.getElementById("home-now");
  if (!root) return;

  const paint = (value) => {
    const name = /^var\((--[\w-]+)\)$/.exec(value);
    return name ? getComputedStyle(document.documentElement).getPropertyValue(name[1]).trim() : value;
  };

  // A chart that stays where it is does not flicker, and keeps its tooltip.
  const keepChart = (fresh) => {
    const [old, next] = [root.querySelector("canvas.chart"), fresh.querySelector("canvas.chart")];
    const chart = old && next && window.Chart && window.Chart.getChart(old);
    if (!chart) return false;
    const data = JSON.parse(next.dataset.value);
    for (const set of data.datasets) set.backgroundColor = paint(set.backgroundColor);
    chart.data = data;
    chart.update("none");
    next.closest("#home-chart").replaceWith(old.closest("#home-chart"));
    return true;
  };

  const drawCharts = () => {
    for (const canvas of root.querySelectorAll("canvas.chart")) {
      if (window.Chart.getChart(canvas)) continue;
      const data = JSON.parse(canvas.dataset.value);
      for (const set of data.datasets) set.backgroundColor = paint(set.backgroundColor);
      new window.Chart(canvas, { type: canvas.dataset.type, data, options: JSON.parse(canvas.dataset.options) });
    }
  };

  const tell = () => {
    const note = root.querySelector(".desk-renewed");
    if (note) {
      note.textContent = root.dataset.failed;
      note.classList.add("failed");
    }
  };

  const renew = async () => {
    if (document.hidden || root.contains(document.activeElement)) return;
    try {
      const answer = await fetch(root.dataset.url, { headers: { "X-Requested-With": "fetch" }, credentials: "same-origin" });
      if (answer.redirected || !answer.ok) return tell();
      const fresh = document.createElement("template");
      fresh.innerHTML = await answer.text();
      keepChart(fresh.content);
      root.replaceChildren(fresh.content);
      drawCharts();
    } catch {
      tell();
    }
  };

  setInterval(renew, EVERY_MS);
  document.addEventListener("visibilitychange", renew);
})();
