"use strict";
(function () {
  const rows = Array.from(document.querySelectorAll("details.claim"));
  const paper = document.getElementById("paper");
  const verdict = document.getElementById("verdict");
  const words = document.getElementById("words");
  const shown = document.getElementById("shown");
  function apply() {
    const wanted = words.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      const hit = (!paper.value || row.dataset.paper === paper.value) &&
        (!verdict.value || row.dataset.verdict === verdict.value) &&
        (!wanted || row.textContent.toLowerCase().includes(wanted));
      row.hidden = !hit;
      count += hit ? 1 : 0;
    }
    shown.textContent = count + " of " + rows.length + (rows.length == 1 ? " claim" : " claims");
  }
  function openTarget() {
    const row = document.getElementById(location.hash.slice(1));
    if (row && row.tagName === "DETAILS") { row.hidden = false; row.open = true; row.scrollIntoView(); }
  }
  for (const control of [paper, verdict, words]) { control.addEventListener("input", apply); }
  window.addEventListener("hashchange", openTarget);
  document.getElementById("filter").hidden = false;
  apply();
  openTarget();
})();
