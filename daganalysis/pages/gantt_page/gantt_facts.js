// What is known of a bar: a line beside the pointer, everything in the panel, and the same bars as a table.

function stageName(bar) {
  return (bar.stage === null ? "no stage" : "stage " + bar.stage) + (bar.task.stage_name ? " " + bar.task.stage_name : "");
}

function barTitle(bar) {
  if (bar.n > 1) return bar.task.name + ": " + counted(bar.n, "sub-task") + " in one bar, " + words(bar.outcome);
  const kind = bar.kind === "unknown" ? "hand-out" : bar.kind;
  return bar.task.name + ": " + kind + " " + bar.attempt + " of " + bar.task.times + ", " + words(bar.outcome);
}

function lengthOf(bar) {
  const known = humanDuration(bar.end - bar.start);
  if (!bar.open) return known;
  return bar.end > bar.start ? "at least " + known + ", its end is not known" : "not known, no response shows its end";
}

function instant(time) {
  const offset = offsetAt(time);
  const moment = new Date(data.origin_ms + (time + offset.s) * 1000);
  return moment.toISOString().slice(0, 23).replace("T", " ") + " " + (data.offsets.length > 1 ? offset.name : data.zone);
}

function factRows(bar) {
  const rows = [
    ["Task", bar.task.name],
    ["Stage", stageName(bar)],
    ["Agent", bar.agent],
    ["Attempt", bar.attempt + " of " + bar.task.times + " (" + (bar.kind === "unknown" ? "run or rollback is not known" : bar.kind) + ")"],
    ["Outcome", words(bar.outcome)],
    ["Started", instant(bar.start)],
    ["Took", lengthOf(bar)],
  ];
  if (bar.start > bar.from) rows.push(["Dispatched", humanDuration(bar.start - bar.from) + " before it ran"]);
  if (bar.until > bar.end) rows.push(["Noticed", humanDuration(bar.until - bar.end) + " after it ended"]);
  if (bar.passed !== null) rows.push(["Passed", instant(bar.passed)]);
  if (bar.evidence !== "observed") rows.push(["Evidence", bar.evidence + ": no response showed this attempt's own times"]);
  if (data.several) rows.push(["Run", bar.task.run]);
  rows.push(["Sub-task", bar.task.gid]);
  return rows;
}

function showFacts(bar) {
  const panel = found("facts");
  panel.replaceChildren();
  found("said").textContent = bar ? barTitle(bar) + ", " + lengthOf(bar) + ", on " + bar.agent : "";
  if (!bar) {
    panel.append(...nothingChosen());
    return;
  }
  panel.append(element("h2", { class: "name" }, barTitle(bar)));
  const list = element("dl", {});
  for (const [name, value] of factRows(bar)) list.append(element("dt", {}, name), element("dd", {}, String(value)));
  if (bar.error) panel.append(element("p", { class: "code error" }, bar.error));
  panel.append(list, element("h3", {}, "Log lines of the sub-task"), logList(bar.task));
}

const MOST_ERRORS = 12;

// Before a bar is chosen the panel leads to the bars that left an error line, the last one first: it is mostly the one that stopped the run.
function nothingChosen() {
  const hint = element("p", { class: "quiet" }, "Choose a bar, with the pointer or the arrow keys, to see its facts and its log lines.");
  const failed = chart.shown.filter((bar) => bar.error).sort((a, b) => b.end - a.end);
  if (!failed.length) return [hint];
  const list = element("ul", { class: "errors" });
  for (const bar of failed.slice(0, MOST_ERRORS)) {
    const go = () => {
      select(bar, true);
      found("facts").focus();
    };
    list.append(element("li", {}, element("button", { type: "button", class: "name", onclick: go }, stageName(bar) + ", " + bar.agent + (bar.task.times > 1 ? ", attempt " + bar.attempt : "")), element("div", { class: "code error" }, bar.error.slice(0, 300))));
  }
  if (failed.length > MOST_ERRORS) list.append(element("li", { class: "quiet" }, "and " + counted(failed.length - MOST_ERRORS, "more", "more")));
  return [hint, element("h2", {}, counted(failed.length, "attempt") + " with an error line" + (failed.length > 1 ? ", the last first" : "")), list];
}

function logList(task) {
  if (!task.logs.length) return element("p", { class: "quiet" }, task.logs_known ? "It logged nothing." : "No response shows its log lines.");
  const list = element("ol", { class: "log code" });
  for (const line of task.logs) {
    list.append(element("li", { class: line.includes("ERROR: ") ? "error" : line.startsWith("WARN: ") ? "warning" : null }, line));
  }
  const box = element("div", {}, list);
  if (task.logs_left_out) box.append(element("p", { class: "quiet" }, "The archive has the lines left out here, too."));
  return box;
}

function showTip(bar, x, y) {
  const tip = found("tip");
  tip.hidden = !bar;
  if (!bar) return;
  tip.replaceChildren(
    element("strong", { class: "name" }, barTitle(bar)),
    element("div", {}, lengthOf(bar) + " on " + bar.agent),
    element("div", {}, stageName(bar)),
  );
  if (bar.error) tip.append(element("div", { class: "code error" }, bar.error.slice(0, 200)));
  placeTip(tip, x, y);
}

function showSpanTip(span, x, y) {
  const tip = found("tip");
  tip.hidden = !span;
  if (!span) return;
  tip.replaceChildren(element("strong", {}, humanDuration(span.to - span.from)), " " + data.categories[span.category]);
  placeTip(tip, x, y);
}

function placeTip(tip, x, y) {
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(x + 14, window.innerWidth - box.width - 8)) + "px";
  tip.style.top = (y + box.height + 22 > window.innerHeight ? Math.max(4, y - box.height - 12) : y + 16) + "px";
}

// The table holds the bars that are shown, a page at a time, and is made only when it is opened.

const PAGE = 100;
const TABLE_COLUMNS = [
  ["Task", (bar) => bar.task.name],
  ["Stage", (bar) => bar.stage, "number"],
  ["Agent", (bar) => bar.agent],
  ["Attempt", (bar) => bar.attempt, "number"],
  ["Kind", (bar) => bar.kind],
  ["Outcome", (bar) => words(bar.outcome)],
  ["Started", (bar) => bar.start, "number", (bar) => instant(bar.start).slice(0, 23)],
  ["Took", (bar) => bar.end - bar.start, "number", lengthOf],
  ["Evidence", (bar) => bar.evidence],
];
const table = { page: 0, column: 6, down: false };

function tableChanged() {
  table.page = 0;
  if (found("table").open) fillTable();
}

function fillTable() {
  const value = TABLE_COLUMNS[table.column][1];
  const bars = [...chart.shown].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    const order = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
    return (table.down ? -order : order) || a.number - b.number;
  });
  const first = table.page * PAGE;
  const head = element("tr", {});
  TABLE_COLUMNS.forEach(([name, , kind], n) => {
    const sort = n === table.column ? (table.down ? "descending" : "ascending") : "none";
    head.append(element("th", { scope: "col", class: kind || "text", "aria-sort": sort }, element("button", { type: "button", onclick: () => sortTable(n) }, name)));
  });
  head.append(element("th", { scope: "col" }, "In the chart"));
  const body = element("tbody", {});
  for (const bar of bars.slice(first, first + PAGE)) body.append(tableRow(bar));
  found("rows").replaceChildren(element("thead", {}, head), body);
  found("range").textContent = bars.length ? "Rows " + (first + 1) + " to " + Math.min(first + PAGE, bars.length) + " of " + bars.length.toLocaleString("en") : "No bars";
  found("earlier").disabled = table.page === 0;
  found("later").disabled = first + PAGE >= bars.length;
}

function tableRow(bar) {
  const row = element("tr", {});
  for (const [, value, kind, shown] of TABLE_COLUMNS) row.append(element("td", { class: kind || "text" }, String((shown || value)(bar) ?? "-")));
  const label = "Show " + bar.task.name + " attempt " + bar.attempt + " in the chart";
  const show = () => {
    select(bar, true);
    canvas.focus();
  };
  row.append(element("td", {}, element("button", { type: "button", "aria-label": label, onclick: show }, "Show")));
  return row;
}

function sortTable(column) {
  Object.assign(table, { page: 0, down: table.column === column && !table.down, column });
  fillTable();
  found("rows").querySelectorAll("th button")[column].focus();
}
