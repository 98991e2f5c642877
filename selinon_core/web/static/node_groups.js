// The nodes of a run, grouped by name, with a line of time; the node runs of a group on demand, and sub-flows in
// place. A run of 10 000 nodes has few groups, and of a group 100 node runs are shown at a time.

import { button, element, longText, plural } from "./common.js";

const STATUSES = ["failure", "running", "retrying", "waiting", "success", "reused"];

export function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value < 1) return `${Number(value.toPrecision(2))} s`;
  if (value < 60) return `${Number(value.toPrecision(3))} s`;
  const minutes = Math.floor(Math.round(value) / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(value) % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

async function ask(address) {
  const answer = await fetch(address, { cache: "no-store" });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error.message);
  return content;
}

function progressText({ done, of, text }) {
  const parts = [of === null ? `${done}` : `${done} of ${of}`];
  if (of) parts.push(`(${Math.round((100 * done) / of)} %)`);
  if (text) parts.push(text);
  return parts.join(" ");
}

function logParts({ attempt, dropped, lines }) {
  const caption = `attempt ${attempt}` + (dropped ? `, without ${dropped} older lines` : "");
  const text = lines.map(({ at, level, text: line }) => `${new Date(at * 1000).toLocaleTimeString()} ${level} ${line}`);
  return [element("div", "caption", caption), longText(text.join("\n"))];
}

function logsParts({ logs }) {
  if (logs.length) return logs.flatMap(logParts);
  return [element("p", "muted", "Nothing is kept of what it logged (selinon_log_lines).")];
}

function resultParts({ result, missing }) {
  if (result === null) return [element("p", "muted", `No result: ${missing}.`)];
  const cut = result.cut ? [element("div", "caption", `the first 4 KiB of ${result.bytes} bytes`)] : [];
  return [...cut, longText(result.text)];
}

// A link to another system, in a window of its own that knows nothing of this one.
function outsideLink({ name, url }) {
  const link = element("a", "outside", name);
  link.href = url;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  return link;
}

// One bar of the line of time: waiting, then at work.
class TimeBar {
  constructor() {
    this.box = element("span", "bar");
    this.waiting = element("span", "waiting");
    this.working = element("span", "working");
    this.box.append(this.waiting, this.working);
  }

  show({ queued, begun, ended }, span) {
    const place = (time) => Math.min(100, Math.max(0, ((time - span.from) / Math.max(1e-9, span.to - span.from)) * 100));
    const start = begun ?? ended ?? span.to;
    this.set(this.waiting, place(queued), place(start));
    this.set(this.working, place(start), begun === null ? place(start) : place(ended ?? span.to));
  }

  set(part, from, to) {
    const style = `${from.toFixed(2)}/${to.toFixed(2)}`;
    if (part.dataset.place === style) return;
    part.dataset.place = style;
    part.style.left = `${from}%`;
    part.style.width = `${Math.max(to - from, 0)}%`;
    part.hidden = to - from <= 0 && from !== to;
  }
}

export class NodeGroups {
  // `base` is the address of the API of runs. `choose(name)` is called when a group is opened.
  constructor(box, base, id, choose = () => {}) {
    this.box = box;
    this.base = base;
    this.id = id;
    this.choose = choose;
    this.groups = new Map();
    this.rest = element("p", "muted");
    box.replaceChildren();
    this.list = element("div", "groups");
    box.append(this.list, this.rest);
  }

  show(run) {
    const now = run.ended ?? Date.now() / 1000;
    const span = { from: run.created, to: Math.max(now, run.created + 1e-3) };
    const shown = run.groups.map((group) => {
      if (!this.groups.has(group.name)) this.groups.set(group.name, new Group(this, group));
      const made = this.groups.get(group.name);
      made.show(group, span, run);
      return made.box;
    });
    const wanted = new Set(run.groups.map((group) => group.name));
    for (const [name, group] of this.groups) if (!wanted.has(name)) { group.box.remove(); this.groups.delete(name); }
    // Only what is out of its place is moved: moving takes the focus away.
    shown.forEach((box, index) => { if (this.list.children[index] !== box) this.list.insertBefore(box, this.list.children[index] ?? null); });
    this.rest.textContent = run.groups.length ? "" : "No node was started.";
    if (run.groups_left_out) this.rest.textContent = `and ${run.groups_left_out} more names, none of which failed before these`;
  }

  open(name) {
    const group = this.groups.get(name);
    if (!group) return false;
    group.toggle(true);
    group.box.scrollIntoView({ block: "nearest" });
    return true;
  }
}

class Group {
  constructor(owner, group) {
    this.owner = owner;
    this.name = group.name;
    this.opened = false;
    this.shown = "";
    this.box = element("div", "group");
    this.box.dataset.name = group.name;
    this.head = button("", "group-head", () => this.toggle(!this.opened));
    this.head.setAttribute("aria-expanded", "false");
    this.title = element("span", "name", group.name);
    if (group.kind === "flow") this.title.append(" ", element("span", "muted", "flow"));
    this.counts = element("span", "counts");
    this.times = element("span", "times");
    this.bar = new TimeBar();
    this.head.append(this.title, this.counts, this.times, this.bar.box);
    this.panel = element("div", "members");
    this.panel.hidden = true;
    this.members = new Map();
    this.box.append(this.head, this.panel);
  }

  show(group, span, run) {
    this.run = run;
    this.span = span;
    const state = JSON.stringify([STATUSES.map((status) => group[status]), group.seconds]);
    this.bar.show(group, span);
    if (state === this.shown) {
      if (this.opened && group.ended === null) this.showTimes();
      return;
    }
    this.shown = state;
    this.counts.replaceChildren(...STATUSES.filter((status) => group[status]).map((status) =>
      element("span", `badge ${status}`, group.count === 1 ? status : `${group[status]} ${status}`)));
    const { p50, p95 } = group.seconds;
    this.times.textContent = p50 === null ? "" : group.count === 1 ? seconds(p50) : `${seconds(p50)} – ${seconds(p95)}`;
    this.times.title = group.count === 1 ? "" : "half of them took no longer than the first, 95 % no longer than the second";
    if (this.opened) this.load();
  }

  toggle(open) {
    this.opened = open;
    this.panel.hidden = !open;
    this.head.setAttribute("aria-expanded", String(open));
    if (open) {
      this.owner.choose(this.name);
      this.load();
    }
  }

  // Loads as many pages as are shown again. Loads of one group do not overlap.
  async load() {
    this.stale = true;
    if (this.loading) return;
    this.loading = true;
    try {
      while (this.stale && this.opened) {
        this.stale = false;
        await this.loadPages(this.pages ?? 1);
      }
    } catch (error) {
      this.panel.replaceChildren(element("p", "failure", String(error.message || error)));
      this.members.clear();
    } finally {
      this.loading = false;
    }
  }

  async loadPages(pages) {
    const nodes = [];
    let after = null;
    let count = 0;
    for (let page = 0; page < pages; page++) {
      const query = new URLSearchParams({ name: this.name, ...(after ? { after } : {}) });
      const content = await ask(`${this.owner.base}/${this.owner.id}/nodes?${query}`);
      nodes.push(...content.nodes);
      after = content.next;
      count = content.count;
      if (!after) break;
    }
    const boxes = nodes.map((node, index) => {
      if (!this.members.has(node.id)) this.members.set(node.id, new Member(this, node, count, index === 0));
      const member = this.members.get(node.id);
      member.show(node, this.span);
      return member.box;
    });
    const more = [];
    if (after) {
      const left = count - nodes.length;
      more.push(button(`Show ${Math.min(100, left)} of ${plural(left, "more node run")}`, "", () => { this.pages = pages + 1; this.load(); }));
    }
    // What is in its place stays there: to lay out 100 node runs again takes longer than all else.
    const wanted = [...boxes, ...more];
    const shown = [...this.panel.children];
    if (more.length || wanted.length !== shown.length || wanted.some((box, index) => box !== shown[index])) {
      const last = shown.length - 1;
      const same = more.length && shown.length === wanted.length && boxes.every((box, index) => box === shown[index]);
      if (same) shown[last].replaceWith(more[0]);
      else this.panel.replaceChildren(...wanted);
    }
  }

  showTimes() {
    for (const member of this.members.values()) member.showTime(this.span);
  }
}

class Member {
  constructor(group, node, count, first) {
    this.group = group;
    this.shown = "";
    this.box = element("details", "member");
    this.box.open = first && count === 1;
    this.summary = element("summary");
    this.badge = element("span");
    this.text = element("span", "text");
    this.bar = new TimeBar();
    this.summary.append(this.badge, this.text, this.bar.box);
    this.content = element("div");
    this.box.append(this.summary, this.content);
    this.box.addEventListener("toggle", () => this.fill());
  }

  show(node, span) {
    const state = JSON.stringify(node);
    this.node = node;
    this.showTime(span);
    if (state === this.shown) return;
    this.shown = state;
    this.filled = false;
    this.badge.className = `badge ${node.status}`;
    this.badge.textContent = node.status;
    const parts = [`#${node.number}`];
    if (node.seconds !== null) parts.push(seconds(node.seconds));
    if (node.attempts > 1) parts.push(plural(node.attempts, "attempt"));
    if (node.limit) parts.push(`waits for one of ${plural(node.limit.max, "place")} under the key ${node.limit.key}`);
    if (node.progress) parts.push(progressText(node.progress));
    if (node.error) parts.push(`${node.error.type.text}: ${node.error.message.text}`);
    else if (node.args) parts.push(node.args.text.replace(/\s+/g, " "));
    this.text.textContent = parts.join(" · ");
    this.fill();
  }

  showTime(span) { this.bar.show(this.node, span); }

  fill() {
    if (!this.box.open || this.filled) { if (this.box.open && this.inner) this.refreshInner(); return; }
    this.filled = true;
    const { node } = this;
    const content = [];
    const part = (caption, value, className) => {
      if (!value || !value.text) return;
      content.push(element("div", "caption", value.cut ? `${caption} (the first 4 KiB of ${value.bytes} bytes)` : caption));
      content.push(longText(value.text, className));
    };
    if (node.error) {
      part("error", node.error.traceback.text ? node.error.traceback
        : { ...node.error.message, text: `${node.error.type.text}: ${node.error.message.text}` }, "failure");
    }
    part("arguments", node.args);
    part("arguments from", node.args_from);
    if (node.reused_from !== undefined) {
      content.push(element("div", "caption", "reused"), this.origin(node.reused_from));
    }
    if (node.after.length) {
      content.push(element("div", "caption", "after"));
      content.push(element("p", "", node.after.map((source) => `${source.name} #${source.number}`).join(", ")));
    }
    content.push(element("div", "caption", "times"));
    const times = [["queued", node.queued], ["begun", node.begun], ["ended", node.ended]];
    content.push(element("p", "", times.filter(([, time]) => time !== null)
      .map(([name, time]) => `${name} ${new Date(time * 1000).toLocaleTimeString()}`).join(", ") + `; id ${node.id}`));
    const links = node.links.filter(({ url }) => /^https?:\/\//i.test(url)).map(outsideLink);
    if (links.length) {
      const line = element("p");
      line.append(...links.flatMap((link) => [link, " "]));
      content.push(element("div", "caption", "links"), line);
    }
    if (node.kind === "flow") content.push(this.subflow(node));
    else {
      if (["success", "reused"].includes(node.status)) content.push(this.onDemand("result", "Show its result", "result", resultParts));
      if (node.attempts) content.push(this.onDemand("logs", "Show what it logged", "logs", logsParts));
    }
    this.content.replaceChildren(...content);
  }

  // The flow run that made the result, of a node run that a rerun reuses.
  origin(id) {
    if (id === null) return element("p", "", "The result was given to the rerun.");
    const line = element("p", "", "The result was made by the run ");
    const link = element("a", "", id.slice(0, 8));
    link.href = encodeURIComponent(id);
    link.title = id;
    line.append(link);
    return line;
  }

  // What `path` of the API answers about the node run, when it is asked for.
  onDemand(className, caption, path, parts) {
    const { node } = this;
    const box = element("div", className);
    const show = button(caption, "", async () => {
      try {
        const query = new URLSearchParams({ node: node.id });
        box.replaceChildren(show, ...parts(await ask(`${this.group.owner.base}/${this.group.owner.id}/${path}?${query}`)));
      } catch (error) {
        box.replaceChildren(show, element("p", "failure", String(error.message || error)));
      }
    });
    box.append(show);
    return box;
  }

  // The run of a sub-flow, in place.
  subflow(node) {
    const box = element("div", "subflow");
    const link = element("a", "", "The run of this flow by itself");
    link.href = encodeURIComponent(node.id);
    const groups = element("div");
    box.append(link, groups);
    this.inner = new NodeGroups(groups, this.group.owner.base, node.id);
    this.innerOver = false;
    this.refreshInner();
    return box;
  }

  async refreshInner() {
    if (this.innerOver || this.asking) return;
    this.asking = true;
    try {
      const run = await ask(`${this.group.owner.base}/${this.node.id}`);
      this.innerOver = run.ended !== null;
      this.inner.show(run);
    } catch (error) {
      this.inner.rest.textContent = String(error.message || error);
    } finally {
      this.asking = false;
    }
  }
}
