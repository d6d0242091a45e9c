"use strict";
/* Wiring: filter, theme, unfolding, sorting. Without scripts the page is whole, and nothing of it moves. */
(function () {
  const form = document.getElementById("filter");
  const count = document.getElementById("count");
  const drawings = [...document.querySelectorAll("figure[data-filtered]")].map((figure) => new Lines(figure));
  const filterable = [...document.querySelectorAll("[data-diagnostic], [data-host], [data-state]")]
    .filter((node) => !node.matches("a") && !node.closest(".plot"));
  let filter = { diagnostic: "", host: "", status: "" };

  function choose(state) {
    for (const field of FIELDS) {
      const select = form.elements[field];
      const known = [...select.options].some((option) => option.value === state[field]);
      select.value = known ? state[field] : "";
      filter[field] = select.value;
    }
  }

  function apply() {
    for (const node of filterable) {
      const data = node.dataset;
      node.hidden = !matches(filter, { diagnostic: data.diagnostic, host: data.host, state: data.state });
    }
    const rows = [...document.querySelectorAll("#verdicts tbody tr[data-host]")];
    const shown = rows.filter((row) => !row.hidden).length;
    hideEmpty();
    for (const drawing of drawings) drawing.filter(filter);
    for (const link of document.querySelectorAll(".tile")) {
      const chosen = link.dataset.status === filter.status;
      if (chosen) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
      link.setAttribute("href", makeHash({ ...filter, status: chosen ? "" : link.dataset.status }) || "#verdicts");
    }
    const active = FIELDS.some((field) => filter[field]);
    openFine(active);
    sayNothing(rows.length > 0 && shown === 0);
    form.classList.toggle("active", active);
    count.textContent = active ? `${shown} of ${rows.length} newest results` : `${rows.length} newest ${rows.length === 1 ? "result" : "results"}`;
  }

  /* What is as expected is folded; a filter that leaves some of it unfolds it. */
  const fine = document.getElementById("fine");
  const folded = fine && !fine.open;
  function openFine(active) {
    if (!fine) return;
    fine.hidden = !fine.querySelector("tbody tr:not([hidden])");
    if (folded) fine.open = active && !fine.hidden;
  }

  /* What stands for many results goes with the last of them: a host, a history, a diagnostic, a link to one. */
  function hideEmpty() {
    const left = new Set();
    for (const row of document.querySelectorAll(":is(#all, #verdicts) tbody tr[data-host]:not([hidden])")) {
      const { diagnostic, host } = row.dataset;
      left.add(host).add(diagnostic + "\n" + host).add("\n" + diagnostic);
    }
    const gone = (key) => !left.has(key);
    for (const row of document.querySelectorAll("#hosts tbody tr")) row.hidden = row.hidden || gone(row.dataset.host);
    for (const figure of document.querySelectorAll(".multiples > figure"))
      figure.hidden = figure.hidden || gone(figure.dataset.diagnostic + "\n" + figure.dataset.host);
    for (const part of document.querySelectorAll("main .part"))
      part.hidden = !part.querySelector("figure[data-host]:not([hidden]), details.result:not([hidden])");
    for (const section of document.querySelectorAll("#diagnostics > [data-diagnostic]"))
      section.hidden = section.hidden || gone("\n" + section.dataset.diagnostic);
    const compared = document.getElementById("comparisons");
    if (compared) {
      const own = [...compared.querySelectorAll("details > figure:not([data-diagnostic]), :scope > details > .scroll")];
      for (const item of own) item.hidden = !item.querySelector("tbody tr:not([hidden])");
      compared.hidden = !compared.querySelector(":scope > details > :is(figure, .scroll):not([hidden])");
    }
    for (const link of document.querySelectorAll('.contents a[href^="#"]'))
      link.parentElement.hidden = document.getElementById(link.hash.slice(1))?.hidden ?? false;
  }

  function sayNothing(nothing) {
    const note = document.getElementById("nothing");
    if (!note) return;
    const older = document.querySelectorAll("#all tbody tr:not([hidden])").length;
    note.textContent = older ? `None of the newest results matches the filter; ${older} older do, below.` : "No result matches the filter.";
    note.hidden = !nothing;
    for (const part of document.querySelectorAll("#verdicts > .lines-of"))
      part.hidden = nothing || !part.querySelector("tbody tr[data-host]:not([hidden])");
  }

  function go(at) {
    const target = at && document.getElementById(at);
    if (!target) return;
    for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    /* A part that is folded away whole. */
    const part = target.matches(".folded") && target.querySelector(":scope > details");
    if (part) part.open = true;
    if (!target.matches("a, button, summary, [tabindex]")) target.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: true });
    target.scrollIntoView();
  }

  function fromHash() {
    const state = parseHash(location.hash);
    if (location.hash.includes("=")) { choose(state); apply(); }
    go(state.at);
  }

  form.addEventListener("change", () => {
    for (const field of FIELDS) filter[field] = form.elements[field].value;
    history.replaceState(null, "", makeHash(filter) || location.href.split("#")[0]);
    apply();
  });
  form.addEventListener("reset", () => setTimeout(() => form.dispatchEvent(new Event("change"))));
  form.addEventListener("submit", (event) => event.preventDefault());

  /* An anchor keeps the filter: both are in the address. A tile replaces the filter's status. */
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const wanted = parseHash(link.getAttribute("href"));
    event.preventDefault();
    const isTile = link.classList.contains("tile");
    if (isTile) { choose({ ...filter, status: wanted.status || "" }); apply(); }
    const hash = makeHash({ ...filter, at: wanted.at });
    if (hash !== location.hash) history.pushState(null, "", hash || location.href.split("#")[0]);
    if (!isTile) go(wanted.at);
  });
  addEventListener("hashchange", fromHash);
  addEventListener("popstate", () => { choose(parseHash(location.hash)); apply(); });

  /* Theme: automatic, light, dark. */
  const theme = document.getElementById("theme");
  function nameTheme() { theme.textContent = "Theme: " + (document.documentElement.dataset.theme || "auto"); }
  theme.addEventListener("click", () => {
    const next = { auto: "light", light: "dark", dark: "" }[document.documentElement.dataset.theme || "auto"];
    if (next) document.documentElement.dataset.theme = next; else delete document.documentElement.dataset.theme;
    try { if (next) localStorage.setItem("bench-theme", next); else localStorage.removeItem("bench-theme"); } catch (error) { /* kept for this visit only */ }
    nameTheme();
  });
  nameTheme();

  const expand = document.getElementById("expand");
  expand.addEventListener("click", () => {
    const all = [...document.querySelectorAll("main details:not(.figures)")];
    const open = all.some((node) => !node.open);
    for (const node of all) node.open = open;
    expand.textContent = open ? "Fold all" : "Unfold all";
  });

  /* Sorting: a button in each heading. */
  for (const head of document.querySelectorAll("thead th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(head));
  }
  function sort(head) {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = head.closest("table").tBodies[0];
    const at = head.cellIndex;
    /* A line's reason stays below it. */
    const keyed = [...body.rows].filter((row) => !row.matches(".why")).map((row) => {
      const why = row.nextElementSibling;
      return [orderOf(row.cells[at]), why && why.matches(".why") ? [row, why] : [row]];
    });
    keyed.sort((a, b) => compare(a[0], b[0], down ? -1 : 1));
    body.append(...keyed.flatMap((pair) => pair[1]));
  }
  /* As number_of in cells.py: a cell has its own number only if its text does not tell it. */
  const NUMBER = /^([+-]?\d[\d ]*(?:\.\d+)?(?:e[+-]?\d+)?) ?(\D\S*)?$/;
  const UNITS = { ms: 1e-3, "µs": 1e-6, "%": 0.01, MHz: 1e6, GHz: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 };
  function orderOf(cell) {
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    const text = cell.textContent;
    if (text === "–") return NaN;
    const found = NUMBER.exec(text);
    return found ? Number(found[1].replaceAll(" ", "")) * (UNITS[found[2]] ?? 1) : text;
  }
  /* What is not known comes last in both directions. */
  function compare(a, b, sign) {
    const noA = typeof a === "number" && Number.isNaN(a), noB = typeof b === "number" && Number.isNaN(b);
    if (noA || noB) return noA - noB;
    if (typeof a === "number" && typeof b === "number") return sign * (a - b);
    return sign * String(a).localeCompare(String(b), "en", { numeric: true });
  }

  for (const node of [form, theme, expand]) node.hidden = false;
  choose(parseHash(location.hash));
  apply();
  go(parseHash(location.hash).at);
})();
