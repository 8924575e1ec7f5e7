"use strict";
(function () {
  const words = document.getElementById("words");
  const shown = document.getElementById("shown");
  if (!words) { return; }
  const rows = Array.from(document.querySelectorAll("#edges tbody tr"));
  function apply() {
    const wanted = words.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      row.hidden = Boolean(wanted) && !row.cells[0].textContent.toLowerCase().includes(wanted);
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = count + " of " + rows.length;
  }
  words.addEventListener("input", apply);
  document.getElementById("filter").hidden = false;
  apply();
})();
