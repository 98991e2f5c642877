// What operators do. The server says first what would happen; only what was confirmed is asked for.

import { byId, button, element, plural } from "./common.js";
import { Dialog, answerOf, post } from "./dialog.js";
import { freshPage, takeOver } from "./live.js";

// --- one run ---------------------------------------------------------------------------------------------------

async function act(title, path) {
  const dialog = new Dialog(title);
  dialog.show("Looking at the run …");
  try {
    const looked = await post(path, { dry_run: true });
    dialog.show(looked.says);
    dialog.offer(title, async () => {
      const done = await post(path, { log_version: looked.log_version });
      const warnings = done.warnings.map((text) => element("p", "failure", text));
      dialog.show("A worker was asked to do it. This page shows what happens.", ...warnings, ...linkTo(done.starts));
      dialog.buttons.replaceChildren(dialog.close);
      dialog.close.focus();
      takeOver(await freshPage(), "run");
    });
  } catch (error) {
    dialog.fail(error);
  }
}

// A link to the run that an action started.
function linkTo(id) {
  if (!id) return [];
  const link = element("a", "", id.slice(0, 8));
  link.href = encodeURIComponent(id);
  const line = element("p", "", "The new run: ");
  line.append(link);
  return [line];
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
