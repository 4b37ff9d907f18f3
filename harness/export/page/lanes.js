
/* Which lanes there are, from top to bottom, and what stands in each.
 *
 * A lane has parts, one below the other; a part is a row of bars in the order of their begin (with
 * how far those up to each reach, so that what is visible is found by bisection). What the id of a
 * bar means depends on the part: a span, a task, or an event. */
const RULER = 36, GROUP = 22, BAR = 16, THIN = 11, TICKS = 9, GAP = 5, ROUTINES_MAX = 4;

function rowOf(items) {
  let reach = 0;
  return {
    count: items.length, begin: Uint32Array.from(items, (one) => one[0]),
    end: Uint32Array.from(items, (one) => one[1]), id: Uint32Array.from(items, (one) => one[2]),
    reach: Uint32Array.from(items, (one) => (reach = Math.max(reach, one[1]))),
  };
}

/* Puts bars into as few rows as they need: each into the first whose last bar has ended. */
function packed(items, rowsMax = Infinity) {
  const rows = [], ends = [];

  for (const item of items) {
    let at = ends.findIndex((end) => end < item[0]);
    if (at < 0 && rows.length < rowsMax) at = rows.push([]) - 1;
    if (at < 0) at = ends.indexOf(Math.min(...ends));
    rows[at].push(item);
    ends[at] = Math.max(ends[at] ?? -1, item[1]);
  }
  return rows;
}

const spansOf = (kind) => {
  const list = [];
  for (let k = 0; k < spans.count; k++) {
    if (spans.kind[k] === kind) list.push([spans.begin[k], spans.end[k], k]);
  }
  return list;
};

const lanes = [];
let lanesHeight = 0;

function addGroup(title) {
  lanes.push({ title, group: true, top: lanesHeight, height: GROUP, parts: [] });
  lanesHeight += GROUP;
}

function addLane(title, parts, hint = "") {
  let height = GAP;
  for (const part of parts) {
    part.dy = height;
    height += part.height + 1;
  }
  height += GAP;
  lanes.push({ title, hint, top: lanesHeight, height, parts });
  lanesHeight += height;
}

/* A request with its mappings below it takes one slot; slots are shared by requests that follow one
 * another. */
function addRequests() {
  const requests = spansOf(REQUEST);
  const mappings = spansOf(MAPPING);
  const ofRequest = new Map();
  const strays = [];

  for (const one of mappings) {
    const owner = spans.owner[one[2]];
    if (owner === NONE) strays.push(one);
    else if (ofRequest.has(owner)) ofRequest.get(owner).push(one);
    else ofRequest.set(owner, [one]);
  }
  if (requests.length) addGroup("Requests");
  const reach = (one) => {
    const own = ofRequest.get(one[2]) || [];
    return [one[0], own.reduce((end, map) => Math.max(end, map[1]), one[1]), one[2]];
  };
  packed(requests.map(reach)).forEach((slot, index) => {
    const bars = slot.map(([, , k]) => [spans.begin[k], spans.end[k], k]);
    const own = slot.flatMap(([, , k]) => ofRequest.get(k) || []).sort((a, b) => a[0] - b[0]);
    const parts = [{ type: "request", height: BAR, row: rowOf(bars) }];
    for (const row of packed(own, 6)) {
      parts.push({ type: "mapping", height: THIN + 2, row: rowOf(row) });
    }
    addLane(index ? "" : "requests", parts, "irp: what a request lives through, and its mappings");
  });
  if (strays.length) {
    addLane("mappings", packed(strays, 8).map((row) => (
      { type: "mapping", height: THIN + 2, row: rowOf(row) })), "of no request that is known");
  }
}

/* Lanes of engines of the driver's second device are counted from here (story.h). */
const SECOND = 32;

/* The driver's devices, in the order of AddDevice. */
function devicesAdded() {
  const kind = kindNamed.get("call:enter"), list = [];
  for (let i = 0; i < events.count && kind !== undefined; i++) {
    if (events.kind[i] === kind && argText(i, 0) === "AddDevice") list.push(argText(i, 1));
  }
  return list;
}

function addDevice() {
  const engines = new Map();
  for (const one of spansOf(ENGINE)) {
    const channel = spans.lane[one[2]];
    if (!engines.has(channel)) engines.set(channel, []);
    engines.get(channel).push(one);
  }
  const isUp = (value) => value === "yes";
  const [first, second] = devicesAdded();
  const line = levelRow("irq:line", isUp, second && first);
  const power = stateRow("power:hw", 0, 1, second && first);
  const pnp = stateRow("pnp:done", 0, 3, second && first);
  const buffers = spansOf(COMMON);
  const bus = eventRow((i) => LAYERS[events.layer[i]] === "device");

  if (engines.size + line.count + power.count + pnp.count + buffers.length) addGroup("Device");
  for (const [channel, list] of [...engines].sort((a, b) => a[0] - b[0])) {
    addLane(channel < SECOND ? `engine ${channel}` : `engine ${channel - SECOND}, device 2`, [{ type: "engine", height: BAR, row: rowOf(list) }],
            "what the device's engine moves");
  }
  if (bus.count) addLane("bus", [{ type: "ticks", height: TICKS + 2, row: bus }]);
  if (line.count) addLane("interrupt line", [{ type: "level", height: THIN, row: line }]);
  if (power.count) addLane("power", [{ type: "state", height: THIN + 2, row: power }]);
  if (pnp.count) addLane("PnP", [{ type: "state", height: THIN + 2, row: pnp }]);
  if (second) {
    addLane("line, device 2",
            [{ type: "level", height: THIN, row: levelRow("irq:line", isUp, second) }]);
    addLane("power, device 2",
            [{ type: "state", height: THIN + 2, row: stateRow("power:hw", 0, 1, second) }]);
    addLane("PnP, device 2",
            [{ type: "state", height: THIN + 2, row: stateRow("pnp:done", 0, 3, second) }]);
  }
  if (buffers.length) {
    addLane("common buffers", packed(buffers, 6).map((row) => (
      { type: "common", height: THIN + 2, row: rowOf(row) })));
  }
}

const argText = (i, k) => texts[events.arg[events.first[i] + k]];

function eventRow(chosen) {
  const list = [];
  for (let i = 0; i < events.count; i++) if (chosen(i)) list.push([i, i, i]);
  return rowOf(list);
}

/* From one event of this name (about that device, if one is named) to the next, as long as its first
 * argument says so. */
function levelRow(name, isOn, device) {
  const kind = kindNamed.get(name), list = [];
  let since = -1;

  for (let i = 0; i < events.count && kind !== undefined; i++) {
    if (events.kind[i] !== kind) continue;
    if (device && `device#${events.device[i]}` !== device) continue;
    if (isOn(argText(i, 0)) && since < 0) since = i;
    else if (!isOn(argText(i, 0)) && since >= 0) {
      list.push([since, i, since]);
      since = -1;
    }
  }
  if (since >= 0) list.push([since, events.count - 1, since]);
  return rowOf(list);
}

/* States of that device, or of the first one that the events name; the id of a bar is the event that
 * began it. */
function stateRow(name, deviceAt, stateAt, named) {
  const kind = kindNamed.get(name), list = [];
  let since = -1, device = named || "";

  for (let i = 0; i < events.count && kind !== undefined; i++) {
    if (events.kind[i] !== kind) continue;
    device = device || argText(i, deviceAt);
    if (argText(i, deviceAt) !== device) continue;
    if (since >= 0 && argText(since, stateAt) === argText(i, stateAt)) continue;
    if (since >= 0) list.push([since, i - 1, since]);
    since = i;
  }
  if (since >= 0) list.push([since, events.count - 1, since]);
  const row = rowOf(list);
  row.text = (i) => argText(i, stateAt);
  return row;
}

/* What each processor runs; the id of a bar is its first event. */
function addProcessors() {
  const runs = new Map(), shades = new Map();
  const level = (i) => (events.irql[i] > 2 ? 3 : events.irql[i]);

  for (let i = 0; i < events.count; i++) {
    const cpu = events.cpu[i];
    if (!cpu) continue;
    if (!runs.has(cpu)) {
      runs.set(cpu, []);
      shades.set(cpu, []);
    }
    const run = runs.get(cpu).at(-1), shade = shades.get(cpu).at(-1);
    if (run && events.task[run[2]] === events.task[i] && i - run[1] < 2) run[1] = i;
    else runs.get(cpu).push([i, i, i]);
    if (shade && level(shade[2]) === level(i) && i - shade[1] < 2) shade[1] = i;
    else shades.get(cpu).push([i, i, i]);
  }
  if (runs.size) addGroup("Processors");
  for (const cpu of [...runs.keys()].sort((a, b) => a - b)) {
    addLane(`processor ${cpu - 1}`, [
      { type: "run", height: BAR, row: rowOf(runs.get(cpu)) },
      { type: "irql", height: 8, row: rowOf(shades.get(cpu)) },
    ], "tasks that ran there; below, the IRQL");
  }
}

/* Tasks that follow one another share a lane: routines, one inside another, and the events. */
function addTasks() {
  const byKind = new Map();
  const eventsIn = new Map(), routinesIn = new Map();

  for (let i = 0; i < events.count; i++) {
    const task = events.task[i];
    if (!task) continue;
    if (!eventsIn.has(task)) eventsIn.set(task, []);
    eventsIn.get(task).push(i);
  }
  for (const one of spansOf(ROUTINE)) {
    const task = spans.lane[one[2]];
    if (!routinesIn.has(task)) routinesIn.set(task, []);
    routinesIn.get(task).push(one);
  }
  for (const [task, list] of eventsIn) {
    const kind = taskKind.get(task) || 0;
    if (!byKind.has(kind)) byKind.set(kind, []);
    byKind.get(kind).push([list[0], list.at(-1), task]);
  }
  const order = [6, 2, 1, 4, 5, 3, 7, 0].filter((kind) => byKind.has(kind));
  const titles = ["tasks", "ISRs", "DPCs", "engines", "timers", "work items", "threads", "clock"];
  if (order.length) addGroup("Tasks");
  for (const kind of order) {
    const tasks = byKind.get(kind).sort((a, b) => a[0] - b[0]);
    packed(tasks).forEach((slot, index) => {
      addTaskLane(index ? "" : titles[kind], slot, eventsIn, routinesIn);
    });
  }
}

function addTaskLane(title, slot, eventsIn, routinesIn) {
  const nested = [];
  const ticks = slot.flatMap(([, , task]) => eventsIn.get(task)).sort((a, b) => a - b);

  for (const [, , task] of slot) {
    for (const one of routinesIn.get(task) || []) {
      const depth = Math.min(spans.depth[one[2]], ROUTINES_MAX - 1);
      (nested[depth] ||= []).push(one);
    }
  }
  const parts = [{ type: "task", height: THIN + 2, row: rowOf(slot) }];
  for (const list of nested) {
    if (list) {
      parts.push({ type: "routine", height: THIN + 1,
                   row: rowOf(list.sort((a, b) => a[0] - b[0])) });
    }
  }
  parts.push({ type: "ticks", height: TICKS + 5, row: rowOf(ticks.map((i) => [i, i, i])) });
  addLane(title, parts);
}

function buildLanes() {
  addLane("ops", [{ type: "ops", height: BAR + 2, row: rowOf(opEvents.map((i) => [i, i, i])) }],
          "removal, power, cancellation and other disturbances");
  addRequests();
  addDevice();
  addProcessors();
  addTasks();
  lanesHeight += 16;
}
buildLanes();
