import { GraphView } from "./graph.js";
import { button, byId, element, json, longText, plural, setStatus } from "./common.js";

const MAX_RUNS = 100;

let state = null;
let chosenFlow = null;
let chosenNode = null;
let filter = "";       // what runs of the chosen node have to hold, in small letters
const opened = new Map();  // which runs of which node the user opened or closed

const graph = new GraphView(chooseNode, chooseFlow);

// The graph and the run of what is broken do not exist: the last good ones are shown, greyed.
const shownResult = () => state && (state.good || state.result);
const shownReport = () => { const shown = shownResult(); return shown && shown.run && shown.run.report; };

// --- graph -----------------------------------------------------------------------------------------------------

function showGraph() {
  const shown = shownResult();
  const drawing = shown && shown.drawings[chosenFlow];
  const notice = byId("notice");
  byId("graph").classList.toggle("old", Boolean(state.good));
  notice.hidden = !state.good;
  notice.textContent = state.good ? "What is in the files now has errors. Graph and run are those of the last good state." : "";
  if (drawing) graph.show(drawing.svg, drawing.nodes);
  else {
    graph.showText(!shown ? "Waiting for the first result …" : shown.ok ? "There is no drawing of this flow."
      : "There is nothing to draw yet: the check says why.");
  }
}

// --- flows and nodes -------------------------------------------------------------------------------------------

function showFlows() {
  const shown = shownResult();
  const flows = shown ? shown.flows : [];
  const report = shownReport();
  if (!flows.includes(chosenFlow)) chosenFlow = report && flows.includes(report.flow) ? report.flow : flows[0] || null;
  const select = byId("flow");
  select.disabled = !flows.length;
  if (flows.join("\n") !== [...select.options].map((option) => option.value).join("\n")) {
    select.replaceChildren(...flows.map((name) => {
      const option = element("option", "", name);
      option.value = name;
      return option;
    }));
  }
  if (chosenFlow !== null) select.value = chosenFlow;
}

function chooseFlow(name) {
  chosenFlow = name;
  chosenNode = null;
  showFlows();
  showGraph();
  showRun();
  showNode();
}

function chooseNode(name) {
  if (name !== chosenNode) byId("filter").lastElementChild.value = filter = "";
  chosenNode = name;
  showNode();
}

function runsOf(report, name) {
  return report ? report.nodes.filter((run) => run.name === name && run.flow === chosenFlow) : [];
}

function showNode() {
  graph.select(chosenNode);
  const area = byId("details");
  if (chosenNode === null) {
    byId("filter").hidden = true;
    area.replaceChildren(element("p", "muted", "Click a node in the graph, or reach it with Tab and press Enter."));
    return;
  }
  const report = shownReport();
  const runs = failedFirst(runsOf(report, chosenNode));
  const found = runs.filter(matches);
  byId("filter").hidden = runs.length < 2;
  const content = [element("h3", "", chosenNode)];
  if (shownResult() && shownResult().flows.includes(chosenNode)) {
    const flow = chosenNode;
    content.push(button("Show this flow", "", () => chooseFlow(flow)));
  }
  if (!runs.length) content.push(...notRun(report, chosenNode));
  if (runs.length && !found.length) content.push(element("p", "muted", `None of the ${runs.length} runs has that text.`));
  content.push(...found.slice(0, MAX_RUNS).map((run, index) => nodeRun(run, index === 0, runs.length)));
  if (found.length > MAX_RUNS) {
    content.push(element("p", "muted", `and ${found.length - MAX_RUNS} more runs; the filter finds them`));
  }
  area.replaceChildren(...content);
}

// That a node did not run, and why: the answer of `selinon explain`.
function notRun(report, name) {
  if (!report) return [element("p", "muted", "There is no run.")];
  const { why } = shownResult().run;
  const answer = why && why[chosenFlow] && why[chosenFlow][name];
  if (!answer) return [element("p", "muted", "It did not run in this flow.")];
  return [element("p", "", `${answer.text}.`), ...(answer.because ? [longText(answer.because)] : [])];
}

// Runs with their numbers; those that failed come first, else the order in which they started stays.
function failedFirst(runs) {
  const numbered = runs.map((run, index) => ({ ...run, number: index + 1 }));
  return [...numbered.filter((run) => run.status === "failure"), ...numbered.filter((run) => run.status !== "failure")];
}

function matches(run) {
  if (!filter) return true;
  const { status, node_args, result, error } = run;
  return JSON.stringify([status, node_args, result, error]).toLowerCase().includes(filter);
}

function nodeRun(run, first, count) {
  const box = element("details");
  const key = `${chosenFlow}\n${chosenNode}\n${run.number}`;
  box.open = opened.has(key) ? opened.get(key) : first;
  box.addEventListener("toggle", () => opened.set(key, box.open));
  const summary = element("summary", "", count > 1 ? `run ${run.number} of ${count}: ` : "");
  const attempts = run.attempts > 1 ? `, ${run.attempts} attempts` : "";
  const until = run.finished_at === run.started_at ? "" : ` to ${run.finished_at} s`;
  summary.append(element("span", run.status, run.status), ` at ${run.started_at} s${until}${attempts}`);
  box.append(summary);
  const part = (caption, ...content) => box.append(element("div", "caption", caption), ...content);
  if (run.error) part("error", element("pre", "failure", run.error.traceback || `${run.error.type}: ${run.error.message}`));
  part("arguments", json(run.node_args));
  if (run.parent && Object.keys(run.parent).length) part("parents", json(run.parent));
  if (run.kind === "task" && !run.error) part("result", json(run.result === undefined ? null : run.result));
  return box;
}

// --- check and run ---------------------------------------------------------------------------------------------

function showFindings() {
  const result = state.result;
  const content = [];
  if (!result) content.push(element("p", "muted", "…"));
  else {
    if (result.problem) content.push(element("pre", "failure problem", result.problem));
    for (const finding of result.diagnostics) {
      const box = element("div", "finding " + finding.severity);
      box.append(element("div", "place", `${finding.file}:${finding.line}:${finding.column} ${finding.severity} ${finding.code}`));
      box.append(element("div", "", finding.message));
      if (finding.help) box.append(element("div", "muted", finding.help));
      for (const other of finding.related) box.append(element("div", "muted", `${other.file}:${other.line}:${other.column} ${other.message}`));
      content.push(box);
    }
    if (!content.length) content.push(element("p", "muted", "No problems."));
  }
  byId("findings").replaceChildren(...content);
}

function showRun() {
  const shown = shownResult();
  const run = shown && shown.run;
  const content = [];
  if (!run) content.push(element("p", "muted", shown && shown.ok ? "Not run; selinon watch --run runs the flow." : "There is no run."));
  else if (!run.report) content.push(element("pre", "failure problem", run.problem || "There is no report."));
  else {
    const report = run.report;
    const line = element("p");
    line.append(element("strong", report.status, report.status), ` of ${report.flow}: `
      + `${plural(report.nodes.length, "node run")}, ${report.virtual_seconds} s virtual, ${report.real_seconds.toFixed(3)} s real`);
    content.push(line);
    if (report.error) content.push(element("p", "failure", report.error));
    const failed = Object.keys(report.failed_nodes);
    if (failed.length && chosenFlow === report.flow) content.push(element("div", "caption", "failed"), names(failed, "failure"));
    if (report.unreached_nodes.length && chosenFlow === report.flow) {
      content.push(element("div", "caption", "never reached"), names(report.unreached_nodes, ""));
    }
  }
  const tests = state.result && state.result.tests;
  if (tests) {
    content.push(element("div", "caption", "tests"),
      element("pre", tests.code === 0 ? "" : "failure problem", (tests.problem || tests.text).trimEnd() || "There is no case."));
  }
  byId("outcome").replaceChildren(...content);
}

function names(list, className) {
  const made = element("ul", "names");
  for (const name of list) {
    const item = element("li");
    item.append(button(name, className, () => chooseNode(name)));
    made.append(item);
  }
  return made;
}

function showStatus() {
  const result = state.result;
  const errors = result ? result.diagnostics.filter((found) => found.severity === "error").length : 0;
  const failed = result && result.run && result.run.code !== 0;
  const broken = result && result.tests && result.tests.code !== 0;
  const bad = result && (!result.ok || failed || broken);
  const text = !result ? "working …" : errors ? plural(errors, "error") : !result.ok ? "cannot be checked"
    : failed ? "the run failed" : broken ? "tests fail" : "fine";
  document.body.classList.toggle("working", state.working && Boolean(result));
  // While it works, the last result is that of older files: neither good nor bad.
  if (state.working && result) setStatus(`working …, before: ${text}`, "");
  else setStatus(text, bad ? "bad" : result ? "good" : "");
  byId("status").dataset.version = state.version;
  byId("project").textContent = state.project;
  document.title = `${text} · ${state.project} · selinon watch`;
}

// --- what happens ----------------------------------------------------------------------------------------------

let asked = 0;

async function refresh() {
  const number = ++asked;
  let answer;
  try {
    answer = await (await fetch("state", { cache: "no-store" })).json();
  } catch (error) {
    return;  // the stream of events says when the watcher is back
  }
  if (number !== asked) return;
  const before = state;
  state = answer;
  if (!(before && before.working !== state.working && state.working)) {
    showFlows();
    showGraph();
    showFindings();
    showRun();
    showNode();
  }
  showStatus();
}

byId("flow").addEventListener("change", (event) => chooseFlow(event.target.value));
byId("filter").addEventListener("input", (event) => { filter = event.target.value.toLowerCase(); showNode(); });

let seen = -1;
const events = new EventSource("events");
events.onmessage = (event) => {
  const version = Number(event.data);
  if (version !== seen) { seen = version; refresh(); }
};
events.onerror = () => {
  setStatus("the watcher is gone", "bad");
  seen = -1;
};
