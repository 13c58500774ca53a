// Elements, made without HTML.

import { t } from "./i18n.js";

/** Make an element with properties and children: nodes, or texts that stay texts. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export function find(id) {
  return document.getElementById(id);
}

export function button(text, action, properties = {}) {
  const element = make("button", { type: "button", ...properties }, text);
  element.addEventListener("click", action);
  return element;
}

/** A button that copies a text, and says so for a moment. */
export function copyButton(text) {
  const element = button(t("copy"), async () => {
    await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
    element.textContent = t("copied");
    setTimeout(() => (element.textContent = t("copy")), 2000);
  }, { className: "small" });
  return element;
}

/** Tell who cannot see the page what happened on it. */
export function announce(text) {
  find("status").textContent = text;
}

/** Hand the user a file. */
export function download(name, content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
