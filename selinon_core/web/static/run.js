// The page of one run: live states on the graph, the nodes, and the history on demand.

import "./actions.js";
import { byId, element, longText, plural } from "./common.js";
import { GraphView } from "./graph.js";
import { follow, freshPage, showLocalTimes, takeOver } from "./live.js";
import { NodeGroups } from "./node_groups.js";
import { Why } from "./why.js";

const id = byId("run").dataset.id;
const api = `${document.body.dataset.root}api/runs`;
const groups = new NodeGroups(byId("groups"), api, id, (name) => graph.select(name));
const graph = new GraphView(choose, choose);
const why = new Why(byId("why"), `${api}/${id}/explain`);
let run = null;
let head = "";      // what of the run the head of the page shows
let drawnFor = "";  // the definition that the graph is of

function choose(name) {
  graph.select(name);
  if (!groups.open(name)) why.ask(name);
}

// --- graph -----------------------------------------------------------------------------------------------------

async function draw() {
  let answer;
  try {
    answer = await fetch(`${api}/${id}/graph`, { cache: "no-store" });
  } catch (error) {
    drawnFor = "";
    return;
  }
  const content = await answer.json();
  if (!answer.ok) {
    graph.showText(content.error.message);
    if (answer.status >= 500 || content.error.code === "not_begun") drawnFor = "";
    return;
  }
  graph.show(content.svg, content.nodes);
  colour();
}

const STATES = ["failure", "mixed", "running", "waiting", "success", "reused"];

function stateOf(group) {
  if (!group) return "unreached";
  if (group.failure) return group.failure === group.count ? "failure" : "mixed";
  if (group.running || group.retrying) return "running";
  if (group.waiting) return "waiting";
  return group.reused === group.count ? "reused" : "success";
}

function colour() {
  if (!run) return;
  const byName = new Map(run.groups.map((group) => [group.name, group]));
  for (const node of byId("graph").querySelectorAll("[data-name]")) {
    const group = byName.get(node.dataset.name);
    const state = stateOf(group);
    if (node.dataset.state !== state) {
      for (const other of [...STATES, "unreached"]) node.classList.toggle(`state-${other}`, other === state);
      node.dataset.state = state;
    }
    const counts = group && group.count > 1 ? `${group.success + group.reused + group.failure} / ${group.count}` : "";
    showCount(node, counts);
    const label = group ? `${node.dataset.name}: ${describe(group)}` : `${node.dataset.name}: not started`;
    if (node.getAttribute("aria-label") !== label) node.setAttribute("aria-label", label);
  }
}

function describe(group) {
  return ["failure", "running", "retrying", "waiting", "success", "reused"].filter((name) => group[name])
    .map((name) => `${group[name]} ${name}`).join(", ");
}

// How many of how many node runs ended, at the right of a node.
function showCount(node, text) {
  let count = node.querySelector("text.count");
  if (!text) { if (count) count.remove(); return; }
  if (!count) {
    const shape = node.querySelector("path, polygon, ellipse");
    if (!shape) return;
    const box = shape.getBBox();
    count = document.createElementNS("http://www.w3.org/2000/svg", "text");
    count.setAttribute("class", "count");
    count.setAttribute("x", box.x + box.width + 5);
    count.setAttribute("y", box.y + box.height - 4);
    node.append(count);
  }
  if (count.textContent !== text) count.textContent = text;
}

// --- state -----------------------------------------------------------------------------------------------------

async function show(state) {
  run = state;
  groups.show(run);
  colour();
  const now = JSON.stringify([run.status, run.reason, run.attempt, run.output, run.args, run.progress, run.labels, run.waits]);
  if (now !== head) {
    const first = head === "";
    head = now;
    document.title = document.title.replace(/^[^·]*/, `${run.flow} ${run.status} `);
    if (!first) {
      const fresh = await freshPage();
      for (const part of ["run", "values", "path"]) takeOver(fresh, part);
    }
  }
  const definition = run.log_version ? "begun" : "";
  if (definition !== drawnFor) { drawnFor = definition; draw(); }
}

// The lines of what is at work grow by themselves.
setInterval(() => { if (run && run.ended === null && !document.hidden) groups.show(run); }, 1000);

// --- history ---------------------------------------------------------------------------------------------------

async function showHistory(after) {
  const box = byId("history");
  let content;
  try {
    const answer = await fetch(`${api}/${id}/history?after=${after}`, { cache: "no-store" });
    content = await answer.json();
    if (!answer.ok) throw new Error(content.error.message);
  } catch (error) {
    box.append(element("p", "failure", String(error.message || error)));
    return;
  }
  let list = box.querySelector("ol");
  if (!list || after === 0) {
    list = element("ol", "events");
    box.replaceChildren(list);
  }
  box.querySelectorAll("button, p").forEach((part) => part.remove());
  list.append(...content.events.map(historyEvent));
  const more = element("button", "", content.next === null ? "Look for newer events"
    : `Show more of ${plural(content.count, "event")}`);
  more.type = "button";
  more.addEventListener("click", () => showHistory(content.next === null ? content.count : content.next));
  box.append(more);
  if (after > 0) list.lastElementChild.querySelector("summary").focus({ preventScroll: true });
}

function historyEvent(event) {
  const item = element("li");
  const box = element("details");
  const summary = element("summary");
  const time = element("time", "muted", new Date(event.time * 1000).toLocaleTimeString());
  const name = element("span", /FAIL|REFUSED|UNANSWERED/.test(event.event) ? "failure" : "", event.event);
  summary.append(time, " ", name, " ", element("span", "text", event.text));
  if (event.run !== id) summary.append(" ", element("span", "muted", `in ${event.flow}`));
  box.append(summary);
  box.addEventListener("toggle", () => {
    if (box.open && box.childElementCount === 1) box.append(longText(event.details.text));
  });
  item.append(box);
  return item;
}

byId("show-history").addEventListener("click", () => showHistory(0));
showLocalTimes(document);
document.body.classList.add("scripted");
follow(`${api}/${id}/events`, show);
