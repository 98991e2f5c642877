// The list of runs: loads itself again when some run of the list changes, at most once in a while.

import "./actions.js";
import { byId } from "./common.js";
import { follow, freshPage, showLocalTimes, takeOver } from "./live.js";

const BETWEEN = 1000;
let due = false;
let working = false;

async function refresh() {
  due = true;
  if (working) return;
  working = true;
  while (due) {
    due = false;
    takeOver(await freshPage(), "runs");
    await new Promise((done) => setTimeout(done, BETWEEN));
  }
  working = false;
}

showLocalTimes(document);
document.body.classList.add("scripted");
// A filter that says nothing is left out of the address.
document.querySelector("form.filters").addEventListener("submit", (event) => {
  for (const field of event.target.elements) if (field.name && !field.value) field.disabled = true;
});
addEventListener("pageshow", () => {
  for (const field of document.querySelector("form.filters").elements) field.disabled = false;
});
follow(`${document.body.dataset.root}api/events`, refresh);
byId("runs").setAttribute("aria-live", "off");
