"use strict";
/* Before the first paint: the reader's choice of theme, if there is one. */
(function () {
  var kept = null;
  try { kept = localStorage.getItem("bench-theme"); } catch (error) { /* no storage: the system's theme */ }
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
  document.documentElement.classList.add("scripted");
})();
