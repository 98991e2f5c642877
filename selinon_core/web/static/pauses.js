// Pauses and resumes starts of flows, and schedules. What is done is confirmed first.

import { Dialog, post } from "./dialog.js";
import { freshPage, showLocalTimes, takeOver } from "./live.js";

const shown = () => document.querySelector("main > section[id]").id;

async function act(pressed) {
  const { post: path, body } = pressed.dataset;
  const asked = JSON.parse(body);
  const dialog = new Dialog(pressed.textContent);
  // The button in the row of what was changed is another one now.
  dialog.box.addEventListener("close", () => {
    [...document.querySelectorAll("button[data-body]")].find((button) => button.dataset.body === body)?.focus();
  });
  dialog.show("Looking at it …");
  try {
    const looked = await post(path, { ...asked, dry_run: true });
    dialog.show(looked.says);
    if (!looked.changes) {
      takeOver(await freshPage(), shown());
      return;
    }
    dialog.offer(pressed.textContent, async () => {
      await post(path, asked);
      takeOver(await freshPage(), shown());
      dialog.box.close();
    });
  } catch (error) {
    dialog.fail(error);
  }
}

document.addEventListener("click", (event) => {
  const pressed = event.target.closest("button[data-post]");
  if (pressed) act(pressed);
});
showLocalTimes(document);
document.body.classList.add("scripted");
