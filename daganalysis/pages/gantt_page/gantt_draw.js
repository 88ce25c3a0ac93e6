// Drawing the chart on a canvas: only the lanes and bars in sight are drawn, so that thousands of bars stay smooth.

const ROW = 24;
const AXIS = 40;
// Times stand on the first of these lines that has room, the nearest to the lanes first.
const AXIS_LINES = [27, 11];
const LEAST = 3; // pixels: a shorter bar could be neither seen nor tapped
const CROWDED = 6; // pixels: marks nearer to each other than this are one
const LEAST_OF_NAME = 10; // letters of a stage's name without which it could not be guessed
const LEAST_OF_AGENT = 12; // last letters of an agent's address that still tell it from others
const FONT = "12px system-ui, sans-serif";

class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.readColours();
  }

  // The colours are those of the style sheet, which has one set for each scheme.
  readColours() {
    const style = getComputedStyle(document.documentElement);
    const known = new Map();
    this.colour = (name) => {
      if (!known.has(name)) known.set(name, style.getPropertyValue("--" + name).trim() || style.getPropertyValue("--unknown").trim());
      return known.get(name);
    };
    this.hatch = {};
    this.strip = null;
  }

  resize(width, height, lanes, ratio = window.devicePixelRatio || 1) {
    this.width = width;
    this.height = height;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const most = Math.min(340, width * (width < 560 ? 0.3 : 0.34));
    this.labels = Math.max(90, Math.min(most, this.widest(lanes) + 14));
  }

  // How wide the labels of some lanes are in full.
  widest(lanes) {
    if (this.measured?.lanes === lanes) return this.measured.width;
    this.pen.font = FONT;
    const widths = lanes.map((lane) => this.indent(lane) + this.pen.measureText(lane.label.trimStart()).width);
    this.measured = { lanes, width: widths.reduce((one, other) => Math.max(one, other), 0) };
    return this.measured.width;
  }

  // A child DAG's lanes are indented.
  indent(lane) {
    return 6 + (lane.label.length - lane.label.trimStart().length) * 5;
  }

  x(view, shown) {
    return this.labels + ((shown - view.left) / (view.right - view.left)) * (this.width - this.labels - 6);
  }

  shownAt(view, x) {
    return view.left + ((x - this.labels) / (this.width - this.labels - 6)) * (view.right - view.left);
  }

  draw(chart) {
    const pen = this.pen;
    pen.clearRect(0, 0, this.width, this.height);
    pen.font = FONT;
    pen.textBaseline = "middle";
    const first = Math.max(0, Math.floor(chart.top / ROW));
    const last = Math.min(chart.lanes.length, Math.ceil((chart.top + this.height - AXIS) / ROW) + 1);
    pen.save();
    pen.beginPath();
    pen.rect(0, AXIS, this.width, this.height - AXIS);
    pen.clip();
    this.stripes(chart, first, last);
    pen.save();
    pen.beginPath();
    pen.rect(this.labels, AXIS, this.width - this.labels, this.height - AXIS);
    pen.clip();
    this.tints(chart);
    this.grid(chart);
    for (let n = first; n < last; n += 1) {
      this.spans(chart, chart.lanes[n], this.y(chart, n));
      this.marked = { at: -CROWDED, what: "" };
      for (const bar of chart.lanes[n].bars) this.bar(chart, bar, this.y(chart, n));
    }
    this.cuts(chart);
    pen.restore();
    this.laneLabels(chart, first, last);
    pen.restore();
    this.axis(chart);
  }

  y(chart, lane) {
    return AXIS + lane * ROW - chart.top;
  }

  stripes(chart, first, last) {
    const pen = this.pen;
    for (let n = first; n < last; n += 1) {
      if (chart.lanes[n].stripe) {
        pen.fillStyle = this.colour("stripe");
        pen.fillRect(0, this.y(chart, n), this.width, ROW);
      }
      if (chart.lanes[n].opens) {
        pen.fillStyle = this.colour("line");
        pen.fillRect(0, this.y(chart, n), this.width, 1);
      }
    }
  }

  // While somebody was waited for, or the time is lost, the whole chart is tinted.
  tints(chart) {
    for (const span of data.spans) {
      if (span.depth > 0 || !data.waits_of_the_run.includes(span.category)) continue;
      const from = this.x(chart.view, span.shownFrom);
      const to = this.x(chart.view, span.shownTo);
      if (to < this.labels || from > this.width) continue;
      this.pen.globalAlpha = 0.13;
      this.pen.fillStyle = this.colour("span-" + span.category);
      this.pen.fillRect(from, AXIS, Math.max(to - from, 1), this.height - AXIS);
      this.pen.globalAlpha = 1;
    }
  }

  // A run's own lane: what every second of it was spent on.
  spans(chart, lane, y) {
    for (const span of lane.spans) {
      const from = this.x(chart.view, span.shownFrom);
      const to = this.x(chart.view, span.shownTo);
      if (to < this.labels || from > this.width) continue;
      this.pen.fillStyle = span.category === "lost" ? this.hatched(this.colour("span-lost")) : this.colour("span-" + span.category);
      this.pen.fillRect(from, y + ROW * 0.2, Math.max(to - from, 0.5), ROW * 0.6);
    }
  }

  grid(chart) {
    this.pen.fillStyle = this.colour("line");
    for (const tick of chart.ticks) this.pen.fillRect(Math.round(this.x(chart.view, tick.shown)), AXIS, 1, this.height - AXIS);
  }

  bar(chart, bar, y) {
    const view = chart.view;
    const from = this.x(view, bar.shownFrom);
    const until = Math.max(this.x(view, bar.shownUntil), from + LEAST);
    if (until < this.labels || from > this.width) return;
    const start = this.x(view, bar.shownStart);
    const end = Math.max(this.x(view, bar.shownEnd), start + LEAST);
    const tall = bar.kind === "rollback" ? ROW * 0.36 : ROW * 0.66;
    const top = y + (ROW - tall) / 2;
    this.thinLine(from, start, y, "dispatched");
    this.thinLine(end, until, y, "noticed");
    this.box(bar, start, end, top, tall);
    if (bar.onPath && chart.showsPath) this.frame(start, end, top, tall);
    this.marks(bar, start, end, top, tall, y, view);
    if (bar === chart.selected || bar === chart.hovered) this.choice(Math.min(from, start), Math.max(until, end), y, bar === chart.selected);
  }

  thinLine(from, to, y, name) {
    if (to - from <= 0.5) return;
    this.pen.fillStyle = this.colour(name);
    this.pen.fillRect(from, y + ROW / 2 - 2, to - from, 4);
  }

  box(bar, start, end, top, tall) {
    const colour = this.colour("bar-" + bar.outcome);
    const observed = bar.evidence === "observed";
    this.pen.fillStyle = observed ? colour : this.hatched(colour);
    this.pen.fillRect(start, top, end - start, tall);
    if (observed && bar.kind !== "rollback") return;
    this.pen.strokeStyle = colour;
    this.pen.lineWidth = 1;
    this.pen.strokeRect(start + 0.5, top + 0.5, Math.max(end - start - 1, 1), tall - 1);
  }

  marks(bar, start, end, top, tall, y, view) {
    if (bar.kind === "rollback") this.begin("back", start, y);
    else if (bar.attempt > 1) this.begin("ring", start, y);
    if (bar.open) this.openEnd(end, top, tall, this.colour("bar-" + bar.outcome));
    if (bar.error) this.cross(end, y);
    if (bar.shownPassed !== null) this.pass(this.x(view, bar.shownPassed), y);
  }

  // The bar that is selected, or that the pointer is over.
  choice(from, to, y, selected) {
    this.pen.strokeStyle = this.colour(selected ? "focus" : "ink");
    this.pen.lineWidth = selected ? 3 : 1.5;
    this.pen.strokeRect(from - 2, y + 2, to - from + 4, ROW - 4);
  }

  // Of marks that would lie on each other, as of hundreds of retries in one lane, the first stands for all until one zooms in.
  begin(what, x, y) {
    if (this.marked.what === what && x - this.marked.at < CROWDED) return;
    this.marked = { at: x, what };
    this[what](x, y);
  }

  // The run waited for this attempt: it is on the critical path.
  frame(start, end, top, tall) {
    this.pen.strokeStyle = this.colour("ink");
    this.pen.lineWidth = 2;
    this.pen.strokeRect(start, top, end - start, tall);
  }

  // A rollback run begins with a triangle that points back.
  back(x, y) {
    this.mark(() => {
      this.pen.moveTo(x - 9, y + ROW / 2);
      this.pen.lineTo(x - 2, y + ROW / 2 - 5);
      this.pen.lineTo(x - 2, y + ROW / 2 + 5);
      this.pen.closePath();
    });
  }

  // A run after the first, which a retry made, begins with a ring.
  ring(x, y) {
    this.mark(() => this.pen.arc(x - 6, y + ROW / 2, 4, 0, 2 * Math.PI));
  }

  mark(outline) {
    this.pen.fillStyle = this.colour("paper");
    this.pen.strokeStyle = this.colour("ink");
    this.pen.lineWidth = 1.2;
    this.pen.beginPath();
    outline();
    this.pen.fill();
    this.pen.stroke();
  }

  // Not ended when last seen: the bar runs out in an arrow.
  openEnd(x, top, tall, colour) {
    const pen = this.pen;
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(x, top);
    pen.lineTo(x + tall * 0.6, top + tall / 2);
    pen.lineTo(x, top + tall);
    pen.fill();
  }

  // An attempt that left an ERROR line bears a cross, so that it shows without colour too.
  cross(x, y) {
    const pen = this.pen;
    const middle = y + ROW / 2;
    pen.fillStyle = this.colour("paper");
    pen.beginPath();
    pen.arc(x, middle, 6, 0, 2 * Math.PI);
    pen.fill();
    pen.strokeStyle = this.colour("bad");
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(x - 3, middle - 3);
    pen.lineTo(x + 3, middle + 3);
    pen.moveTo(x + 3, middle - 3);
    pen.lineTo(x - 3, middle + 3);
    pen.stroke();
  }

  // Where an operator passed the sub-task, not where it ended.
  pass(x, y) {
    const pen = this.pen;
    pen.fillStyle = this.colour("ink");
    pen.fillRect(x - 7, y + ROW / 2 - 8, 14, 16);
    pen.fillStyle = this.colour("paper");
    pen.textAlign = "center";
    pen.fillText("P", x, y + ROW / 2);
  }

  hatched(colour) {
    if (!this.hatch[colour]) {
      const tile = document.createElement("canvas");
      tile.width = 8;
      tile.height = 8;
      const pen = tile.getContext("2d");
      pen.strokeStyle = colour;
      pen.lineWidth = 2;
      for (const offset of [-8, 0, 8]) {
        pen.moveTo(offset, 8);
        pen.lineTo(offset + 8, 0);
      }
      pen.stroke();
      this.hatch[colour] = this.pen.createPattern(tile, "repeat");
    }
    return this.hatch[colour];
  }

  cuts(chart) {
    const pen = this.pen;
    for (const cut of chart.scale.cuts) {
      const from = this.x(chart.view, chart.scale.shown(cut.from));
      const to = this.x(chart.view, chart.scale.shown(cut.to));
      if (to < this.labels || from > this.width) continue;
      pen.fillStyle = this.colour("panel");
      pen.fillRect(from, AXIS, to - from, this.height - AXIS);
      pen.strokeStyle = this.colour("soft");
      pen.lineWidth = 1.5;
      for (const x of [from, to]) {
        pen.beginPath();
        for (let y = AXIS; y <= this.height + 6; y += 6) pen.lineTo(x + ((y / 6) % 2 < 1 ? -2 : 2), y);
        pen.stroke();
      }
      pen.save();
      pen.translate((from + to) / 2, AXIS + (this.height - AXIS) / 2);
      pen.rotate(-Math.PI / 2);
      pen.fillStyle = this.colour("ink");
      pen.textAlign = "center";
      const said = humanDuration(cut.to - cut.from) + " " + cut.said;
      const short = pen.measureText(said).width <= this.height - AXIS - 8 ? said : humanDuration(cut.to - cut.from);
      if (to - from > 17) pen.fillText(short, 0, 0);
      pen.restore();
    }
  }

  laneLabels(chart, first, last) {
    const pen = this.pen;
    pen.textAlign = "left";
    for (let n = first; n < last; n += 1) {
      const lane = chart.lanes[n];
      const y = this.y(chart, n) + ROW / 2;
      pen.fillStyle = this.colour(lane === chart.lanes[chart.selected?.place] ? "focus" : "ink");
      if (lane.bare) pen.fillStyle = this.colour("soft");
      const indent = this.indent(lane);
      // The topmost lane in sight names its stage, however far down its stage it is.
      const named = lane.opens || n === Math.ceil(chart.top / ROW);
      // A mark before the dot keeps the digits of an address out of an Arabic or Hebrew name before it.
      pen.fillText(this.shortened(lane, this.labels - indent - 6, named).replace(" · ", "\u200e · "), indent, y);
    }
  }

  // A label that is too long loses what tells least: of "stage · agent" first the end of the stage, then the beginning of the agent, at last
  // all of it; of an agent alone the middle, for its port and its last number tell lanes apart.
  shortened(lane, room, named) {
    const full = (named && lane.head ? lane.head : "") + lane.label.trimStart();
    if (lane.fits === room && lane.full === full) return lane.short;
    lane.fits = room;
    lane.full = full;
    const dot = full.lastIndexOf(" · ");
    const whole = (text) => this.pen.measureText(text).width <= room;
    const cut = (text, end) => {
      let keep = text.length;
      while (keep > 1 && !whole(text.slice(0, keep) + "…" + end)) keep -= 1;
      return text.slice(0, keep) + "…" + end;
    };
    if (whole(full)) lane.short = full;
    else if (dot >= 0 && whole(full.slice(0, LEAST_OF_NAME) + "…" + full.slice(dot))) lane.short = cut(full.slice(0, dot), full.slice(dot));
    else if (dot >= 0 && whole(full.slice(0, LEAST_OF_NAME) + "… · …" + full.slice(-LEAST_OF_AGENT))) {
      lane.short = cut(full.slice(0, LEAST_OF_NAME) + "… · ", full.slice(-LEAST_OF_AGENT));
    } else if (dot >= 0) lane.short = whole(full.slice(0, dot)) ? full.slice(0, dot) : cut(full.slice(0, dot), "");
    else if (/:\d+$/.test(full)) lane.short = cut(full.slice(0, Math.ceil(full.length / 2)), full.slice(-7));
    else lane.short = cut(full, "");
    return lane.short;
  }

  axis(chart) {
    const pen = this.pen;
    pen.fillStyle = this.colour("panel");
    pen.fillRect(0, 0, this.width, AXIS);
    pen.fillStyle = this.colour("line");
    pen.fillRect(0, AXIS - 1, this.width, 1);
    pen.fillStyle = this.colour("ink");
    pen.textAlign = "center";
    const taken = AXIS_LINES.map(() => this.labels - 4);
    let told = data.offsets.length > 1 ? null : data.offsets[0];
    for (const tick of chart.ticks) {
      const x = this.x(chart.view, tick.shown);
      const offset = offsetAt(tick.time);
      // Where clocks change, the first time with each offset names it.
      const text = chart.clock(tick.time, chart.step) + (offset === told ? "" : " " + offset.name);
      const half = pen.measureText(text).width / 2;
      const line = taken.findIndex((reached) => x - half >= reached);
      if (line < 0 || x + half > this.width) continue;
      pen.fillText(text, x, AXIS_LINES[line]);
      taken[line] = x + half + 8;
      told = offset;
    }
    pen.textAlign = "left";
    pen.fillStyle = this.colour("soft");
    pen.fillText(this.shortened(chart.corner, this.labels - 10), 6, AXIS_LINES[0]);
  }

  // The whole run in a strip, with what is in sight of it marked. Its bars are drawn anew only when they change.
  overview(chart, canvas) {
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    const strip = this.strip;
    if (!strip || strip.lanes !== chart.lanes || strip.scale !== chart.scale || strip.width !== width) {
      this.strip = { lanes: chart.lanes, scale: chart.scale, width, picture: this.stripPicture(chart, width, height, ratio) };
    }
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.drawImage(this.strip.picture, 0, 0);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const x = (shown) => (shown / chart.scale.length) * width;
    pen.fillStyle = this.colour("veil");
    pen.fillRect(0, 0, x(chart.view.left), height);
    pen.fillRect(x(chart.view.right), 0, width, height);
    pen.strokeStyle = this.colour("link");
    pen.lineWidth = 2;
    pen.strokeRect(Math.max(x(chart.view.left), 1), 1, Math.min(x(chart.view.right), width - 1) - Math.max(x(chart.view.left), 1), height - 2);
  }

  stripPicture(chart, width, height, ratio) {
    const picture = document.createElement("canvas");
    picture.width = Math.max(Math.round(width * ratio), 1);
    picture.height = Math.max(Math.round(height * ratio), 1);
    const pen = picture.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const x = (shown) => (shown / chart.scale.length) * width;
    const rows = Math.max(chart.lanes.length, 1);
    chart.lanes.forEach((lane, n) => {
      for (const bar of lane.bars) {
        pen.fillStyle = this.colour("bar-" + bar.outcome);
        const y = (n / rows) * (height - 4) + 2;
        pen.fillRect(x(bar.shownStart), y, Math.max(x(bar.shownEnd) - x(bar.shownStart), 1), Math.max((height - 4) / rows - 0.5, 1));
      }
    });
    return picture;
  }
}
