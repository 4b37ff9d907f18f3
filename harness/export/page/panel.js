
/* The panel: what is known of the chosen event, and the list of events. */
const details = byId("details"), rows = byId("rows");
const ROW = 22;
let listed = null; /* null: all events; else the events that the list has */
let listName = "all";

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") made.addEventListener("click", value);
    else if (value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/* ---- the chosen event ---- */

function objectButton(object, text = object) {
  return element("button", { type: "button", title: `Follow ${object}`,
                             onclick: () => followObject(object) }, text);
}

function eventButton(i, text) {
  return element("button", { type: "button", title: wordsOf(i), onclick: () => choose(i, true) },
                 text);
}

function addRow(table, name, ...value) {
  table.append(element("tr", {}, element("th", { scope: "row" }, name),
                       element("td", {}, ...value)));
}

function findingBox(one) {
  const title = one.rule + (one.warning ? " (warning)" : "");
  const source = [one.source && `Source: ${one.source}`,
                  one.bugcheck && `Windows would say: bug check ${one.bugcheck}`].filter(Boolean);
  return element("div", { class: one.warning ? "finding warning" : "finding" },
                 element("b", {}, title), one.sentence,
                 ...source.map((text) => element("small", {}, text)));
}

const shareText = (share) => (share.same === share.runs ? `all ${share.runs}`
  : `${share.same} of ${share.runs}`);

/* What flushtrace explain says. */
function noReturnText() {
  const found = facts.no_return, far = found.rule_event - found.event;

  if (found.found === "start") {
    return `Without any op, and whichever task runs when, all ${found.at.runs} continuations from before ` +
      "the first event fail.";
  }
  if (noReturn < 0) return `Not determined: ${found.found} after ${numberText(found.runs)} continuations.`;
  return (far ? `${numberText(far)} event${far === 1 ? "" : "s"} before the rule's own. ` : "The rule's own event. ") +
    `From here on ${shareText(found.at)} continuations fail, from the event before ${shareText(found.before)}` +
    (found.single_preemption_escapes ? "; a single preemption there still avoids it." : ".");
}

function noReturnBox() {
  const title = facts.no_return.found === "start" ? "doomed from the start" : "point of no return";
  return element("div", { class: "finding fate" }, element("b", {}, title), noReturnText());
}

function facesTable(i) {
  const table = element("table");
  const layer = LAYERS[events.layer[i]], task = events.task[i];
  const site = texts[events.site[i]];

  if (site) addRow(table, "called from", site);
  addRow(table, "layer", element("span", { class: "layer",
                                           style: `background: var(--${layer})` }, layer));
  addRow(table, "task", task ? objectButton(`task#${task}`, taskText(task, events.layer[i]))
    : taskText(task, events.layer[i]));
  addRow(table, "processor", events.cpu[i] ? String(events.cpu[i] - 1) : "none");
  addRow(table, "IRQL", irqlText(events.irql[i]));
  addRow(table, "time", timeText(events.time[i]));
  if (events.request[i]) addRow(table, "request", objectButton(`irp#${events.request[i]}`));
  if (events.device[i]) addRow(table, "device", objectButton(`device#${events.device[i]}`));
  return table;
}

function argumentsTable(i) {
  const table = element("table");
  kinds[events.kind[i]].arguments.forEach((name, k) => {
    const text = argText(i, k);
    const object = objectOfText[events.arg[events.first[i] + k]];
    addRow(table, name, object ? objectButton(object, text) : text);
  });
  return table;
}

/* From the mapping to the flush to the completion, for a mapping or request that the event is
 * about. */
function chainOf(i) {
  const chain = [];
  for (let k = 0; k < spans.count; k++) {
    if (spans.kind[k] !== MAPPING) continue;
    const owner = spans.owner[k];
    const about = spans.begin[k] === i || spans.mark[k] === i ||
      (owner !== NONE && spans.mark[owner] === i);
    if (!about) continue;
    const line = element("div", { class: "chain" });
    if (owner !== NONE) {
      line.append(eventButton(spans.begin[owner], texts[spans.object[owner]]), " \u2192 ");
    }
    line.append(eventButton(spans.begin[k], `${texts[spans.title[k]]} mapped`), " \u2192 ");
    line.append(spans.mark[k] !== NONE ? eventButton(spans.mark[k], "flushed") : "never flushed");
    if (owner !== NONE && spans.mark[owner] !== NONE) {
      line.append(" \u2192 ", eventButton(spans.mark[owner], "completed"));
    }
    chain.push(line);
    if (chain.length === 6) break;
  }
  return chain;
}

function showDetails(i) {
  const row = kinds[events.kind[i]];

  details.replaceChildren(
    element("h2", {}, element("span", { class: "number" }, `#${numberText(i + 1)}`), wordsOf(i)),
    element("p", { class: "sentence" }, row.sentence),
    ...findingsAt(i).map(findingBox));
  if (i === noReturn) details.append(noReturnBox());
  if (i === verdictEvent && !facts.rule) {
    details.append(element("div", { class: "finding" }, element("b", {}, facts.verdict),
                           facts.detail));
  }
  const chain = chainOf(i);
  if (chain.length) details.append(element("h3", {}, "From map to completion"), ...chain);
  if (row.arguments.length) details.append(element("h3", {}, "Arguments"), argumentsTable(i));
  details.append(element("h3", {}, "Where"), facesTable(i));
  details.scrollTop = 0;
}

/* What stands there before an event is chosen. */
function showRun() {
  const table = element("table");
  addRow(table, "driver", facts.driver);
  addRow(table, "mutant", facts.mutant || "none (the sound core)");
  addRow(table, "platform", facts.platform_knobs || facts.platform);
  addRow(table, "flavour", `${facts.flavour}, ${facts.compiler}`);
  addRow(table, "events", numberText(events.count));
  addRow(table, "hash", facts.hash);
  addRow(table, "model", String(facts.model));
  addRow(table, "trace", facts.trace);
  addRow(table, "run again", facts.rerun);
  details.replaceChildren(element("h2", {}, `${facts.driver}: ${facts.verdict}`),
                          ...findings.map(findingBox), ...(facts.no_return ? [noReturnBox()] : []),
                          element("h3", {}, "Run"), table,
                          element("h3", {}, "Scenario"), element("pre", { class: "mono" },
                                                                 facts.scenario));
}

/* ---- the list ---- */

const listCount = () => (listed ? listed.length : events.count);
const listEvent = (k) => (listed ? listed[k] : k);

/* The place of an event in the list, or of the first behind it. */
function placeInList(i) {
  if (!listed) return i;
  let low = 0, high = listed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (listed[middle] < i) low = middle + 1;
    else high = middle;
  }
  return low;
}

function rowFor(k) {
  const i = listEvent(k);
  const names = ["row"];
  if (i === view.chosen) names.push("chosen");
  if (badEvents.has(i)) names.push("bad");
  else if (i === noReturn) names.push("fate");
  else if (opKinds.has(events.kind[i])) names.push("op");
  const indent = " ".repeat(listed ? 0 : Math.min(events.nesting[i], 8));
  const made = element("div", { class: names.join(" "), role: "option", id: `row-${i}`,
                                "aria-selected": String(i === view.chosen),
                                style: `top: ${k * ROW}px`, onclick: () => choose(i, true) },
                       element("span", { class: "n" }, numberText(i + 1)),
                       element("span", { class: "w" }, indent + wordsOf(i)));
  made.style.boxShadow = `inset 3px 0 var(--${LAYERS[events.layer[i]]})`;
  return made;
}

/* Browsers do not scroll much further than this. */
const HEIGHT_MAX = 15e6;

function drawRows() {
  const total = listCount() * ROW, height = Math.min(total, HEIGHT_MAX);
  const shift = total > height
    ? rows.scrollTop / Math.max(height - rows.clientHeight, 1) * (total - height) : 0;
  const first = Math.max(Math.floor((rows.scrollTop + shift) / ROW) - 4, 0);
  const last = Math.min(first + Math.ceil(rows.clientHeight / ROW) + 9, listCount());
  const made = [element("div", { class: "spacer", style: `height: ${height}px`,
                                 role: "presentation" })];

  for (let k = first; k < last; k++) {
    const row = rowFor(k);
    row.style.top = `${k * ROW - shift}px`;
    made.push(row);
  }
  rows.replaceChildren(...made);
  rows.setAttribute("aria-activedescendant", view.chosen >= 0 ? `row-${view.chosen}` : "");
}

function scrollToRow(i) {
  const total = listCount() * ROW, height = Math.min(total, HEIGHT_MAX);
  const y = placeInList(i) * ROW * (height / Math.max(total, 1));

  if (y < rows.scrollTop + ROW || y > rows.scrollTop + rows.clientHeight - 2 * ROW) {
    rows.scrollTop = y - rows.clientHeight / 2;
  }
  drawRows();
}

function showList(name) {
  const lists = { all: null, object: focusList, matches: matchList };

  listName = lists[name] === undefined ? "all" : name;
  listed = lists[listName];
  for (const one of ["all", "object", "matches"]) {
    byId(`show-${one}`).setAttribute("aria-pressed", String(one === listName));
  }
  byId("show-object").hidden = !view.object;
  byId("show-object").textContent = view.object;
  byId("show-matches").hidden = matchList.length === 0;
  byId("count").textContent = listed
    ? `${numberText(listed.length)} of ${numberText(events.count)}` : numberText(events.count);
  if (view.chosen >= 0) scrollToRow(view.chosen);
  else drawRows();
}
