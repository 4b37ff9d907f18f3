/* What the page is about: facts, texts, events and spans, as export_html.c wrote them.
 *
 * Events and spans are columns of numbers; an index of 0 is the first event, whose number is 1. */
const byId = (id) => document.getElementById(id);
const facts = JSON.parse(byId("facts").textContent);
const texts = JSON.parse(byId("texts").textContent);
const LAYERS = ["driver", "framework", "port", "system", "device", "harness"];
const TASK_KINDS = ["task", "isr", "dpc", "engine", "timer", "work", "thread", "clock"];
const REQUEST = 0, MAPPING = 1, COMMON = 2, ENGINE = 3, TASK = 4, ROUTINE = 5;
const NONE = 0xffffffff;

/* Reads the numbers of a stream one after another (LEB128). */
function readNumbers(id) {
  const bytes = atob(byId(id).textContent);
  let at = 0;

  byId(id).remove();
  return () => {
    let byte = bytes.charCodeAt(at++);
    let value = byte & 127, scale = 128;

    while (byte > 127) {
      byte = bytes.charCodeAt(at++);
      value += (byte & 127) * scale;
      scale *= 128;
    }
    return value;
  };
}

function readEvents(count, kinds) {
  const next = readNumbers("events");
  const e = {
    count, kind: new Uint16Array(count), cpu: new Uint8Array(count), irql: new Uint8Array(count),
    layer: new Uint8Array(count), nesting: new Uint8Array(count), task: new Uint16Array(count),
    device: new Uint16Array(count), request: new Uint16Array(count), time: new Float64Array(count),
    site: new Uint32Array(count), words: new Uint32Array(count), first: new Uint32Array(count + 1),
    arg: new Uint32Array(8 * count),
  };
  let now = 0, args = 0;

  for (let i = 0; i < count; i++) {
    e.kind[i] = next();
    e.cpu[i] = next(); /* 0: none, 1: processor 0 */
    e.irql[i] = next();
    e.layer[i] = next();
    e.nesting[i] = next();
    e.task[i] = next();
    e.device[i] = next();
    e.request[i] = next();
    next(); /* label */
    const step = next();
    now += step % 2 ? -(step + 1) / 2 : step / 2;
    e.time[i] = now;
    e.site[i] = next();
    e.words[i] = next();
    e.first[i] = args;
    for (let k = kinds[e.kind[i]].arguments.length; k > 0; k--) e.arg[args++] = next();
  }
  e.first[count] = args;
  return e;
}

function readSpans(count) {
  const next = readNumbers("spans");
  const s = {
    count, kind: new Uint8Array(count), begin: new Uint32Array(count), end: new Uint32Array(count),
    mark: new Uint32Array(count), owner: new Uint32Array(count), lane: new Uint32Array(count),
    detail: new Float64Array(count), depth: new Uint8Array(count), write: new Uint8Array(count),
    open: new Uint8Array(count), object: new Uint32Array(count), title: new Uint32Array(count),
  };
  let before = 0;

  for (let i = 0; i < count; i++) {
    s.kind[i] = next();
    s.begin[i] = before += next();
    s.end[i] = before + next();
    const mark = next(), owner = next();
    s.mark[i] = mark ? before + mark - 1 : NONE;
    s.owner[i] = owner ? owner - 1 : NONE;
    s.lane[i] = next();
    s.detail[i] = next();
    s.depth[i] = next();
    const flags = next();
    s.write[i] = flags & 1;
    s.open[i] = flags >> 1;
    s.object[i] = next();
    s.title[i] = next();
  }
  return s;
}

const kinds = facts.kinds;
const events = readEvents(facts.events, kinds);
const spans = readSpans(facts.spans);
const kindNamed = new Map(kinds.map((row, index) => [row.name, index]));
const isKind = (i, name) => kinds[events.kind[i]].name === name;

/* ---- objects ---- */

/* The object that a text names ("mdl#2+0x40" is mdl#2), "" for none. */
const objectOfText = texts.map((text) => {
  const found = /^([a-z-]+#\d+)(\+0x[0-9a-f]+)?$/.exec(text);
  return found ? found[1] : "";
});

/* The events that concern an object: as an argument, or as their request, device or task. */
function eventsOf(object) {
  const [name, id] = object.split("#");
  const column = { irp: events.request, device: events.device, task: events.task }[name];
  const named = new Set();
  const found = [];

  objectOfText.forEach((text, index) => text === object && named.add(index));
  for (let i = 0; i < events.count; i++) {
    let concerned = column !== undefined && column[i] === Number(id);
    for (let k = events.first[i]; k < events.first[i + 1] && !concerned; k++) {
      concerned = named.has(events.arg[k]);
    }
    if (concerned) found.push(i);
  }
  return Uint32Array.from(found);
}

/* ---- what is worth a mark ---- */

const findings = [];
if (facts.rule) findings.push({ ...facts, warning: false });
facts.also.forEach((one) => findings.push({ ...one, warning: false }));
facts.warnings.forEach((one) => findings.push({ ...one, warning: true }));
const findingsAt = (i) => findings.filter((one) => one.event === i + 1);
const STOPS = ["run:crash", "run:hang", "run:bugcheck", "run:unimplemented", "run:cut"];
const lastStops = events.count > 0 && STOPS.includes(kinds[events.kind[events.count - 1]].name);

/* The event that the verdict is about, -1 for none. */
const verdictEvent = facts.rule ? Math.min(facts.event, events.count) - 1
  : facts.verdict !== "clean" && lastStops ? events.count - 1 : -1;
const badEvents = new Set(findings.filter((one) => !one.warning).map((one) => one.event - 1));
if (verdictEvent >= 0) badEvents.add(verdictEvent);

/* The point of no return, when somebody looked for it: its event, -1 for none. */
const noReturn = facts.no_return && facts.no_return.found === "point"
  ? Math.min(facts.no_return.event, events.count) - 1 : -1;

const opKinds = new Set(["op:fired", "op:late", "op:skipped"].map((name) => kindNamed.get(name)));
const opEvents = [];
for (let i = 0; i < events.count; i++) {
  if (opKinds.has(events.kind[i])) opEvents.push(i);
}

/* ---- words ---- */

function timeText(units) {
  const us = units / 10;
  if (us < 1000) return `${+us.toFixed(1)} \u00b5s`;
  if (us < 1e6) return `${+(us / 1000).toFixed(3)} ms`;
  return `${+(us / 1e6).toFixed(3)} s`;
}

const irqlText = (level) => ["PASSIVE", "APC", "DISPATCH"][level] || `device (${level})`;
const taskKind = new Map();
for (let k = 0; k < spans.count; k++) {
  if (spans.kind[k] === TASK) taskKind.set(spans.lane[k], spans.detail[k]);
}
const taskText = (id, layer) => id ? `${TASK_KINDS[taskKind.get(id) || 0]}-${id}`
  : LAYERS[layer] === "device" ? "engine" : "none";
const wordsOf = (i) => texts[events.words[i]];
const numberText = (n) => n.toLocaleString("en-US").replace(/,/g, "\u202f");
