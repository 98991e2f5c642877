// Asks the server, and shows dialogs in which an operator confirms what is to be done.

import { button, element } from "./common.js";

const root = document.body.dataset.root;

// The JSON that the server answers; throws an error with its message.
export async function answerOf(path, options) {
  let answer;
  try {
    answer = await fetch(root + path, { cache: "no-store", ...options });
  } catch (error) {
    throw new Error("no connection to the server: try again", { cause: error });
  }
  const content = await answer.json();
  if (!answer.ok) {
    const { code, message, hint } = content.error;
    throw Object.assign(new Error([message, hint].filter(Boolean).join("; ")), { code });
  }
  return content;
}

export const post = (path, body) => answerOf(path, {
  method: "POST",
  headers: { "Content-Type": "application/json", "X-Selinon-Request": "1" },
  body: JSON.stringify(body),
});

// A dialog with a title; Escape closes it, and the focus returns to where it was.
export class Dialog {
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
