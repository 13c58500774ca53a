// Blocks into DOM nodes. Text enters as text alone: nothing here or elsewhere makes HTML of it.

import { parseBlocks } from "./markdown.js";
import { parseInline } from "./inline.js";
import { copyButton, make } from "./dom.js";
import { t } from "./i18n.js";

const PIECE = 4096; // characters that the browser lays out together
const OVERRIDES = /[\u202a-\u202e\u2066-\u2069]/g;

/** Render a Markdown text. */
export function renderMarkdown(text) {
  return renderBlocks(parseBlocks(text));
}

/** Add a text of any length, in pieces of which the browser lays out those in view. */
export function appendText(parent, text) {
  if (text.length <= PIECE) {
    parent.append(visible(text));
    return;
  }
  for (let at = 0; at < text.length; ) {
    const end = pieceEnd(text, at);
    parent.append(make("span", { className: "piece" }, visible(text.slice(at, end))));
    at = end;
  }
}

/** End of the piece that starts at an index: after a line or a word where one ends in reach. */
function pieceEnd(text, at) {
  const end = at + PIECE;
  if (end >= text.length) return text.length;
  const piece = text.slice(at, end);
  const after = Math.max(piece.lastIndexOf("\n"), piece.lastIndexOf(" ")) + 1;
  if (after > PIECE / 2) return at + after;
  return isLow(text.charCodeAt(end)) ? end + 1 : end;
}

function isLow(unit) {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** Characters that turn the direction of what follows could hide what a text says. */
function visible(text) {
  return text.replace(
    OVERRIDES,
    (character) => `[U+${character.charCodeAt(0).toString(16).toUpperCase()}]`,
  );
}

function renderBlocks(blocks) {
  const fragment = document.createDocumentFragment();
  for (const block of blocks) fragment.append(RENDERERS[block.kind](block));
  return fragment;
}

const RENDERERS = {
  paragraph: ({ text }) => make("p", { dir: "auto" }, renderInline(text)),
  heading: ({ level, text }) =>
    make(`h${Math.min(6, level + 2)}`, { dir: "auto" }, renderInline(text)),
  rule: () => make("hr"),
  quote: ({ blocks }) => make("blockquote", {}, renderBlocks(blocks)),
  plain: ({ text }) => plain(text),
  code: renderCode,
  list: renderList,
  table: renderTable,
};

/** A text without any meaning of its marks. */
export function plain(text) {
  const element = make("p", { className: "plain", dir: "auto" });
  appendText(element, text);
  return element;
}

function renderCode({ language, text }) {
  const code = make("code", { dir: "ltr" });
  appendText(code, text);
  const head = make("div", { className: "code-head" }, make("span", {}, language), copyButton(text));
  const label = language ? `${t("code")}: ${language}` : t("code");
  return make("div", { className: "code" }, head, scrolling("pre", label, code));
}

/** What may be wider than the page scrolls, by keyboard too. */
function scrolling(tag, label, child) {
  const element = make(tag, { tabIndex: 0, className: "wide-content" }, child);
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", label);
  return element;
}

function renderList({ ordered, start, items }) {
  const list = make(ordered ? "ol" : "ul", ordered && start !== 1 ? { start } : {});
  for (const blocks of items) list.append(make("li", { dir: "auto" }, ...itemNodes(blocks)));
  return list;
}

/** An item that is one paragraph needs no paragraph around it. */
function itemNodes(blocks) {
  const [first, ...rest] = blocks;
  if (first?.kind !== "paragraph") return [renderBlocks(blocks)];
  return [renderInline(first.text), renderBlocks(rest)];
}

function renderTable({ head, rows, align }) {
  const row = (tag, texts) =>
    make(
      "tr",
      {},
      ...head.map((_, index) => {
        const cell = make(tag, { dir: "auto" }, renderInline(texts[index] ?? ""));
        cell.dataset.align = align[index] ?? "start";
        return cell;
      }),
    );
  const body = make("tbody", {}, ...rows.map((texts) => row("td", texts)));
  const table = make("table", {}, make("thead", {}, row("th", head)), body);
  return scrolling("div", t("table"), table);
}

function renderInline(text) {
  const fragment = document.createDocumentFragment();
  addTokens(fragment, parseInline(text));
  return fragment;
}

const TAGS = { strong: "strong", emphasis: "em", strike: "s" };

function addTokens(parent, tokens) {
  for (const token of tokens) {
    if (token.kind === "text") appendText(parent, token.text);
    else if (token.kind === "break") parent.append(make("br"));
    else if (token.kind === "code") parent.append(make("code", { dir: "ltr" }, visible(token.text)));
    else if (token.url) parent.append(renderLink(token));
    else addTokens(parent.appendChild(make(TAGS[token.kind])), token.inside);
  }
}

/** A picture in an answer is a link to it: to load it would tell its host who reads. */
function renderLink({ kind, text, url }) {
  const host = new URL(url).host;
  const name = kind === "picture" ? `${text || t("pictureAt", { host })} ↗` : text || url;
  const properties = { href: url, title: url, target: "_blank", rel: "noopener noreferrer" };
  return make("a", { ...properties, dir: "auto" }, visible(name));
}
