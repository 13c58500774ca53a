// The page's own words, in the browser's language.

import english from "./english.js";
import russian from "./russian.js";

const language = navigator.language.toLowerCase().startsWith("ru") ? "ru" : "en";
const words = language === "ru" ? russian : english;

/** A text of the page, with {name} filled in. */
export function t(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Put the texts where the document asks for them. */
export function translate(root) {
  document.documentElement.lang = language;
  for (const element of root.querySelectorAll("[data-text]")) {
    element.textContent = t(element.dataset.text);
  }
  for (const element of root.querySelectorAll("[data-label]")) label(element, element.dataset.label);
  for (const element of root.querySelectorAll("[data-hint]")) {
    element.placeholder = t(element.dataset.hint);
  }
}

/** Name an element for who cannot see it, and for who points at it. */
export function label(element, key, values) {
  element.setAttribute("aria-label", t(key, values));
  if (element.matches("button, select")) element.title = t(key, values);
}

export function number(value, options) {
  return new Intl.NumberFormat(language, options).format(value);
}
