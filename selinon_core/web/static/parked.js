// Requeues and drops parked starts: those of this page, or one. What is done is confirmed first.

import { element, plural } from "./common.js";
import { Dialog, post } from "./dialog.js";
import { freshPage, showLocalTimes, takeOver } from "./live.js";

const SHOWN = 5;
const PAST = { requeue: "requeued", drop: "dropped" };

const pathOf = (row, action) => `api/parked/${encodeURIComponent(row.dataset.id)}/${action}`;
const nameOf = (row) => `${row.querySelector("th").textContent}, ${row.dataset.id.slice(0, 8)}`;

async function act(title, action, rows) {
  const dialog = new Dialog(title);
  dialog.show("Looking at what is parked …");
  try {
    const looked = await post(pathOf(rows[0], action), { dry_run: true });
    if (rows.length === 1) {
      dialog.show(looked.says);
    } else {
      const list = element("ul", "sample");
      list.append(...rows.slice(0, SHOWN).map((row) => element("li", "", nameOf(row))));
      const left = rows.length - SHOWN;
      const what = action === "drop" ? "are removed for good" : "are sent to their queues again";
      dialog.show(`${plural(rows.length, "start")} ${what}:`, list, ...(left > 0 ? [`and ${left} more.`] : []));
    }
    const confirm = rows.length === 1 ? title : `${title.replace(/ all of this page$/, "")} ${plural(rows.length, "start")}`;
    dialog.offer(confirm, () => actOnEach(dialog, action, rows));
  } catch (error) {
    dialog.fail(error);
    takeOver(await freshPage(), "parked");
  }
}

// One after the other. What another operator was faster with is passed over. Any other error ends it, and so does
// closing the dialog: what is left stays parked.
async function actOnEach(dialog, action, rows) {
  let done = 0;
  try {
    for (const row of rows) {
      if (!dialog.isOpen) break;
      try {
        await post(pathOf(row, action), {});
        done += 1;
      } catch (error) {
        if (error.code !== "not_parked" || rows.length === 1) throw error;
      }
      dialog.show(`${done} of ${plural(rows.length, "start")} ${PAST[action]}.`);
    }
    dialog.buttons.replaceChildren(dialog.close);
    dialog.close.focus();
  } catch (error) {
    throw new Error(`${done} of ${plural(rows.length, "start")} ${PAST[action]}; ${error.message}`, { cause: error });
  } finally {
    takeOver(await freshPage(), "parked");
  }
}

document.addEventListener("click", (event) => {
  const pressed = event.target.closest("button[data-parked]");
  if (!pressed) return;
  const row = pressed.closest("tr");
  const rows = row ? [row] : [...document.querySelectorAll("#parked tr[data-id]")];
  act(pressed.textContent, pressed.dataset.parked, rows);
});
showLocalTimes(document);
document.body.classList.add("scripted");
