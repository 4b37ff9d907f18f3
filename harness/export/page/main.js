
/* Begins: names, keys, theme. */
const KEYS = [
  ["\u2190 \u2192", "previous, next event"],
  ["[ ]", "previous, next event of the object that is followed"],
  ["P O", "previous, next op (disturbance)"],
  ["V", "the violation"],
  ...(noReturn >= 0 ? [["R", "the point of no return"]] : []),
  ["/", "search; Enter or N next match, Shift+N previous"],
  ["+ \u2212", "zoom (also the wheel, or two fingers)"],
  ["A D", "pan left, right (also drag, or Shift and the wheel)"],
  ["\u2191 \u2193", "scroll the lanes"],
  ["0", "whole trace"],
  ["F", "zoom to the chosen event"],
  ["Home End", "first, last event"],
  ["Esc", "follow no object, end the search"],
  ["T", "dark or light"],
  ["?", "this help"],
];

const LEGEND = [
  ["driver", "driver"], ["system", "kernel, HAL"], ["framework", "framework"], ["port", "port driver"],
  ["device", "device"], ["harness", "harness, requester"], ["request", "request"],
  ["mapped", "mapped: the device's"], ["flushed", "flushed, not completed"],
  ["engine", "engine moves data"], ["op", "op (disturbance)"], ["bad", "violation"],
  ...(noReturn >= 0 ? [["fate", "point of no return"]] : []),
];

const ACTIONS = {
  ArrowLeft: () => choose(view.chosen - 1),
  ArrowRight: () => choose(view.chosen + 1),
  ArrowUp: () => scroller.scrollBy(0, -60),
  ArrowDown: () => scroller.scrollBy(0, 60),
  PageUp: () => scroller.scrollBy(0, 40 - size.height),
  PageDown: () => scroller.scrollBy(0, size.height - 40),
  Home: () => choose(0),
  End: () => choose(events.count - 1),
  "[": () => stepObject(-1),
  "]": () => stepObject(1),
  o: () => step(opEvents, 1),
  p: () => step(opEvents, -1),
  v: jumpToVerdict,
  r: () => noReturn >= 0 && choose(noReturn, true),
  "/": () => byId("query").focus(),
  n: () => stepMatch(1),
  N: () => stepMatch(-1),
  "+": () => zoom(0.7), "=": () => zoom(0.7), w: () => zoom(0.7),
  "-": () => zoom(1 / 0.7), s: () => zoom(1 / 0.7),
  a: () => pan(-0.2),
  d: () => pan(0.2),
  0: showWhole,
  f: () => view.chosen >= 0 && setView(view.chosen - 15, view.chosen + 16),
  t: () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"),
  "?": () => byId("help").showModal(),
  Escape: () => {
    byId("query").value = "";
    search("");
    followObject("");
  },
};

function onKey(event) {
  const typing = event.target.matches("input, textarea");

  if (byId("help").open || event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing && event.key === "Escape") {
    ACTIONS.Escape();
    lanesCanvas.focus();
  }
  if (typing) return;
  const inList = document.activeElement === rows;
  if (inList && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    const by = event.key === "ArrowUp" ? -1 : 1;
    const at = Math.min(Math.max(placeInList(view.chosen) + by, 0), listCount() - 1);
    choose(listEvent(at));
    event.preventDefault();
    return;
  }
  if (event.target.matches("button") && (event.key === "Enter" || event.key === " ")) return;
  const action = ACTIONS[event.key] ||
    (event.key.length === 1 && !event.shiftKey ? ACTIONS[event.key.toLowerCase()] : undefined) ||
    (event.key.length === 1 && event.key !== "N" ? ACTIONS[event.key.toLowerCase()] : undefined);
  if (action) {
    event.preventDefault();
    action();
  }
}

/* ---- theme ---- */

const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

function setTheme(name, keep = true) {
  document.documentElement.dataset.theme = name;
  if (keep) {
    try {
      localStorage.setItem("flushtrace-theme", name);
    } catch { /* a page from disk may have no storage */ }
  }
  readColors();
  overviewPicture = null;
  redraw();
}

function firstTheme() {
  let kept = null;
  try {
    kept = localStorage.getItem("flushtrace-theme");
  } catch { /* as above */ }
  setTheme(kept === "dark" || kept === "light" ? kept : prefersDark.matches ? "dark" : "light",
           false);
  prefersDark.addEventListener("change", (event) => setTheme(event.matches ? "dark" : "light",
                                                             false));
}

/* ---- the page ---- */

function nameThings() {
  const verdict = byId("verdict");
  const mutant = facts.mutant ? `mutant ${facts.mutant}` : "sound core";
  const bad = facts.verdict !== "clean";

  document.title = `${facts.rule || facts.verdict} \u00b7 ${facts.driver}`;
  byId("driver").replaceChildren(`${facts.driver} `, element("small", {}, mutant));
  byId("run").textContent = `${facts.platform_knobs || facts.platform} \u00b7 ` +
    `${numberText(events.count)} events \u00b7 ${facts.ops} ops \u00b7 ${facts.trace}`;
  verdict.textContent = bad ? `${facts.rule || facts.verdict}` +
    (verdictEvent >= 0 ? ` at ${numberText(verdictEvent + 1)}` : "") : "clean";
  verdict.title = facts.sentence || facts.detail || "No rule was broken";
  verdict.classList.add(bad ? "bad" : "good");
  if (facts.no_return) {
    const button = byId("no-return");
    button.hidden = false;
    button.textContent = noReturn >= 0 ? `no return at ${numberText(noReturn + 1)}`
      : facts.no_return.found === "start" ? "doomed from the start" : "no return: not determined";
    button.title = noReturnText();
  }
  for (const [key, what] of KEYS) {
    byId("keys").append(
      element("dt", {}, ...key.split(" ").flatMap((one) => [element("kbd", {}, one), " "])),
      element("dd", {}, what));
  }
  for (const [name, what] of LEGEND) {
    byId("legend").append(element("li", {}, element("i", { style: `background: var(--${name})` }),
                                  what));
  }
  byId("legend").append(
    element("li", {}, element("i", { style: "background: rgba(var(--irql), 0.42)" }),
            "at DISPATCH_LEVEL"),
    element("li", {}, element("i", { style: "background: rgb(var(--irql))" }), "at device IRQL"));
}

function listen() {
  const on = (id, what, action, options) => byId(id).addEventListener(what, action, options);

  on("zoom-in", "click", () => zoom(0.6));
  on("zoom-out", "click", () => zoom(1 / 0.6));
  on("whole", "click", showWhole);
  on("theme", "click", ACTIONS.t);
  on("help-button", "click", ACTIONS["?"]);
  on("verdict", "click", jumpToVerdict);
  on("no-return", "click", () => (noReturn >= 0 ? choose(noReturn, true) : showRun()));
  on("query", "input", () => search(byId("query").value));
  on("search", "submit", (event) => {
    event.preventDefault();
    stepMatch(1);
  });
  on("previous-match", "click", () => stepMatch(-1));
  for (const name of ["all", "object", "matches"]) {
    on(`show-${name}`, "click", () => showList(name));
  }
  on("rows", "scroll", drawRows, { passive: true });
  on("scroller", "scroll", redraw, { passive: true });
  on("lanes", "pointerdown", onPointerDown);
  on("lanes", "pointermove", onPointerMove);
  on("lanes", "pointerup", onPointerUp);
  on("lanes", "pointercancel", onPointerUp);
  on("lanes", "pointerleave", () => (byId("tip").hidden = true));
  on("lanes", "wheel", onWheel, { passive: false });
  on("overview", "pointerdown", onOverview);
  on("overview", "pointermove", onOverview);
  document.addEventListener("keydown", onKey);
  new ResizeObserver(() => {
    resize();
    drawRows();
  }).observe(byId("timeline"));
}

nameThings();
firstTheme();
listen();
resize();
showList("all");
if (verdictEvent >= 0) jumpToVerdict();
else {
  showWhole();
  showRun();
}
