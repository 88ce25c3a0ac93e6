// The chart and its controls. Everything a mouse can do here, the keyboard can do too: see the list under "Keys".

const data = JSON.parse(document.getElementById("data").textContent);
const found = (id) => document.getElementById(id);

// The offset from UTC that holds at a time: it changes where clocks change within the chart.
function offsetAt(time) {
  return data.offsets.findLast((offset) => offset.from <= time) || data.offsets[0];
}

class Chart {
  constructor() {
    const { bars, lanes } = unpack(data);
    makeSearchable(data.tasks);
    this.bars = bars;
    this.allLanes = lanes;
    this.filters = new Filters(bars);
    this.top = 0;
    this.selected = null;
    this.hovered = null;
    this.corner = { label: data.zone };
    this.painter = new Painter(found("canvas"));
    this.showsPath = true;
    this.cut(true);
    this.filter();
  }

  // Lays the bars out on the time scale, with long waits cut short or not.
  cut(cutting) {
    this.scale = new TimeScale(data.end, data.waits, cutting);
    this.view = new View(this.scale);
    for (const bar of this.bars) {
      bar.shownFrom = this.scale.shown(bar.from);
      bar.shownStart = this.scale.shown(bar.start);
      bar.shownEnd = this.scale.shown(bar.end);
      bar.shownUntil = this.scale.shown(bar.until);
      bar.shownPassed = bar.passed === null ? null : this.scale.shown(bar.passed);
    }
    for (const span of data.spans) {
      span.shownFrom = this.scale.shown(span.from);
      span.shownTo = this.scale.shown(span.to);
    }
  }

  // Fills the lanes with the bars that the filters let through; lanes that lose all of theirs go.
  filter() {
    for (const lane of this.allLanes) lane.bars = [];
    this.shown = this.bars.filter((bar) => this.filters.lets(bar));
    for (const bar of this.shown) this.allLanes[bar.lane].bars.push(bar);
    const idle = this.filters.idle();
    this.lanes = this.allLanes.filter((lane) => lane.bars.length > 0 || lane.spans.length > 0 || (idle && lane.bare));
    let group;
    let stripe = false;
    this.lanes.forEach((lane, place) => {
      lane.opens = lane.group !== group;
      if (lane.opens) stripe = !stripe;
      lane.stripe = stripe;
      group = lane.group;
      lane.bars.sort((a, b) => a.start - b.start || a.attempt - b.attempt);
      for (const bar of lane.bars) bar.place = place;
    });
    if (this.selected && !this.shown.includes(this.selected)) this.selected = null;
  }

  clock(time, step) {
    const moment = new Date(data.origin_ms + time * 1000 + offsetAt(time).s * 1000);
    const iso = moment.toISOString();
    if (step >= 86400) return iso.slice(5, 10);
    if (step >= 60) return iso.slice(data.end > 86400 ? 5 : 11, 16).replace("T", " ");
    if (step >= 1) return iso.slice(11, 19);
    return step >= 0.001 ? iso.slice(11, 23) : "+" + humanDuration(time);
  }

  barAt(x, y) {
    if (x < this.painter.labels || y < AXIS) return null;
    const lane = this.lanes[Math.floor((y - AXIS + this.top) / ROW)];
    if (!lane) return null;
    let best = null;
    let nearest = 7; // pixels: what a finger may miss a bar by
    for (const bar of lane.bars) {
      const from = this.painter.x(this.view, bar.shownFrom);
      const until = Math.max(this.painter.x(this.view, bar.shownUntil), from + LEAST);
      const off = x < from ? from - x : x > until ? x - until : 0;
      if (off < nearest || (off === 0 && nearest === 0)) {
        best = bar;
        nearest = off;
      }
    }
    return best;
  }

  spanAt(x, y) {
    const lane = this.lanes[Math.floor((y - AXIS + this.top) / ROW)];
    if (!lane || y < AXIS || x < this.painter.labels) return null;
    const shown = this.painter.shownAt(this.view, x);
    return lane.spans.find((span) => span.shownFrom <= shown && shown <= span.shownTo) || null;
  }

  // The lanes that have bars, in order: the arrow keys step over the others.
  occupied() {
    return this.lanes.filter((lane) => lane.bars.length > 0);
  }

  // The bar next to the selected one: along its lane, or the nearest in time in a neighbouring lane.
  neighbour(along, across) {
    const lanes = this.occupied();
    if (!this.selected) return lanes[0]?.bars[0] || null;
    if (across) {
      const lane = lanes[lanes.indexOf(this.lanes[this.selected.place]) + across];
      if (!lane) return this.selected;
      const middle = (bar) => (bar.start + bar.end) / 2;
      return lane.bars.reduce((best, bar) =>
        Math.abs(middle(bar) - middle(this.selected)) < Math.abs(middle(best) - middle(this.selected)) ? bar : best,
      );
    }
    const bars = this.lanes[this.selected.place].bars;
    return bars[bars.indexOf(this.selected) + along] || this.selected;
  }
}

const chart = new Chart();
const canvas = found("canvas");
const lanesBox = found("lanes");
const LEAST_HEIGHT = 250;
// The room of the chart on landscape A4, in CSS pixels, and how many dots one of them has.
const PAPER = { width: 1047, height: 590, dots: 3 };
let onPaper = false;
let waiting = false;

// Draws once a frame, however many reasons there were.
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    draw();
  });
}

function draw() {
  const room = Math.max(chart.painter.width - chart.painter.labels, 80);
  Object.assign(chart, chart.scale.ticks(chart.view.left, chart.view.right, room / 90, (data.origin_ms / 1000 + data.offsets[0].s) % 86400));
  chart.painter.draw(chart);
  chart.painter.overview(chart, found("overview"));
  found("sight").textContent = inSight();
}

function inSight() {
  const from = chart.scale.time(Math.max(chart.view.left, 0));
  const to = chart.scale.time(Math.min(chart.view.right, chart.scale.length));
  return "In sight: " + humanDuration(to - from) + " of " + humanDuration(data.end);
}

function layOut() {
  if (onPaper) return;
  const content = chart.lanes.length * ROW + AXIS;
  found("height").style.height = content + "px";
  // Few lanes need no tall box; it stays high enough for the words of a cut.
  for (const box of [lanesBox, canvas]) box.style.maxHeight = Math.max(content + ROW, LEAST_HEIGHT) + "px";
  chart.painter.resize(lanesBox.clientWidth, lanesBox.clientHeight, chart.allLanes);
  redraw();
}

// A printer does not wait for the next frame, so the chart is drawn at once, and sharper than on the screen.
function toPaper() {
  onPaper = true;
  const height = Math.min(Math.max(chart.lanes.length * ROW + AXIS + ROW, LEAST_HEIGHT), PAPER.height);
  chart.painter.readColours();
  chart.painter.resize(PAPER.width, height, chart.allLanes, PAPER.dots);
  draw();
}

function toScreen() {
  onPaper = false;
  chart.painter.readColours();
  layOut();
}

function select(bar, reveal) {
  chart.selected = bar;
  if (bar && reveal) {
    chart.view.reveal(bar.shownFrom, bar.shownUntil);
    const y = bar.place * ROW;
    if (y < lanesBox.scrollTop) lanesBox.scrollTop = y;
    else if (y + ROW + AXIS > lanesBox.scrollTop + lanesBox.clientHeight) lanesBox.scrollTop = y + ROW + AXIS - lanesBox.clientHeight;
  }
  showFacts(bar);
  redraw();
}

function zoom(factor, around) {
  chart.view.zoom(factor, around);
  redraw();
}

function pan(share) {
  chart.view.pan(share);
  redraw();
}

function fit() {
  chart.view.fit();
  redraw();
}

function filtered() {
  chart.filter();
  const all = chart.bars.length;
  found("status").textContent =
    "Showing " + (chart.shown.length === all ? "all " : chart.shown.length.toLocaleString("en") + " of ") + counted(all, "bar") +
    " in " + counted(chart.occupied().length, "lane") + ".";
  if (!chart.selected) showFacts(null);
  tableChanged();
  layOut();
}
