"use strict";
/* Drawings of a line a host: those that the filter leaves, at most SHOWN_LINES of them at a time (frame.py). */
const SHOWN_LINES = 40;

class Lines {
  constructor(figure) {
    this.figure = figure;
    this.plot = figure.querySelector(".plot");
    this.note = figure.querySelector(".shown");
    this.lines = [...this.plot.querySelectorAll(".line")];
    this.alt = this.plot.getAttribute("aria-label");
  }

  /* A line goes if it does not match or nothing on it does. A box is of all runs: it goes if some of them do. */
  filter(filter) {
    let left = 0;
    for (const line of this.lines) {
      const marks = [...line.querySelectorAll("[data-state]")];
      const gone = marks.filter((mark) => !matches(filter, { state: mark.dataset.state }));
      for (const mark of marks) mark.toggleAttribute("hidden", gone.includes(mark));
      for (const box of line.querySelectorAll(".box")) box.toggleAttribute("hidden", gone.length > 0);
      const { diagnostic, host, state } = line.dataset;
      const fits = matches(filter, { diagnostic, host, state }) && (!marks.length || gone.length < marks.length);
      if (fits) left += 1;
      line.hidden = !fits || left > SHOWN_LINES;
    }
    this.note.hidden = left <= SHOWN_LINES;
    this.note.textContent = `The first ${SHOWN_LINES} of ${left} lines are shown; choose a host above for another, or open the table.`;
    this.name(filter);
  }

  /* What it is called: its words were written for all results. */
  name(filter) {
    const chosen = FIELDS.filter((field) => filter[field]).map((field) => `${field} ${filter[field]}`);
    const heading = this.figure.querySelector("h3, h4, h5").textContent;
    const said = chosen.length ? `${heading}, filtered to ${chosen.join(", ")}. Without the filter: ${this.alt}` : this.alt;
    this.plot.setAttribute("aria-label", said);
  }
}
