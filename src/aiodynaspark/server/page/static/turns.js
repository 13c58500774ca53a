// The turns of a conversation, as the page shows them.

import { notesOf } from "./conversation.js";
import { button, copyButton, make } from "./dom.js";
import { showPicture } from "./dialogs.js";
import { factsView } from "./facts.js";
import { LiveText, showText } from "./live.js";
import { appendText } from "./render.js";
import { t } from "./i18n.js";

/** What the user asked, with the pictures and their facts. */
export class UserView {
  #figures = new Map();

  /**
   * @param turn the turn
   * @param store gives the pictures
   */
  constructor(turn, store) {
    const bubble = make("div", { className: "bubble" });
    for (const picture of turn.pictures) bubble.append(this.#figure(picture, store));
    if (turn.text) bubble.append(saidBy(turn.text));
    this.element = article("user", t("you"), bubble);
  }

  /** Show what was seen in one of its pictures. */
  showFacts(picture, facts) {
    const figure = this.#figures.get(picture);
    figure.querySelector(".facts")?.remove();
    figure.append(factsView(facts, { open: true }));
  }

  #figure(picture, store) {
    const image = make("img", { alt: picture.name });
    const zoom = button("", () => showPicture(image.src, picture.name), { className: "zoom" });
    zoom.append(image);
    const figure = make("figure", {}, zoom);
    if (picture.facts) figure.append(factsView(picture.facts));
    this.#figures.set(picture, figure);
    loadPicture(image, picture, store);
    return figure;
  }
}

/** What the user typed, as it was typed. */
function saidBy(text) {
  const element = make("div", { className: "said", dir: "auto" });
  appendText(element, text);
  return element;
}

async function loadPicture(image, picture, store) {
  const blob = await store.picture(picture.id);
  if (!blob) return;
  image.src = URL.createObjectURL(blob);
}

/** What the model answers. */
export class AnswerView {
  #turn;
  #body = make("div", { className: "answer" });
  #notes = make("ul", { className: "notes" });
  #model = make("span", { className: "quiet" });
  #actions = make("div", { className: "actions" });
  #live;

  /**
   * @param turn the turn
   * @param retry called when the user asks again
   * @param grown called when it grew
   */
  constructor(turn, retry, grown) {
    this.#turn = turn;
    this.#live = new LiveText(this.#body, grown);
    const again = button(t("retry"), retry, { className: "small retry" });
    this.#actions.append(copyButton(() => turn.text), again, this.#model);
    this.element = article("assistant", t("answer"), this.#body, this.#notes, this.#actions);
  }

  /** Show it as far as it got; nothing more will come. */
  showWhole() {
    showText(this.#body, this.#turn.text);
    this.showNotes();
    return this;
  }

  /** Show that the first words are being waited for. */
  wait() {
    const dots = make("span", { className: "dots" }, make("i"), make("i"), make("i"));
    dots.setAttribute("role", "img");
    dots.setAttribute("aria-label", t("thinking"));
    this.#body.replaceChildren(dots);
    this.#actions.hidden = true;
    return this;
  }

  append(text) {
    this.#live.append(text);
  }

  showNotes() {
    this.#notes.replaceChildren(...notesOf(this.#turn).map((note) => make("li", { dir: "auto" }, note)));
    this.#notes.hidden = !this.#notes.childElementCount;
    this.#model.textContent = this.#turn.model;
  }

  end() {
    this.#live.end();
    if (!this.#turn.text) this.#body.replaceChildren();
    this.#actions.hidden = false;
    this.showNotes();
  }
}

function article(role, name, ...children) {
  const element = make("article", { className: `turn ${role}` }, ...children);
  element.setAttribute("aria-label", name);
  return element;
}
