// Sorting and filtering of leaderboards. Everything can be read without it.
"use strict";

// Unknown values stay last, whichever way the column is sorted.
function compare(a, b, direction) {
  if (a === "" || b === "") return a === b ? 0 : a === "" ? 1 : -1;
  const [x, y] = [Number(a), Number(b)];
  const order = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
  return order * direction;
}

function sortBy(table, column, direction) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  rows.sort((a, b) => compare(a.cells[column].dataset.sort ?? "", b.cells[column].dataset.sort ?? "", direction));
  body.append(...rows);
}

function makeSortable(table) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const ascending = header.getAttribute("aria-sort") !== "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      sortBy(table, column, ascending ? 1 : -1);
    });
  });
  headers[0].setAttribute("aria-sort", "ascending");
}

function makeFilterable(board) {
  const controls = board.querySelector(".controls");
  const rows = [...board.querySelectorAll("tbody tr")];
  const find = controls.querySelector(".find");
  const picks = [...controls.querySelectorAll(".pick")];
  const apply = () => {
    const wanted = find.value.trim().toLowerCase();
    for (const row of rows) {
      const picked = picks.every((pick) => pick.value === "" || row.dataset[pick.dataset.column] === pick.value);
      row.hidden = !picked || !row.querySelector(".who").textContent.toLowerCase().includes(wanted);
    }
    const shown = rows.filter((row) => !row.hidden).length;
    controls.querySelector(".shown").textContent = shown === rows.length ? "" : `${shown} of ${rows.length} shown`;
  };
  controls.addEventListener("input", apply);
  controls.hidden = false;
}

// A permalink may point into a closed part of the page.
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  for (let part = target; part; part = part.parentElement) {
    if (part instanceof HTMLDetailsElement) part.open = true;
  }
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelectorAll(".board").forEach(makeFilterable);
window.addEventListener("hashchange", openTarget);
openTarget();
