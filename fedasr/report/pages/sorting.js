"use strict";
// A click on a heading sorts by its column, another turns the order round, a third restores it. Notes stay below their row.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const groups = [];
  for (const row of body.rows) {
    if (row.classList.contains("more")) groups.at(-1).push(row);
    else groups.push([row]);
  }
  const key = (group, column) => {
    const cell = group[0].cells[column];
    if (column === 0) return cell.textContent.trim();
    return cell.dataset.key === undefined ? null : Number(cell.dataset.key);
  };
  const order = { none: "ascending", ascending: "descending", descending: "none" };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const wanted = order[head.getAttribute("aria-sort") || "none"];
      for (const other of heads) other.removeAttribute("aria-sort");
      if (wanted !== "none") head.setAttribute("aria-sort", wanted);
      const sign = { none: 0, ascending: 1, descending: -1 }[wanted];
      const compare = (one, other) => {
        const [a, b] = [key(one, column), key(other, column)];
        if (a === b || sign === 0) return 0;
        if (a === null || b === null) return a === null ? 1 : -1;
        return a < b ? -sign : sign;
      };
      body.append(...[...groups].sort(compare).flat());
    });
  });
}
