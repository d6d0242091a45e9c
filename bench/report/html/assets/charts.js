"use strict";
/* Drawings: made when they come near the window, drawn again when the filter changes. */
const MOST_ROWS = 40;
const NARROW = 560;

class Chart {
  constructor(figure) {
    this.figure = figure;
    this.plot = figure.querySelector(".plot");
    this.note = figure.querySelector(".shown");
    this.height = Number(this.plot.dataset.height);
    this.perRow = Number(this.plot.dataset.perRow);
    this.alt = this.plot.getAttribute("aria-label");
    this.spec = null;
    this.drawn = null;
    this.near = false;
    if (!this.perRow) this.plot.style.minHeight = this.height + "px";
  }

  get visible() {
    return !this.figure.closest("[hidden]") && !this.figure.closest("details:not([open])");
  }

  /* What it is called: its words were written for all results. */
  name(filter) {
    const chosen = FIELDS.filter((field) => filter[field]).map((field) => `${field} ${filter[field]}`);
    if (!("filtered" in this.figure.dataset)) return;
    const heading = this.figure.querySelector("h3, h4").textContent;
    const said = chosen.length ? `${heading}, filtered to ${chosen.join(", ")}. Without the filter: ${this.alt}` : this.alt;
    this.plot.setAttribute("aria-label", said);
  }

  draw(filter, width) {
    if (!this.visible) return;
    const wish = JSON.stringify(filter) + (width || this.plot.clientWidth);
    if (this.drawn === wish) return;
    if (!this.spec) this.spec = JSON.parse(this.figure.querySelector('script[type="application/json"]').textContent);
    const data = this.spec.data.map((trace) => filteredTrace(trace, filter));
    const layout = structuredClone(this.spec.layout);
    layout.width = width || this.plot.clientWidth;
    layout.height = this.perRow ? this.rows(data, layout) : this.height;
    if (!this.drawn) this.plot.replaceChildren();
    Plotly.react(this.plot, data, layout, { displayModeBar: false, responsive: false, doubleClick: "reset" });
    this.plot.style.minHeight = "";
    this.drawn = wish;
  }

  /* The hosts that are left, at most MOST_ROWS of them, and the height that they need. */
  rows(data, layout) {
    const order = layout.yaxis.categoryarray || [];
    const present = new Set(data.flatMap((trace) => trace.y || []));
    const names = order.filter((name) => present.has(name));
    const shown = names.slice(0, MOST_ROWS);
    if (names.length > shown.length) {
      const allowed = new Set(shown);
      for (let at = 0; at < data.length; at++) {
        const size = data[at].y.length;
        const kept = [...data[at].y.keys()].filter((index) => allowed.has(data[at].y[index]));
        data[at] = cut(data[at], size, kept);
      }
    }
    this.note.hidden = names.length === shown.length;
    this.note.textContent = `The first ${shown.length} of ${names.length} lines are drawn; choose a host above for another, or open the table.`;
    layout.yaxis.categoryarray = shown;
    layout.yaxis.range = [shown.length - 0.5, -0.5];
    layout.yaxis.autorange = false;
    layout.yaxis.tickvals = shown;
    const room = layout.width < NARROW ? 16 : 34;
    layout.yaxis.ticktext = shown.map((name) => name.split("<br>").map((line) => shortened(line, room)).join("<br>"));
    return this.height + this.perRow * Math.max(shown.length, 1);
  }
}

/* Both ends of a long name are kept: the model at the front, the hash at the back. */
function shortened(name, room) {
  const parts = name.match(/&[a-z]+;|[^]/gu) || [];
  if (parts.length <= room) return name;
  const back = Math.min(6, room >> 1);
  return parts.slice(0, room - back - 1).join("") + "…" + parts.slice(-back).join("");
}
