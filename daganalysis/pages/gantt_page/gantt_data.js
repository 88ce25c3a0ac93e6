// What the page was given, unpacked: bars as objects, lanes with their bars, and the filters over them.

function unpack(data) {
  const columns = data.bars;
  const bars = columns.lane.map((lane, n) => {
    const task = data.tasks[columns.task[n]];
    return {
      number: n,
      lane,
      task,
      stage: task.stage,
      // Stages of several runs may have the same number.
      stageNamed: task.stage === null ? "no stage" : (task.stage + " " + task.stage_name).trim(),
      agent: data.agents[columns.agent[n]],
      outcome: data.outcomes[columns.outcome[n]],
      kind: data.kinds[columns.kind[n]],
      evidence: data.evidences[columns.evidence[n]],
      attempt: columns.attempt[n],
      from: columns.from[n],
      start: columns.start[n],
      end: columns.end[n],
      until: columns.until[n],
      passed: columns.passed[n],
      open: columns.open[n] === 1,
      onPath: columns.path[n] === 1,
      error: columns.error[n],
      n: columns.n[n],
    };
  });
  const lanes = data.lanes.map((lane, n) => ({ ...lane, number: n, bars: [], spans: [] }));
  for (const span of data.spans) lanes[span.lane].spans.push(span);
  return { bars, lanes };
}

// One filter a property: the values that are let through. All are at first.
class Filters {
  constructor(bars) {
    this.text = "";
    this.sets = {};
    for (const property of ["outcome", "agent", "stageNamed"]) {
      const values = [...new Set(bars.map((bar) => bar[property]))];
      values.sort((a, b) => (typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true })));
      this.sets[property] = { values, on: new Set(values) };
    }
  }

  lets(bar) {
    for (const [property, set] of Object.entries(this.sets)) if (!set.on.has(bar[property])) return false;
    return !this.text || bar.task.searched.includes(this.text);
  }

  idle() {
    return !this.text && Object.values(this.sets).every((set) => set.on.size === set.values.length);
  }
}

// The searched text of a task is made once: its names and all its log lines, in small letters.
function makeSearchable(tasks) {
  for (const task of tasks) {
    task.searched = [task.name, task.gid, task.run, task.stage_name, ...task.logs].join("\n").toLowerCase();
  }
}
