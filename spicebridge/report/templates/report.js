"use strict";
(function () {
  const words = document.getElementById("words");
  const shown = document.getElementById("shown");
  if (!words) { return; }
  const edges = document.getElementById("edges");
  const parts = Array.from(edges.children, part => [part, Array.from(part.querySelectorAll("tbody tr"))]);
  const total = parts.reduce((sum, [, rows]) => sum + rows.length, 0);
  function apply() {
    const wanted = words.value.trim().toLowerCase();
    let count = 0;
    edges.classList.toggle("found", Boolean(wanted));
    for (const [part, rows] of parts) {
      let here = 0;
      for (const row of rows) {
        row.hidden = Boolean(wanted) && !row.cells[0].textContent.toLowerCase().includes(wanted);
        here += row.hidden ? 0 : 1;
      }
      part.hidden = here === 0 && part !== edges.firstElementChild;
      count += here;
    }
    shown.textContent = count + " of " + total;
  }
  words.addEventListener("input", apply);
  document.getElementById("filter").hidden = false;
  shown.textContent = total + " of " + total;
})();
