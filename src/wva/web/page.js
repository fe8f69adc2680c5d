// What the page does by itself: light and dark, times on axes, the token dialog.
"use strict";
window.wva = {
  time(ms) {
    const s = Math.round(ms / 1000), pad = (n) => String(n).padStart(2, "0");
    const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
    if (h) return `${h} h ${pad(m)}`;
    return s % 60 ? `${m}:${pad(s % 60)} min` : `${m} min`;
  },
  short(value) {
    if (Math.abs(value) >= 10000) return `${+(value / 1000).toFixed(0)}k`;
    return String(+value.toPrecision(3));
  },
  tip(points) {
    const rows = points.filter((p) => p.value[1] != null && (p.value[1] || !p.seriesName.match(/ (ready|starting|draining|pending)$/)));
    const text = (s) => s.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
    return `<div class="tip"><b>${wva.time(points[0].value[0])}</b>` + rows
      .map((p) => `<div><i style="background:${p.color}"></i>${text(p.seriesName)}<b>${wva.short(p.value[1])}</b></div>`)
      .join("") + "</div>";
  },
  themes: ["auto", "light", "dark"],
  theme() {
    return localStorage.getItem("wva-theme") || "auto";
  },
  show(theme) {
    document.documentElement.dataset.theme = theme;
    const button = document.getElementById("theme");
    if (button) {
      button.dataset.theme = theme;
      button.title = button.ariaLabel = `Colours: ${theme === "auto" ? "as the system" : theme}. Click to change.`;
    }
  },
  turn() {
    const next = wva.themes[(wva.themes.indexOf(wva.theme()) + 1) % wva.themes.length];
    localStorage.setItem("wva-theme", next);
    wva.show(next);
  },
  ask() {
    const dialog = document.getElementById("token");
    if (!dialog.open) dialog.showModal();
    const field = dialog.querySelector("input");
    field.value = "";
    field.focus();
  },
  choose(id, value) {
    const select = getHtmlElement(id);
    if (select) select.value = value;
  },
  answered(event) {
    event.preventDefault();
    return event.target.querySelector("input").value;
  },
};
wva.show(wva.theme());
