
/* What the reader does: choosing events, following objects, searching, zoom and pan. */
const CLOSEST = 12; /* events across the view at the closest zoom */

function announce(text) {
  byId("announcement").textContent = text;
}

function setView(from, to) {
  const most = Math.max(events.count * 1.04, CLOSEST);
  const width = Math.min(Math.max(to - from, CLOSEST), most);
  const margin = width * 0.5;

  from = (from + to) / 2 - width / 2;
  from = Math.max(Math.min(from, events.count + margin - width), -margin);
  if (width >= most) from = (events.count - width) / 2;
  view.from = from;
  view.to = from + width;
  overview.setAttribute("aria-valuemax", String(events.count));
  overview.setAttribute("aria-valuenow", String(Math.max(Math.round(from), 0) + 1));
  redraw();
}

function zoom(factor, at = (view.from + view.to) / 2) {
  setView(at - (at - view.from) * factor, at + (view.to - at) * factor);
}

const pan = (share) => setView(view.from + (view.to - view.from) * share,
                               view.to + (view.to - view.from) * share);
const showWhole = () => setView(0, events.count);

/* Moves the view no further than needed. */
function bringIntoView(i) {
  const width = view.to - view.from;
  if (i < view.from + width * 0.08) setView(i - width * 0.3, i + width * 0.7);
  else if (i > view.to - width * 0.08) setView(i - width * 0.7, i + width * 0.3);
}

/* Scrolls to the lane that has the event's task. */
function bringLaneIntoView(i) {
  const lane = lanes.find((one) => one.parts.some((part) => part.type === "ticks" &&
    part.row.id[firstVisible(part.row, i + 1)] === i));
  if (!lane) return;
  const top = scroller.scrollTop, room = size.height - RULER;
  if (lane.top < top || lane.top + lane.height > top + room) {
    scroller.scrollTop = Math.max(lane.top + lane.height - room * 0.8, 0);
  }
}

function choose(i, move = true) {
  if (events.count === 0) return;
  view.chosen = Math.min(Math.max(i, 0), events.count - 1);
  if (move) {
    bringIntoView(view.chosen);
    bringLaneIntoView(view.chosen);
  }
  showDetails(view.chosen);
  scrollToRow(view.chosen);
  announce(`Event ${view.chosen + 1}: ${wordsOf(view.chosen)}`);
  redraw();
}

function followObject(object) {
  view.object = object;
  focusList = object ? eventsOf(object) : new Uint32Array(0);
  focusSet = new Set(focusList);
  overviewPicture = null;
  showList(object ? "object" : "all");
  if (object) announce(`${object}: ${focusList.length} events`);
  redraw();
}

/* The next (or previous) of a sorted list from the chosen event on. */
function step(list, direction) {
  const from = view.chosen;
  let found = -1;
  if (direction > 0) found = list.find((i) => i > from) ?? -1;
  else for (const i of list) if (i < from) found = i;
  if (found >= 0) choose(found);
}

/* The object to follow when none is chosen: what a finding is about, else the request of the event,
 * else its first object. */
function stepObject(direction) {
  if (!view.object && view.chosen >= 0) {
    const i = view.chosen;
    const own = Array.from(events.arg.subarray(events.first[i], events.first[i + 1]),
                           (at) => objectOfText[at]).find(Boolean);
    const object = findingsAt(i)[0]?.object ||
      (events.request[i] ? `irp#${events.request[i]}` : own);
    if (object) followObject(object);
  }
  step(focusList, direction);
}

function jumpToVerdict() {
  if (verdictEvent < 0) {
    details.scrollTop = 0;
    showRun();
    return;
  }
  setView(verdictEvent - 130, verdictEvent + 30);
  choose(verdictEvent);
}

/* ---- search ---- */

function search(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const object = words.length === 1 && /^[a-z-]+#\d+$/.test(words[0]) ? eventsOf(words[0]) : null;

  matchList = new Uint32Array(0);
  if (object && object.length) matchList = object;
  else if (words.length) {
    const lower = texts.map((one) => one.toLowerCase());
    const names = kinds.map((row) => row.name.toLowerCase());
    const found = [];
    for (let i = 0; i < events.count; i++) {
      if (words.every((word) => lower[events.words[i]].includes(word) ||
                      lower[events.site[i]].includes(word) ||
                      names[events.kind[i]].includes(word))) found.push(i);
    }
    matchList = Uint32Array.from(found);
  }
  overviewPicture = null;
  showMatches(words.length > 0);
  if (listName === "matches" || matchList.length) showList(matchList.length ? "matches" : "all");
  redraw();
}

function showMatches(searched = true) {
  const at = placeOf(matchList, view.chosen);
  byId("matches").textContent = !searched ? "" : !matchList.length ? "none"
    : at >= 0 ? `${numberText(at + 1)}/${numberText(matchList.length)}`
      : numberText(matchList.length);
}

const placeOf = (list, i) => (i < 0 ? -1 : list.indexOf(i));

function stepMatch(direction) {
  if (!matchList.length) return;
  const before = view.chosen;
  step(matchList, direction);
  if (view.chosen === before) {
    const last = matchList.length - 1;
    choose(matchList[direction > 0 ? 0 : last]);
  }
  showMatches();
}

/* ---- what lies under the pointer ---- */

function hit(x, y) {
  const down = y - RULER + scroller.scrollTop;
  const i = eventAt(x);

  if (y < RULER || x < size.gutter) return null;
  const lane = lanes.find((one) => down >= one.top && down < one.top + one.height);
  const part = lane?.parts.find((one) => down >= lane.top + one.dy - 1 &&
                                down < lane.top + one.dy + one.height + 1);
  if (!part) return { i, lane };
  const slack = 3 / scale();
  const at = view.from + (x - size.gutter) / scale();
  let best = null, distance = Infinity;
  for (let k = firstVisible(part.row, at - slack); k < part.row.count; k++) {
    if (part.row.begin[k] > at + slack) break;
    const off = Math.max(part.row.begin[k] - at, at - part.row.end[k] - 1, 0);
    if (off <= slack && off <= distance) {
      best = k;
      distance = off;
    }
  }
  return { i, lane, part, k: best, id: best === null ? -1 : part.row.id[best] };
}

const SPAN_PARTS = { request: requestText, mapping: mappingText, engine: engineText,
                     common: (k) => `${texts[spans.title[k]]}, ${bytesText(spans.detail[k])}`,
                     routine: (k) => `${texts[spans.title[k]]} ${texts[spans.object[k]]}` };

function mappingText(k) {
  const owner = spans.owner[k] === NONE ? "" : ` for ${texts[spans.object[spans.owner[k]]]}`;
  const direction = spans.write[k] ? "the device reads it" : "the device writes it";
  const flush = spans.mark[k] === NONE ? "never flushed"
    : `flushed at ${numberText(spans.mark[k] + 1)}`;
  return `${texts[spans.title[k]]}${owner}, ${bytesText(spans.detail[k])}, ${direction}; ${flush}`;
}

function engineText(k) {
  return `${texts[spans.title[k]]}: ${bytesText(spans.detail[k])} ` +
    `${spans.write[k] ? "from memory" : "to memory"}`;
}

function tipText(found) {
  if (!found || found.id === undefined || found.id < 0) return null;
  const { part, id } = found;
  if (part.type in SPAN_PARTS) {
    const end = spans.open[id] ? "open" : numberText(spans.end[id] + 1);
    return [SPAN_PARTS[part.type](id), `events ${numberText(spans.begin[id] + 1)} to ${end}`];
  }
  if (part.type === "task") return [taskText(id, 0), "a task"];
  const where = texts[events.site[id]];
  if (part.type === "irql") return [`IRQL ${irqlText(events.irql[id])}`, ""];
  return [`#${numberText(id + 1)} ${wordsOf(id)}`, where];
}

function showTip(x, y) {
  const tip = byId("tip"), text = tipText(hit(x, y));

  tip.hidden = !text;
  if (!text) return;
  tip.replaceChildren(element("b", {}, text[0]), element("br"), element("span", {}, text[1]));
  const left = Math.min(x + 14, size.width - tip.offsetWidth - 6);
  const below = y + 18 + tip.offsetHeight < size.height;
  tip.style.left = `${Math.max(left, 4)}px`;
  tip.style.top = `${below ? y + 18 : Math.max(y - tip.offsetHeight - 10, 0)}px`;
}

function clickAt(x, y) {
  const found = hit(x, y);

  if (!found) return;
  if (found.id === undefined || found.id < 0) {
    choose(found.i, false);
    return;
  }
  const { part, id } = found;
  if (part.type in SPAN_PARTS) {
    const object = texts[spans.object[id]];
    if (object) followObject(object);
    choose(spans.begin[id], false);
  } else if (part.type === "task") {
    followObject(`task#${id}`);
    choose(part.row.begin[found.k], false);
  } else choose(part.type === "run" || part.type === "irql" ? found.i : id, false);
}

/* ---- pointer ---- */

const pointers = new Map();
let moved = 0;

function onPointerDown(event) {
  lanesCanvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
  moved = 0;
  byId("tip").hidden = true;
}

function onPointerMove(event) {
  const before = pointers.get(event.pointerId);
  const now = { x: event.offsetX, y: event.offsetY };

  if (!before) {
    if (event.pointerType === "mouse") showTip(now.x, now.y);
    return;
  }
  const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
  if (others.length === 1) {
    const apart = Math.abs(before.x - others[0].x), wider = Math.abs(now.x - others[0].x);
    if (apart > 10 && wider > 10) zoom(apart / wider, eventAt((now.x + others[0].x) / 2));
    moved = 100;
  } else {
    moved += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    if (moved > 4) {
      lanesCanvas.classList.add("dragging");
      const by = (before.x - now.x) / scale();
      setView(view.from + by, view.to + by);
      scroller.scrollTop += before.y - now.y;
    }
  }
  pointers.set(event.pointerId, now);
}

function onPointerUp(event) {
  const at = pointers.get(event.pointerId);

  pointers.delete(event.pointerId);
  lanesCanvas.classList.remove("dragging");
  if (at && moved <= 4 && event.type === "pointerup") clickAt(at.x, at.y);
}

/* The wheel zooms, sideways and with Shift it pans; over the names of the lanes it scrolls. */
function onWheel(event) {
  const box = lanesCanvas.getBoundingClientRect();
  const x = event.clientX - box.left;
  const unit = event.deltaMode === 1 ? 16 : 1;

  if (x < size.gutter && !event.ctrlKey) return;
  event.preventDefault();
  byId("tip").hidden = true;
  const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
  if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
    const by = sideways * unit / scale();
    setView(view.from + by, view.to + by);
  } else {
    zoom(Math.exp(event.deltaY * unit * (event.ctrlKey ? 0.008 : 0.0022)),
         view.from + (x - size.gutter) / scale());
  }
}

function onOverview(event) {
  if (event.type === "pointermove" && event.buttons === 0) return;
  const at = event.offsetX / overview.clientWidth * events.count;
  const half = (view.to - view.from) / 2;

  if (event.type === "pointerdown") overview.setPointerCapture(event.pointerId);
  setView(at - half, at + half);
}
