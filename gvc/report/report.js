"use strict";
function prepare(wide) {
  const body = wide.querySelector("tbody");
  const rows = [...body.rows];
  const heads = [...wide.querySelectorAll("thead th")];
  const hasWords = (column) => heads[column].classList.contains("words");
  function keyOf(row, column) {
    const cell = row.cells[column];
    return hasWords(column) ? cell.textContent : cell.dataset.key;
  }
  function sort(column, down) {
    rows.sort((one, other) => {
      const [a, b] = [keyOf(one, column), keyOf(other, column)];
      if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
      const order = hasWords(column) ? a.localeCompare(b, undefined, {numeric: true}) : a - b;
      return down ? -order : order;
    });
    body.append(...rows);
  }
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const down = now ? now === "ascending" : !hasWords(column);
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      sort(column, down);
    });
  });
  if (rows.length < 12) return;
  const filter = document.createElement("input");
  filter.type = "search";
  filter.placeholder = "Filter by name";
  filter.ariaLabel = filter.placeholder;
  filter.addEventListener("input", () => {
    const wanted = filter.value.toLowerCase();
    for (const row of rows) row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
  });
  wide.before(filter);
}
function open() {
  const found = document.getElementById(location.hash.slice(1));
  if (found instanceof HTMLDetailsElement) found.open = true;
}
document.querySelectorAll("[data-sortable]").forEach(prepare);
addEventListener("hashchange", open);
open();
