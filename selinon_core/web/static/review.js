// Answers to tasks that wait: a form sends its fields as one JSON value.

import { setStatus } from "./common.js";

const root = document.body.dataset.root;
document.body.classList.add("scripted");

function valueOf(form) {
  const whole = form.querySelector("[data-json]");
  if (whole) return JSON.parse(whole.value);
  const value = {};
  for (const field of form.querySelectorAll("[data-field]")) {
    if (field.value === "" && !(field.required && field.dataset.type === "string")) continue;
    const name = field.dataset.field;
    const { type } = field.dataset;
    const read = type === "string" ? field.value : type === "number" ? Number(field.value) : JSON.parse(field.value);
    Object.defineProperty(value, name, { value: read, enumerable: true });
  }
  return value;
}

async function send(form, body) {
  const says = form.querySelector(".answer");
  says.className = "answer";
  says.textContent = "Sending …";
  const answer = await fetch(`${root}api/runs/${encodeURIComponent(form.dataset.run)}/signal`, {
    method: "POST",
    cache: "no-store",
    headers: { "Content-Type": "application/json", "X-Selinon-Request": "1" },
    body: JSON.stringify({ node: form.dataset.node, ...body }),
  });
  const content = await answer.json();
  if (!answer.ok) throw new Error([content.error.message, content.error.hint].filter(Boolean).join("; "));
  for (const control of form.elements) control.disabled = true;
  says.textContent = "Sent. A worker takes it.";
  setStatus("answered", "");
}

function failed(form, error) {
  const says = form.querySelector(".answer");
  says.className = "answer failure";
  says.textContent = error.message;
}

for (const form of document.querySelectorAll("form[data-run]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await send(form, { value: valueOf(form) });
    } catch (error) {
      failed(form, error);
    }
  });
  const why = form.elements.namedItem("reject");
  const reject = async () => {
    const text = why.value.trim();
    if (!text) {
      failed(form, new Error("say why it is rejected"));
      return;
    }
    try {
      await send(form, { reject: text });
    } catch (error) {
      failed(form, error);
    }
  };
  form.querySelector("[data-reject]").addEventListener("click", reject);
  // Enter in a field submits its form, which would accept what its user is about to reject.
  why.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    reject();
  });
}
