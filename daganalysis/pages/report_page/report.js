// Tables that sort and filter. Without scripts they are plain tables, complete and in their first order.

function liven(table) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const rows = [...body.rows];
  heads.forEach((head, column) => {
    if (head.classList.contains("still")) return;
    const button = element("button", { type: "button" }, ...head.childNodes);
    head.replaceChildren(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending" || (head.classList.contains("number") && head.getAttribute("aria-sort") === "none");
      for (const other of heads) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      body.append(...sorted(rows, column, down));
    });
  });
  if (rows.length > 6) addFilter(table, rows);
}

// Numbers by their raw value, texts by their letters; what is missing goes last in either direction, equals keep their order.
function sorted(rows, column, down) {
  const keys = new Map(rows.map((row) => [row, keyOf(row.cells[column])]));
  return [...rows].sort((a, b) => {
    const [x, y] = [keys.get(a), keys.get(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    const order = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
    return down ? -order : order;
  });
}

function keyOf(cell) {
  if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
  const text = cell.textContent.trim();
  return text === "-" || text === "" ? null : cell.classList.contains("number") ? Number(text.replaceAll(",", "")) : text;
}

// What a row says, and the ids that it shortens.
function textOf(row) {
  return [row.textContent, ...[...row.querySelectorAll("[title]")].map((part) => part.title)].join(" ");
}

function addFilter(table, rows) {
  const box = table.closest(".scroller");
  const name = box.getAttribute("aria-label");
  const input = element("input", { type: "search", placeholder: "Filter rows", "aria-label": "Filter rows of " + name });
  const said = element("span", { class: "quiet", role: "status" });
  const texts = rows.map((row) => textOf(row).toLowerCase());
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase().split(/\s+/);
    let shown = 0;
    rows.forEach((row, n) => {
      row.hidden = !wanted.every((word) => texts[n].includes(word));
      if (!row.hidden) shown += 1;
    });
    said.textContent = input.value.trim() ? shown + " of " + counted(rows.length, "row") : "";
  });
  box.before(element("div", { class: "tools filter" }, input, said));
}

for (const table of document.querySelectorAll("table.lively")) liven(table);
