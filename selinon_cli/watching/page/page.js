"use strict";
// Everything from outside is put on the page with textContent. The picture is the one thing that is markup: only
// known SVG elements and attributes of it are taken over, none of which can run or load anything.

const LONGEST_TEXT = 20000;
const ELEMENTS = new Set(["svg", "g", "path", "polygon", "polyline", "ellipse", "circle", "rect", "line", "text",
  "tspan", "title", "style", "defs", "linearGradient", "stop", "a"]);
const ATTRIBUTES = new Set(["id", "class", "d", "points", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "rx", "ry",
  "r", "width", "height", "viewBox", "transform", "fill", "stroke", "stroke-width", "stroke-dasharray", "opacity",
  "fill-opacity", "stroke-opacity", "font-family", "font-size", "font-weight", "font-style", "text-anchor",
  "text-decoration", "offset", "stop-color", "stop-opacity", "gradientUnits", "dominant-baseline",
  "textLength", "xml:space"]);
const SVG = "http://www.w3.org/2000/svg";

let state = null;
let chosenFlow = null;
let chosenNode = null;

const byId = (id) => document.getElementById(id);

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function safeCopy(source) {
  const name = source.localName === "a" ? "g" : source.localName;
  const copy = document.createElementNS(SVG, name);
  for (const attribute of source.attributes) {
    if (ATTRIBUTES.has(attribute.name)) copy.setAttribute(attribute.name, attribute.value);
  }
  const tip = source.localName === "a" && source.getAttributeNS("http://www.w3.org/1999/xlink", "title");
  if (tip) {
    const title = document.createElementNS(SVG, "title");
    title.textContent = tip;
    copy.append(title);
  }
  for (const child of source.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) copy.append(document.createTextNode(child.data));
    else if (child.nodeType === Node.ELEMENT_NODE && ELEMENTS.has(child.localName)) {
      if (tip && child.localName === "title") continue;
      copy.append(safeCopy(child));
    }
  }
  return copy;
}

function shownResult() {
  // The graph and the run of what is broken do not exist: show the last good ones, greyed.
  return state.good || state.result;
}

function showGraph() {
  const area = byId("graph");
  const shown = shownResult();
  const picture = shown && shown.pictures[chosenFlow];
  area.classList.toggle("old", Boolean(state.good));
  if (!picture) {
    area.replaceChildren(element("p", "muted", shown ? "No picture of this flow." : "Waiting for the first result …"));
    return;
  }
  const parsed = new DOMParser().parseFromString(picture, "image/svg+xml").documentElement;
  if (parsed.localName !== "svg") {
    area.replaceChildren(element("p", "failure", "The picture cannot be read."));
    return;
  }
  const svg = safeCopy(parsed);
  for (const node of svg.querySelectorAll("g.node[id]")) {
    const match = /^(task|flow)_(.*)$/.exec(node.id);
    if (!match) continue;
    node.setAttribute("tabindex", "0");
    const choose = () => { chosenNode = match[2]; showNode(); };
    node.addEventListener("click", choose);
    node.addEventListener("dblclick", () => { if (match[1] === "flow") chooseFlow(match[2]); });
    node.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(); });
  }
  area.replaceChildren(svg);
}

function showFlows() {
  const select = byId("flow");
  const shown = shownResult();
  const flows = shown ? shown.flows : [];
  const ran = shown && shown.run && shown.run.report;
  if (!flows.includes(chosenFlow)) chosenFlow = ran && flows.includes(ran.flow) ? ran.flow : flows[0] || null;
  select.replaceChildren(...flows.map((name) => {
    const option = element("option", "", name);
    option.value = name;
    option.selected = name === chosenFlow;
    return option;
  }));
}

function chooseFlow(name) {
  chosenFlow = name;
  showFlows();
  showGraph();
  showNode();
}

function showFindings() {
  const found = state.result ? state.result.diagnostics : [];
  byId("findings").replaceChildren(...(found.length ? found.map((finding) => {
    const box = element("div", "finding " + finding.severity);
    box.append(element("div", "place", `${finding.file}:${finding.line}:${finding.column} ${finding.code}`));
    box.append(element("div", "", finding.message));
    if (finding.help) box.append(element("div", "muted", finding.help));
    return box;
  }) : [element("p", "muted", state.result ? "No problems." : "…")]));
}

function showRun() {
  const shown = shownResult();
  const run = shown && shown.run;
  const area = byId("outcome");
  if (!run) {
    area.replaceChildren(element("p", "muted", "Not run (watch --run runs the flow)."));
  } else if (!run.report) {
    area.replaceChildren(element("p", "failure", "The run could not begin; the terminal says why."));
  } else {
    const report = run.report;
    const line = element("p");
    line.append(element("strong", report.status, report.status), ` of ${report.flow}: ${report.nodes.length} node runs, `
      + `${report.virtual_seconds} s virtual, ${report.real_seconds} s real`);
    area.replaceChildren(line);
    if (report.error) area.append(element("p", "failure", report.error));
    if (report.unreached_nodes.length) area.append(element("p", "", "never reached: " + report.unreached_nodes.join(", ")));
  }
}

function json(value) {
  const text = JSON.stringify(value, null, 2);
  const pre = element("pre");
  if (text.length <= LONGEST_TEXT) {
    pre.textContent = text;
    return pre;
  }
  pre.textContent = text.slice(0, LONGEST_TEXT) + " …";
  const box = element("div");
  const more = element("button", "", `show all ${text.length} characters`);
  more.addEventListener("click", () => { pre.textContent = text; more.remove(); });
  box.append(pre, more);
  return box;
}

function nodeRun(run, number) {
  const box = element("details");
  box.open = number === 1;
  const summary = element("summary", "", `run ${number}: `);
  const attempts = run.attempts > 1 ? `, ${run.attempts} attempts` : "";
  summary.append(element("span", run.status, run.status), ` at ${run.started_at} s${attempts}`);
  box.append(summary, element("div", "muted", "arguments"), json(run.node_args));
  if (run.parent && Object.keys(run.parent).length) box.append(element("div", "muted", "parents"), json(run.parent));
  if (run.kind === "task") box.append(element("div", "muted", "result"), json(run.result === undefined ? null : run.result));
  if (run.error) {
    box.append(element("div", "muted", "error"), element("pre", "failure", run.error.traceback || run.error.message));
  }
  return box;
}

function showNode() {
  for (const node of document.querySelectorAll("#graph .selected")) node.classList.remove("selected");
  const area = byId("details");
  if (chosenNode === null) return;
  for (const kind of ["task_", "flow_"]) {
    const node = document.getElementById(kind + chosenNode);
    if (node) node.classList.add("selected");
  }
  const shown = shownResult();
  const report = shown && shown.run && shown.run.report;
  const runs = report ? report.nodes.filter((run) => run.name === chosenNode && run.flow === chosenFlow) : [];
  area.replaceChildren(element("p", "", chosenNode));
  if (!runs.length) area.append(element("p", "muted", report ? "It did not run in this flow." : "There is no run."));
  runs.slice(0, 100).forEach((run, index) => area.append(nodeRun(run, index + 1)));
  if (runs.length > 100) area.append(element("p", "muted", `and ${runs.length - 100} more runs`));
}

function showStatus() {
  const status = byId("status");
  const errors = state.result ? state.result.diagnostics.filter((d) => d.severity === "error").length : 0;
  const result = state.result;
  const failed = result && result.run && result.run.code !== 0;
  status.className = errors || failed ? "bad" : result ? "good" : "";
  status.textContent = state.working ? "working …"
    : errors ? `${errors} error${errors > 1 ? "s" : ""}`
    : failed ? "the run failed" : result ? "fine" : "";
  status.dataset.version = state.version;
}

async function refresh() {
  const answer = await fetch("state", { cache: "no-store" });
  state = await answer.json();
  showFlows();
  showGraph();
  showFindings();
  showRun();
  showNode();
  showStatus();
}

byId("flow").addEventListener("change", (event) => chooseFlow(event.target.value));

let seen = -1;
const events = new EventSource("events");
events.onmessage = (event) => {
  const version = Number(event.data);
  if (version !== seen) { seen = version; refresh(); }
};
events.onerror = () => {
  const status = byId("status");
  status.className = "bad";
  status.textContent = "the watcher is gone";
  seen = -1;
};
