// From time to place. Times are seconds since the chart's origin; "shown" seconds are the same with long waits cut short, so that one
// night without an operator does not flatten everything else.

class TimeScale {
  constructor(end, waits, cutting) {
    this.end = Math.max(end, 1e-6);
    // Which waits are cut, and how wide a cut is, comes with the chart: it is decided in one place.
    this.cuts = cutting ? waits : [];
    // Pieces in order of time, alternately kept and cut, each with its own factor.
    this.pieces = [];
    let time = 0;
    let shown = 0;
    const add = (until, width, cut) => {
      if (until <= time) return;
      this.pieces.push({ from: time, to: until, shown, width, cut });
      shown += width;
      time = until;
    };
    for (const cut of this.cuts) {
      add(cut.from, cut.from - time, null);
      add(cut.to, cut.width, cut);
    }
    add(this.end, this.end - time, null);
    this.length = shown;
  }

  shown(time) {
    const piece = this.pieces.find((candidate) => time <= candidate.to) || this.pieces[this.pieces.length - 1];
    return piece.shown + ((time - piece.from) / (piece.to - piece.from)) * piece.width;
  }

  time(shown) {
    const piece =
      this.pieces.find((candidate) => shown <= candidate.shown + candidate.width) || this.pieces[this.pieces.length - 1];
    return piece.from + ((shown - piece.shown) / piece.width) * (piece.to - piece.from);
  }

  // Ticks between two shown places, none inside a cut: [{time, shown}], and the step in seconds.
  ticks(left, right, most, phase) {
    const wanted = (right - left) / Math.max(most, 1);
    const step = TimeScale.STEPS.find((candidate) => candidate >= wanted) || Math.ceil(wanted / 86400) * 86400;
    const ticks = [];
    for (const piece of this.pieces) {
      if (piece.cut || piece.shown > right || piece.shown + piece.width < left) continue;
      const from = Math.max(piece.from, this.time(Math.max(left, piece.shown)));
      const to = Math.min(piece.to, this.time(Math.min(right, piece.shown + piece.width)));
      const before = ticks.length;
      for (let n = Math.ceil((from + phase) / step); n * step - phase <= to; n += 1) {
        const time = n * step - phase;
        ticks.push({ time, shown: this.shown(time) });
      }
      // Between two cuts there may be no round time, yet it should be told what time it is there.
      if (ticks.length === before && this.cuts.length) ticks.push({ time: from, shown: this.shown(from) });
    }
    return { ticks, step };
  }
}

TimeScale.STEPS = [
  1e-6, 1e-5, 1e-4, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30,
  60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
];

// The part of the scale that is looked at. It never leaves the chart and never closes up.
class View {
  constructor(scale) {
    this.scale = scale;
    this.fit();
  }

  fit() {
    const margin = this.scale.length * 0.01;
    this.show(-margin, this.scale.length + margin);
  }

  show(left, right) {
    const margin = this.scale.length * 0.02;
    const width = Math.min(Math.max(right - left, this.scale.length * 1e-6), this.scale.length + 2 * margin);
    const from = Math.min(Math.max(left, -margin), this.scale.length + margin - width);
    this.left = from;
    this.right = from + width;
  }

  zoom(factor, around) {
    const centre = around === undefined ? (this.left + this.right) / 2 : around;
    this.show(centre - (centre - this.left) / factor, centre + (this.right - centre) / factor);
  }

  pan(share) {
    const by = (this.right - this.left) * share;
    this.show(this.left + by, this.right + by);
  }

  reveal(from, to) {
    const width = this.right - this.left;
    if (from >= this.left && to <= this.right) return;
    if (to - from >= width) this.show(from - (to - from) * 0.05, to + (to - from) * 0.05);
    else if (from < this.left) this.show(from - width * 0.1, from + width * 0.9);
    else this.show(to - width * 0.9, to + width * 0.1);
  }
}
