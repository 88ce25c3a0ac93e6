// What people do: pointer, wheel, touch, keys, buttons, filters.

const KEYS = {
  ArrowRight: () => select(chart.neighbour(1, 0), true),
  ArrowLeft: () => select(chart.neighbour(-1, 0), true),
  ArrowDown: () => select(chart.neighbour(0, 1), true),
  ArrowUp: () => select(chart.neighbour(0, -1), true),
  Home: () => select(chart.occupied()[0]?.bars[0] || null, true),
  End: () => select(chart.occupied().slice(-1)[0]?.bars.slice(-1)[0] || null, true),
  "+": () => zoom(1.5, chart.selected ? (chart.selected.shownStart + chart.selected.shownEnd) / 2 : undefined),
  "=": () => KEYS["+"](),
  "-": () => zoom(1 / 1.5),
  0: fit,
  a: () => pan(-0.2),
  d: () => pan(0.2),
  f: () => zoomToBar(),
  Enter: () => found("facts").focus(),
  " ": () => found("facts").focus(),
  Escape: () => select(null),
};

function zoomToBar() {
  const bar = chart.selected;
  if (!bar) return;
  const room = Math.max(bar.shownUntil - bar.shownFrom, chart.scale.length * 1e-5) * 0.5;
  chart.view.show(bar.shownFrom - room, bar.shownUntil + room);
  redraw();
}

canvas.addEventListener("keydown", (event) => {
  const act = KEYS[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
});

const place = (event) => {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

canvas.addEventListener(
  "wheel",
  (event) => {
    if (event.shiftKey) return; // the lanes scroll
    event.preventDefault();
    const [x] = place(event);
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(event.deltaX / 800);
    else zoom(Math.exp(-event.deltaY / 350), chart.painter.shownAt(chart.view, Math.max(x, chart.painter.labels)));
  },
  { passive: false },
);

// One pointer drags, two pinch, one that does not move taps.
const pointers = new Map();
let moved = 0;

canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, place(event));
  moved = 0;
});

canvas.addEventListener("pointermove", (event) => {
  const [x, y] = place(event);
  const before = pointers.get(event.pointerId);
  if (!before) {
    hover(chart.barAt(x, y), event);
    if (!chart.hovered && event.pointerType !== "touch") showSpanTip(chart.spanAt(x, y), event.clientX, event.clientY);
    return;
  }
  const seconds = (chart.view.right - chart.view.left) / Math.max(chart.painter.width - chart.painter.labels, 1);
  if (pointers.size === 1) {
    moved += Math.abs(x - before[0]) + Math.abs(y - before[1]);
    if (moved > 5) {
      chart.view.show(chart.view.left - (x - before[0]) * seconds, chart.view.right - (x - before[0]) * seconds);
      lanesBox.scrollTop -= y - before[1];
      hover(null, event);
    }
  } else {
    const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
    const apart = Math.max(Math.abs(x - other[0]), 10) / Math.max(Math.abs(before[0] - other[0]), 10);
    chart.view.zoom(apart, chart.painter.shownAt(chart.view, (x + other[0]) / 2));
    moved = 99;
  }
  pointers.set(event.pointerId, [x, y]);
  redraw();
});

canvas.addEventListener("pointerup", (event) => {
  if (moved <= 5 && pointers.has(event.pointerId)) select(chart.barAt(...place(event)), false);
  pointers.delete(event.pointerId);
});
canvas.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
canvas.addEventListener("pointerleave", (event) => hover(null, event));
canvas.addEventListener("dblclick", zoomToBar);
// Coming to the chart with the Tab key begins at its first bar; coming with the pointer chooses nothing by itself.
canvas.addEventListener("focus", () => {
  if (!chart.selected && canvas.matches(":focus-visible")) select(chart.neighbour(0, 0), true);
});
lanesBox.addEventListener("scroll", () => {
  chart.top = lanesBox.scrollTop;
  redraw();
});

function hover(bar, event) {
  showTip(event.pointerType === "touch" ? null : bar, event.clientX, event.clientY);
  if (bar === chart.hovered) return;
  chart.hovered = bar;
  canvas.style.cursor = bar ? "pointer" : "grab";
  redraw();
}

// The strip above the chart: drawing over it chooses the part to look at.
const overview = found("overview");
let brushed = null;
const along = (event) => {
  const box = overview.getBoundingClientRect();
  return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * chart.scale.length;
};
overview.addEventListener("pointerdown", (event) => {
  overview.setPointerCapture(event.pointerId);
  brushed = along(event);
});
overview.addEventListener("pointermove", (event) => {
  if (brushed === null) return;
  const to = along(event);
  if (Math.abs(to - brushed) < chart.scale.length * 0.004) return;
  chart.view.show(Math.min(brushed, to), Math.max(brushed, to));
  redraw();
});
overview.addEventListener("pointerup", (event) => {
  const to = along(event);
  if (brushed !== null && Math.abs(to - brushed) < chart.scale.length * 0.004) {
    const half = (chart.view.right - chart.view.left) / 2;
    chart.view.show(to - half, to + half);
    redraw();
  }
  brushed = null;
});

function filterBox(property, title, label) {
  const set = chart.filters.sets[property];
  const summary = element("summary", {}, title);
  const boxes = element("fieldset", {}, element("legend", { class: "unseen" }, title));
  const changed = () => {
    summary.textContent = title + (set.on.size === set.values.length ? "" : " (" + set.on.size + " of " + set.values.length + ")");
    filtered();
  };
  const all = (on) => () => {
    for (const box of boxes.querySelectorAll("input")) box.checked = on;
    set.on = new Set(on ? set.values : []);
    changed();
  };
  boxes.append(
    element("div", {}, element("button", { type: "button", onclick: all(true) }, "All"), " ", element("button", { type: "button", onclick: all(false) }, "None")),
  );
  for (const value of set.values) {
    const box = element("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => {
      if (box.checked) set.on.add(value);
      else set.on.delete(value);
      changed();
    });
    boxes.append(element("label", {}, box, element("bdi", {}, label(value))));
  }
  const filter = element("details", { class: "filter" }, summary, boxes);
  filter.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    filter.open = false;
    summary.focus();
  });
  filter.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !filter.contains(event.relatedTarget)) filter.open = false;
  });
  return filter;
}

document.addEventListener("pointerdown", (event) => {
  for (const filter of document.querySelectorAll("details.filter[open]")) if (!filter.contains(event.target)) filter.open = false;
});

found("filters").prepend(
  filterBox("outcome", "Outcome", words),
  filterBox("agent", "Agent", String),
  filterBox("stageNamed", "Stage", String),
);
found("search").addEventListener("input", (event) => {
  chart.filters.text = event.target.value.trim().toLowerCase();
  filtered();
});
found("closer").addEventListener("click", () => zoom(1.5));
found("wider").addEventListener("click", () => zoom(1 / 1.5));
found("fit").addEventListener("click", fit);
found("left").addEventListener("click", () => pan(-0.25));
found("right").addEventListener("click", () => pan(0.25));
found("path").addEventListener("change", (event) => {
  chart.showsPath = event.target.checked;
  redraw();
});
found("cut").addEventListener("change", (event) => {
  chart.cut(event.target.checked);
  redraw();
});
found("table").addEventListener("toggle", () => found("table").open && fillTable());
found("earlier").addEventListener("click", () => {
  table.page -= 1;
  fillTable();
});
found("later").addEventListener("click", () => {
  table.page += 1;
  fillTable();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  chart.painter.readColours();
  redraw();
});
addEventListener("beforeprint", toPaper);
addEventListener("afterprint", toScreen);
matchMedia("print").addEventListener("change", (event) => (event.matches ? toPaper() : toScreen()));
new ResizeObserver(layOut).observe(lanesBox);
filtered();
