// What was seen in a picture, to be folded away under it.

import { make } from "./dom.js";
import { number, t } from "./i18n.js";

export function factsView(facts, { open = false } = {}) {
  const list = make("dl");
  add(list, t("size"), sizeOf(facts));
  if (facts.colours?.length) add(list, t("colours"), facts.colours.join(", "));
  add(list, t("text"), facts.text?.length ? linesOf(facts) : t("noText"));
  return make("details", { className: "facts", open }, make("summary", {}, t("facts")), list);
}

function sizeOf({ content_type: type = "", width, height, size }) {
  const kind = type.replace("image/", "").toUpperCase();
  const bytes = number(Math.max(1, Math.round(size / 1024)), { style: "unit", unit: "kilobyte" });
  return `${width} × ${height}, ${kind}, ${bytes}`;
}

function linesOf({ text, matches = [] }) {
  const list = make("ul", { className: "lines" });
  for (const [index, line] of text.entries()) {
    const match = matches.includes(index);
    const content = match ? make("mark", { title: t("matching") }, line) : line;
    list.append(make("li", { dir: "auto" }, content));
  }
  return list;
}

function add(list, name, value) {
  list.append(make("dt", {}, name), make("dd", {}, value));
}
