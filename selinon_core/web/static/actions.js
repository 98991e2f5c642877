// What operators do. The server says first what would happen; only what was confirmed is asked for.

import { byId, button, element, plural } from "./common.js";
import { freshPage, takeOver } from "./live.js";

const root = document.body.dataset.root;

async function answerOf(path, options) {
  let answer;
  try {
    answer = await fetch(root + path, { cache: "no-store", ...options });
  } catch (error) {
    throw new Error("no connection to the server: try again", { cause: error });
  }
  const content = await answer.json();
  if (!answer.ok) throw new Error([content.error.message, content.error.hint].filter(Boolean).join("; "));
  return content;
}

const post = (path, body) => answerOf(path, {
  method: "POST",
  headers: { "Content-Type": "application/json", "X-Selinon-Request": "1" },
  body: JSON.stringify(body),
});

// A dialog with a title; Escape closes it, and the focus returns to where it was.
class Dialog {
  constructor(title) {
    this.box = element("dialog");
    const heading = element("h2", "", title);
    heading.id = "dialog-title";
    this.box.setAttribute("aria-labelledby", heading.id);
    this.body = element("div", "dialog-body");
    this.body.setAttribute("role", "status");
    this.buttons = element("p", "buttons");
    this.close = button("Close", "", () => this.box.close());
    this.buttons.append(this.close);
    this.box.append(heading, this.body, this.buttons);
    this.box.addEventListener("close", () => this.box.remove());
    document.body.append(this.box);
    this.box.showModal();
  }

  show(...parts) {
    this.body.replaceChildren(...parts.map((part) => (typeof part === "string" ? element("p", "", part) : part)));
  }

  // Show why something was not done.
  fail(error) {
    this.show(element("p", "failure", error.message));
    this.buttons.replaceChildren(this.close);
    this.close.focus();
  }

  // Offer what is done when it is confirmed.
  offer(text, action) {
    const confirm = button(text, "primary", async () => {
      confirm.disabled = true;
      try {
        await action();
      } catch (error) {
        this.fail(error);
      }
    });
    this.buttons.replaceChildren(confirm, this.close);
    confirm.focus();
  }

  get isOpen() { return this.box.isConnected; }
}

// --- one run ---------------------------------------------------------------------------------------------------

async function act(title, path) {
  const dialog = new Dialog(title);
  dialog.show("Looking at the run …");
  try {
    const looked = await post(path, { dry_run: true });
    dialog.show(looked.says);
    dialog.offer(title, async () => {
      await post(path, { log_version: looked.log_version });
      dialog.show("A worker was asked to do it. This page shows what happens.");
      dialog.buttons.replaceChildren(dialog.close);
      dialog.close.focus();
      takeOver(await freshPage(), "run");
    });
  } catch (error) {
    dialog.fail(error);
  }
}

// --- many runs -------------------------------------------------------------------------------------------------

function filterOfPage(statuses) {
  const filter = {};
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (value && name !== "cursor" && name !== "limit") (filter[name] ??= []).push(value);
  }
  return Object.keys(filter).length ? filter : { status: statuses };
}

function sampleRow(row) {
  const item = element("li");
  item.append(element("code", "", row.id.slice(0, 8)), ` ${row.flow}: `);
  item.append(element("span", row.refused === null ? "" : "failure", row.says ?? row.refused));
  return item;
}

async function actOnMany(title, action, statuses) {
  const dialog = new Dialog(title);
  dialog.show("Looking for the runs …");
  try {
    const looked = await post("api/batch", { action, filter: filterOfPage(statuses), dry_run: true });
    if (!looked.matched) {
      dialog.show(`This list has no run with status ${statuses.join(", ")}.`);
      return;
    }
    const list = element("ul", "sample");
    list.append(...looked.sample.map(sampleRow));
    const left = looked.matched - looked.sample.length;
    const rate = element("input");
    rate.value = "10/s";
    rate.id = "rate";
    const label = element("label", "", "At most ");
    label.append(rate, " (10/s, 90/m, 500/h)");
    dialog.show(
      `${looked.more ? "The newest " : ""}${plural(looked.matched, "flow run")}:`,
      list, ...(left > 0 ? [`and ${left} more.`] : []), label,
    );
    dialog.offer(`${title.replace(/ these runs$/, "")} ${plural(looked.matched, "run")}`, async () => {
      await post("api/batch", { token: looked.token, rate: rate.value });
      await follow(dialog, looked.token);
    });
  } catch (error) {
    dialog.fail(error);
  }
}

async function follow(dialog, token) {
  const bar = element("progress");
  bar.setAttribute("aria-label", "Progress");
  const text = element("p");
  dialog.show(bar, text);
  const stop = button("Stop", "", () => post(`api/batch/${token}/stop`, {}).catch((error) => dialog.fail(error)));
  dialog.buttons.replaceChildren(stop, dialog.close);
  stop.focus();
  while (dialog.isOpen) {
    const now = await answerOf(`api/batch/${token}`, {});
    bar.max = now.matched;
    bar.value = now.done + now.refused;
    const ends = { running: "", ended: "Done: ", stopped: "Stopped: " }[now.state];
    text.textContent = `${ends}${now.done} asked for, ${now.refused} refused, ${now.left} left.`;
    if (now.state !== "running") {
      if (now.reason) dialog.body.append(element("p", "failure", now.reason));
      const list = element("ul", "sample");
      list.append(...now.refusals.map((each) => element("li", "", each.message)));
      dialog.body.append(list);
      dialog.buttons.replaceChildren(dialog.close);
      dialog.close.focus();
      return;
    }
    await new Promise((done) => setTimeout(done, 300));
  }
}

document.addEventListener("click", (event) => {
  const pressed = event.target.closest("button[data-action]");
  if (!pressed) return;
  const { action, statuses } = pressed.dataset;
  if (statuses === undefined) act(pressed.textContent, `api/runs/${byId("run").dataset.id}/${action}`);
  else actOnMany(pressed.textContent, action, statuses.split(" "));
});
