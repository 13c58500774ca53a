// Questions to the user, in the browser's own dialogs: Escape and the keyboard work by themselves.

import { button, make } from "./dom.js";
import { t } from "./i18n.js";

/** Show a picture as large as the window. */
export function showPicture(source, name) {
  const dialog = open(make("img", { src: source, alt: name, className: "zoomed" }));
  dialog.setAttribute("aria-label", name);
  dialog.addEventListener("click", () => dialog.close());
}

/** Ask for a line; resolves to null where the user does not want to. */
export function askLine({ title, value = "", hint = "", pattern, secret = false }) {
  const input = make("input", { value, required: true, type: secret ? "password" : "text" });
  if (pattern) Object.assign(input, { pattern: pattern.source, title: pattern.title });
  if (secret) input.autocomplete = "off";
  return askField(title, input, hint);
}

/** Ask for a text of several lines. */
export function askText({ title, value, hint }) {
  return askField(title, make("textarea", { value, rows: 8, dir: "auto" }), hint);
}

/** Ask whether to go on; resolves to true or false. */
export async function confirm(question, action) {
  return (await choose(question, "", { [action]: true }, "danger")) ?? false;
}

/** Offer several things; resolves to the chosen one's value, or null. */
export function choose(title, hint, choices, kind = "main") {
  return new Promise((resolve) => {
    const buttons = Object.entries(choices).map(([text, value]) =>
      button(text, () => finish(value), { className: kind }),
    );
    const dialog = titled(title, hint, row(button(t("cancel"), () => finish(null)), ...buttons));
    const finish = settle(dialog, resolve);
  });
}

function askField(title, field, hint) {
  return new Promise((resolve) => {
    field.setAttribute("aria-label", title);
    const save = make("button", { type: "submit", className: "main" }, t("save"));
    const form = make("form", { method: "dialog" }, field);
    form.append(row(button(t("cancel"), () => finish(null)), save));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      finish(field.value.trim());
    });
    const dialog = titled(title, hint, form);
    const finish = settle(dialog, resolve);
    field.focus();
    field.select();
  });
}

function titled(title, hint, ...children) {
  const heading = make("h2", { dir: "auto" }, title);
  const dialog = open(heading, ...(hint ? [make("p", { className: "quiet" }, hint)] : []), ...children);
  dialog.setAttribute("aria-label", title);
  return dialog;
}

function open(...children) {
  const dialog = make("dialog", {}, ...children);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function settle(dialog, resolve) {
  dialog.addEventListener("close", () => resolve(null));
  return (value) => {
    resolve(value);
    dialog.close();
  };
}

function row(...buttons) {
  return make("div", { className: "buttons" }, ...buttons);
}
