// An answer's text as it grows: Markdown where it has settled, a cheap tail where it has not.

import { settledLength } from "./markdown.js";
import { appendText, plain, renderMarkdown } from "./render.js";
import { make } from "./dom.js";

const LONGEST_TAIL = 20_000; // characters rendered anew at each frame
const LONGEST_WHOLE = 200_000; // characters; a longer answer is not rendered as Markdown at once

/** Show a whole text. */
export function showText(element, text) {
  element.replaceChildren(text.length > LONGEST_WHOLE ? plain(text) : renderMarkdown(text));
}

export class LiveText {
  #element;
  #grown;
  #settled = make("div");
  #tail = make("div");
  #raw = null;
  #pending = [];
  #unsettled = "";
  #text = [];
  #length = 0;
  #frame = 0;

  /**
   * @param element where the text grows
   * @param grown called after each time that it grew
   */
  constructor(element, grown) {
    this.#element = element;
    this.#grown = grown;
  }

  append(text) {
    if (!this.#length) this.#element.replaceChildren(this.#settled, this.#tail);
    this.#length += text.length;
    this.#pending.push(text);
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  /** Draw what is left; what was drawn in parts is drawn as a whole where it is not too long. */
  end() {
    cancelAnimationFrame(this.#frame);
    if (this.#length > LONGEST_WHOLE) {
      this.#draw();
    } else if (this.#length) {
      showText(this.#element, [...this.#text, ...this.#pending].join(""));
      this.#grown();
    }
  }

  #draw() {
    this.#frame = 0;
    const fresh = this.#pending.join("");
    this.#pending = [];
    if (this.#length <= LONGEST_WHOLE) this.#text.push(fresh);
    if (this.#raw) appendText(this.#raw, fresh);
    else this.#drawMarkdown(fresh);
    this.#grown();
  }

  #drawMarkdown(fresh) {
    const text = this.#unsettled + fresh;
    const settled = settledLength(text);
    if (settled) this.#settled.append(renderMarkdown(text.slice(0, settled)));
    this.#unsettled = text.slice(settled);
    if (this.#unsettled.length > LONGEST_TAIL) {
      this.#raw = plain(this.#unsettled);
      this.#tail.replaceChildren(this.#raw);
      this.#unsettled = "";
    } else {
      this.#tail.replaceChildren(renderMarkdown(this.#unsettled));
    }
  }
}
