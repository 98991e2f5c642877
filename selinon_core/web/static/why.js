// Why nodes ran, did not run or wait: the answers of `selinon explain`, on demand.

import { element, longText } from "./common.js";

export class Why {
  // `address` is that of the answers about a run; `box` is where they are shown.
  constructor(box, address) {
    this.box = box;
    this.address = address;
    this.button = box.querySelector("button");
    this.button.addEventListener("click", () => this.ask());
  }

  // About one node, or without a name about the run and every node that did not run.
  async ask(node) {
    const query = node === undefined ? "" : `?${new URLSearchParams({ node })}`;
    try {
      const answer = await fetch(this.address + query, { cache: "no-store" });
      const content = await answer.json();
      if (!answer.ok) throw new Error(content.error.message);
      this.show(content);
    } catch (error) {
      this.box.replaceChildren(this.button, element("p", "failure", String(error.message || error)));
    }
    this.box.scrollIntoView({ block: "nearest" });
  }

  show({ answers, left_out: leftOut }) {
    const shown = answers.flatMap(({ text, because, verdict }) => [
      element("p", verdict === "failed" ? "failure" : "", `${text.text}.`),
      ...(because.text ? [longText(because.text)] : []),
    ]);
    if (leftOut) shown.push(element("p", "muted", `and ${leftOut} more nodes that did not run`));
    this.box.replaceChildren(this.button, ...shown);
  }
}
