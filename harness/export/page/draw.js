
/* Drawing: the lanes, the ruler, the overview. The view is the part of the trace that is shown, in
 * events; both ends may lie between two events. What is narrower than a pixel is drawn once for all
 * that fall on it, so a frame costs the same at every zoom. */
const lanesCanvas = byId("lanes"), scroller = byId("scroller"), overview = byId("overview");
const pen = lanesCanvas.getContext("2d"), overviewPen = overview.getContext("2d");
const view = { from: 0, to: Math.max(events.count, 1), chosen: -1, object: "", hover: null };
const size = { width: 0, height: 0, gutter: 132, ratio: 1, letter: 6.7 };
const MIN_LABEL = 26; /* pixels of a bar below which it has no text */
const FONT = '11px ui-monospace, "SF Mono", "Cascadia Mono", Consolas, "DejaVu Sans Mono", monospace';
const color = {};
let focusSet = new Set(), focusList = new Uint32Array(0), matchList = new Uint32Array(0);

const COLORS = ["ground", "raised", "sunken", "line", "faint", "text", "dim", "accent", "bad", "fate", "op",
  ...LAYERS, "request", "request-text", "mapped", "mapped-text", "flushed", "flushed-text", "common",
  "common-text", "engine", "engine-text", "task", "task-text", "irql", "shade"];

function readColors() {
  const style = getComputedStyle(document.documentElement);
  for (const name of COLORS) color[name] = style.getPropertyValue(`--${name}`).trim();
  color.levels = [0, 0.2, 0.42, 1].map((share) => `rgba(${color.irql}, ${share})`);
}

const scale = () => (size.width - size.gutter) / (view.to - view.from);
const xOf = (i) => size.gutter + (i - view.from) * scale();
const eventAt = (x) => Math.floor(view.from + (x - size.gutter) / scale());

/* The first bar, not before `low`, from which on one may end behind `from`. */
function firstVisible(row, from, low = 0) {
  let high = row.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (row.reach[middle] + 1 < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* Calls paint(x, width, id, index) for each bar that can be told apart. Of the bars that are
 * narrower than a pixel, one is drawn for each pixel, and the others are not even looked at. */
function eachBar(row, paint) {
  const perEvent = scale(), perPixel = 1 / (perEvent * size.ratio);
  let k = firstVisible(row, view.from);

  while (k < row.count && row.begin[k] < view.to) {
    const x = size.gutter + (row.begin[k] - view.from) * perEvent;
    const right = x + (row.end[k] + 1 - row.begin[k]) * perEvent;
    const left = Math.max(x, size.gutter - 4);
    paint(left, Math.min(right, size.width + 4) - left, row.id[k], k);
    k = right - x >= 1 / size.ratio ? k + 1
      : firstVisible(row, row.begin[k] + perPixel + 1, k + 1);
  }
}

/* Text inside a bar, as much of it as fits; `text` makes it when it is wanted. */
function label(text, x, y, width, fill) {
  if (width < MIN_LABEL) return;
  const left = Math.max(x, size.gutter) + 4;
  const letters = Math.floor((Math.min(x + width, size.width) - left - 2) / size.letter);

  if (letters < 3) return;
  const whole = text();
  pen.fillStyle = fill;
  pen.fillText(whole.length > letters ? `${whole.slice(0, letters - 1)}\u2026` : whole, left, y);
}

function bar(x, y, width, height, fill) {
  pen.fillStyle = fill;
  if (width < 6) pen.fillRect(x, y, Math.max(width, 1 / size.ratio), height);
  else {
    pen.beginPath();
    pen.roundRect(x + 0.5, y, width - 1, height, 2.5);
    pen.fill();
  }
}

function hatch(x, y, width, height) {
  pen.save();
  pen.beginPath();
  pen.rect(x, y, width, height);
  pen.clip();
  pen.strokeStyle = color.bad;
  pen.lineWidth = 2;
  pen.beginPath();
  for (let at = x - height; at < x + width; at += 6) {
    pen.moveTo(at, y + height);
    pen.lineTo(at + height, y);
  }
  pen.stroke();
  pen.restore();
}

function outlineFocused(object, x, y, width, height) {
  if (!view.object || texts[object] !== view.object) return;
  pen.strokeStyle = color.accent;
  pen.lineWidth = 2;
  pen.strokeRect(x + 0.5, y, Math.max(width - 1, 2), height);
}

const bytesText = (bytes) => (bytes >= 1024 && bytes % 1024 === 0 ? `${bytes / 1024} KB`
  : `${bytes} B`);

/* From MapTransfer to its flush in one color, from there to the completion in another. */
function drawMapping(x, y, width, height, k) {
  const flushed = spans.mark[k] !== NONE;
  const turn = flushed ? xOf(spans.mark[k] + 1) : x + width;
  const right = x + width;

  bar(x, y, width, height, flushed ? color.flushed : color.mapped);
  if (flushed && turn > x) {
    pen.fillStyle = color.mapped;
    pen.fillRect(x, y, Math.min(turn, right) - x, height);
  } else if (!flushed && !spans.open[k]) {
    hatch(Math.max(x, right - Math.min(width, 24)), y, Math.min(width, 24), height);
  }
  const text = () => `${texts[spans.title[k]]} ${bytesText(spans.detail[k])} ` +
    (spans.write[k] ? "\u2192 device" : "\u2190 device");
  const edge = Math.min(Math.max(turn, x), right);
  if (edge - Math.max(x, size.gutter) > 60) {
    label(text, x, y + height - 3.5, edge - x, color["mapped-text"]);
    label(() => "flushed", edge, y + height - 3.5, right - edge, color["flushed-text"]);
  } else label(text, edge, y + height - 3.5, right - edge, color["flushed-text"]);
}

/* How a request ended, from its last event. */
function requestText(k) {
  const name = `${texts[spans.object[k]]} ${texts[spans.title[k]]}`;
  const done = spans.end[k];
  if (spans.open[k] || !isKind(done, "irp:done")) return name;
  return `${name} \u2192 ${argText(done, 1).replace(/^STATUS_/, "")}`;
}

const painters = {
  request(x, y, width, height, k) {
    bar(x, y, width, height, color.request);
    if (spans.mark[k] !== NONE && width > 3) {
      pen.fillStyle = color.accent;
      pen.fillRect(xOf(spans.mark[k]), y, 2, height);
    }
    label(() => requestText(k), x, y + height - 4.5, width, color["request-text"]);
  },
  mapping: drawMapping,
  engine(x, y, width, height, k) {
    bar(x, y, width, height, color.engine);
    label(() => `${bytesText(spans.detail[k])} ${spans.write[k] ? "from memory" : "to memory"}`,
          x, y + height - 4.5, width, color["engine-text"]);
  },
  common(x, y, width, height, k) {
    bar(x, y, width, height, color.common);
    label(() => `${texts[spans.title[k]]} ${bytesText(spans.detail[k])}`, x, y + height - 3.5,
          width, color["common-text"]);
  },
  task(x, y, width, height, task) {
    bar(x, y + height / 2 - 1, width, 2, color.line);
    if (width > MIN_LABEL) {
      const text = `${TASK_KINDS[taskKind.get(task) || 0]}-${task}`;
      const left = Math.max(x, size.gutter);
      const room = Math.min((text.length + 1) * size.letter, x + width - left);
      bar(left, y, room, height, color.task);
      label(() => text, x, y + height - 3.5, width, color["task-text"]);
    } else bar(x, y, width, height, color.task);
  },
  routine(x, y, width, height, k) {
    bar(x, y, width, height, color.driver);
    label(() => `${texts[spans.title[k]]} ${texts[spans.object[k]]}`, x, y + height - 3, width,
          color.ground);
  },
  run(x, y, width, height, i) {
    bar(x, y, width, height, color.task);
    label(() => taskText(events.task[i], events.layer[i]), x, y + height - 4.5, width,
          color["task-text"]);
  },
  irql(x, y, width, height, i) {
    const level = Math.min(events.irql[i], 3);
    if (!level) return;
    pen.fillStyle = color.levels[level];
    pen.fillRect(x, y, Math.max(width, 1 / size.ratio), height);
  },
  level(x, y, width, height) {
    bar(x, y, width, height, color.device);
  },
  state(x, y, width, height, i, row) {
    const text = row.text(i);
    const at = text === "D0" || text === "started" ? color.flushed : color.common;
    bar(x, y, width, height, at);
    label(() => text, x, y + height - 3.5, width, at === color.common ? color["common-text"]
      : color["flushed-text"]);
  },
  ticks(x, y, width, height, i) {
    pen.fillStyle = badEvents.has(i) ? color.bad : color[LAYERS[events.layer[i]]];
    const focused = focusSet.has(i);
    const top = focused || badEvents.has(i) ? y : y + 3;
    pen.fillRect(x, top, Math.max(width > 3 ? width - 1 : width, 1 / size.ratio), y + height - top);
    if (width > 50) label(() => kinds[events.kind[i]].name, x, y + height - 2.5, width, color.ground);
  },
  ops(x, y, width, height, i, row, k) {
    const next = k + 1 < row.count ? xOf(row.begin[k + 1]) : size.width;
    pen.fillStyle = color.op;
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x + 7, y + 4.5);
    pen.lineTo(x, y + 9);
    pen.fill();
    pen.fillRect(x, y, 1.5, height);
    label(() => wordsOf(i).replace(/^op:fired \d+ +/, ""), x + 6, y + height - 6, next - x - 8,
          color.op);
  },
};

const BOXED = new Set(["request", "mapping", "engine", "common", "routine"]);

function drawPart(part, top) {
  const y = top + part.dy;

  eachBar(part.row, (x, width, id, k) => {
    painters[part.type](x, y, width, part.height, id, part.row, k);
    if (view.object && BOXED.has(part.type)) {
      outlineFocused(spans.object[id], x, y, width, part.height);
    }
  });
}

/* A vertical line over all lanes. */
function drawLine(i, stroke, dash) {
  const x = Math.round(xOf(i + 0.5)) + 0.5;

  if (x < size.gutter || x > size.width) return;
  pen.strokeStyle = stroke;
  pen.lineWidth = 1.5;
  pen.setLineDash(dash);
  pen.beginPath();
  pen.moveTo(x, RULER - 8);
  pen.lineTo(x, size.height);
  pen.stroke();
  pen.setLineDash([]);
}

function drawChip(i, fill, text, top = 2) {
  const x = xOf(i + 0.5), width = text.length * size.letter + 10;
  if (x < size.gutter - 1 || x > size.width + 1) return;
  const left = Math.min(Math.max(x - width / 2, size.gutter), size.width - width);
  pen.fillStyle = fill;
  pen.beginPath();
  pen.roundRect(left, top, width, 15, 4);
  pen.fill();
  pen.fillStyle = color.ground;
  pen.fillText(text, left + 5, top + 11);
}

function niceStep(atLeast) {
  const power = 10 ** Math.floor(Math.log10(Math.max(atLeast, 1)));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= atLeast);
}

function drawRuler() {
  const step = niceStep(90 / scale());

  pen.fillStyle = color.raised;
  pen.fillRect(0, 0, size.width, RULER);
  pen.strokeStyle = color.line;
  pen.lineWidth = 1;
  pen.beginPath();
  for (let n = Math.ceil(view.from / step) * step; n <= view.to; n += step) {
    const i = Math.max(n, 1) - 1, x = Math.round(xOf(i)) + 0.5;
    if (i >= events.count || x < size.gutter) continue;
    pen.moveTo(x, RULER - 6);
    pen.lineTo(x, size.height);
    pen.fillStyle = color.dim;
    pen.fillText(numberText(i + 1), x + 3, 13);
    pen.fillText(timeText(events.time[i]), x + 3, 28);
  }
  pen.moveTo(0, RULER + 0.5);
  pen.lineTo(size.width, RULER + 0.5);
  pen.stroke();
}

function drawGutter(shift) {
  pen.fillStyle = color.raised;
  pen.fillRect(0, RULER + 1, size.gutter, size.height);
  pen.save();
  pen.beginPath();
  pen.rect(0, RULER + 1, size.width, size.height);
  pen.clip();
  for (const lane of lanes) {
    const y = lane.top - shift + RULER;
    if (y + lane.height < RULER || y > size.height) continue;
    if (lane.group) {
      pen.fillStyle = color.sunken;
      pen.fillRect(0, y, size.width, lane.height);
      pen.font = '600 11px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
      pen.fillStyle = color.dim;
      pen.fillText(lane.title.toUpperCase(), 10, y + 15);
    } else if (lane.title) {
      pen.font = '12px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
      pen.fillStyle = color.text;
      pen.fillText(lane.title, 10, y + 17, size.gutter - 14);
    }
  }
  pen.restore();
  pen.font = FONT;
  pen.fillStyle = color.dim;
  pen.fillText("event", 10, 13);
  pen.fillText("time", 10, 28);
  pen.fillStyle = color.line;
  pen.fillRect(size.gutter - 1, 0, 1, size.height);
}

function drawLanes() {
  const shift = scroller.scrollTop;

  pen.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
  pen.fillStyle = color.ground;
  pen.fillRect(0, 0, size.width, size.height);
  pen.font = FONT;
  drawRuler();
  pen.save();
  pen.beginPath();
  pen.rect(size.gutter, RULER + 1, size.width, size.height);
  pen.clip();
  for (const lane of lanes) {
    const y = lane.top - shift + RULER;
    if (y + lane.height < RULER || y > size.height || lane.group) continue;
    pen.fillStyle = color.faint;
    pen.fillRect(size.gutter, y + lane.height - 1, size.width, 1);
    for (const part of lane.parts) drawPart(part, y);
  }
  pen.restore();
  drawGutter(shift);
  pen.save();
  pen.beginPath();
  pen.rect(size.gutter, 0, size.width, size.height);
  pen.clip();
  if (noReturn >= 0) {
    drawLine(noReturn, color.fate, [2, 3]);
    if (noReturn !== verdictEvent) drawChip(noReturn, color.fate, "no return", 17);
  }
  if (verdictEvent >= 0) {
    drawLine(verdictEvent, color.bad, [5, 3]);
    drawChip(verdictEvent, color.bad, facts.rule || facts.verdict);
  }
  if (view.chosen >= 0) {
    if (view.chosen !== verdictEvent) {
      drawLine(view.chosen, color.accent, []);
      drawChip(view.chosen, color.accent, numberText(view.chosen + 1));
    }
  }
  pen.restore();
}

/* ---- the overview ---- */

/* Where requests, the engine, ops and what was found lie; drawn once for each size and theme. */
let overviewPicture = null;

function paintOverview(width, height) {
  const picture = document.createElement("canvas");
  const draw = picture.getContext("2d");
  const perEvent = width / Math.max(events.count, 1);
  const put = (list, top, tall, fill, least) => {
    draw.fillStyle = fill;
    let drawn = -1;
    for (const [begin, end] of list) {
      const x = begin * perEvent, right = Math.max((end + 1) * perEvent, x + least);
      if (right <= drawn) continue;
      draw.fillRect(x, top, right - x, tall);
      drawn = right;
    }
  };
  picture.width = width * size.ratio;
  picture.height = height * size.ratio;
  draw.scale(size.ratio, size.ratio);
  draw.fillStyle = color.raised;
  draw.fillRect(0, 0, width, height);
  const row = height / 5;
  put(spansOf(REQUEST), row * 0.6, row * 0.8, color.request, 1);
  put(spansOf(MAPPING), row * 1.7, row * 0.8, color.mapped, 1);
  put(spansOf(ENGINE), row * 2.8, row * 0.8, color.engine, 1);
  put(opEvents.map((i) => [i, i]), row * 3.8, row, color.op, 2);
  if (focusList.length) put([...focusList].map((i) => [i, i]), 0, row * 0.5, color.accent, 1.5);
  if (matchList.length) put([...matchList].map((i) => [i, i]), height - 4, 4, color.framework, 1.5);
  if (noReturn >= 0) put([[noReturn, noReturn]], 0, height, color.fate, 2);
  if (verdictEvent >= 0) put([[verdictEvent, verdictEvent]], 0, height, color.bad, 2);
  return picture;
}

function drawOverview() {
  const width = overview.clientWidth, height = overview.clientHeight;
  const perEvent = width / Math.max(events.count, 1);

  if (!overviewPicture) {
    overview.width = width * size.ratio;
    overview.height = height * size.ratio;
    overviewPicture = paintOverview(width, height);
  }
  overviewPen.setTransform(1, 0, 0, 1, 0, 0);
  overviewPen.drawImage(overviewPicture, 0, 0);
  overviewPen.scale(size.ratio, size.ratio);
  const left = view.from * perEvent, right = Math.max(view.to * perEvent, left + 3);
  overviewPen.fillStyle = `rgba(${color.shade}, 0.14)`;
  overviewPen.fillRect(0, 0, left, height);
  overviewPen.fillRect(right, 0, width - right, height);
  overviewPen.strokeStyle = color.accent;
  overviewPen.lineWidth = 2;
  overviewPen.strokeRect(left + 1, 1, right - left - 2, height - 2);
  if (view.chosen >= 0) {
    overviewPen.fillStyle = color.accent;
    overviewPen.fillRect(view.chosen * perEvent - 0.75, 0, 1.5, height);
  }
}

/* ---- frames ---- */

let frameAsked = false;

function redraw() {
  if (frameAsked) return;
  frameAsked = true;
  requestAnimationFrame(drawFrame);
}

function drawFrame() {
  frameAsked = false;
  drawLanes();
  drawOverview();
}

/* A canvas whose size is set is empty, so it is drawn at once. */
function resize() {
  const narrow = window.innerWidth < 760;

  size.ratio = window.devicePixelRatio || 1;
  size.width = scroller.clientWidth;
  size.height = byId("timeline").clientHeight;
  size.gutter = narrow ? 84 : 132;
  lanesCanvas.width = Math.round(size.width * size.ratio);
  lanesCanvas.height = Math.round(size.height * size.ratio);
  lanesCanvas.style.width = `${size.width}px`;
  lanesCanvas.style.height = `${size.height}px`;
  byId("spacer").style.height = `${Math.max(lanesHeight + RULER - size.height, 0)}px`;
  pen.font = FONT;
  size.letter = pen.measureText("0").width || 6.7;
  overviewPicture = null;
  drawFrame();
}
