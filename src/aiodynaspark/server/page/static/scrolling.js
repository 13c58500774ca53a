// Follows an answer as it grows, unless the user has scrolled away to read.

import { find } from "./dom.js";

const NEAR = 60; // pixels from the end that still count as the end

export class Following {
  #scroller = find("scroller");
  #following = true;

  constructor() {
    this.#scroller.addEventListener("scroll", () => this.#note());
    find("latest").addEventListener("click", () => this.toEnd());
  }

  /** What is shown grew. */
  grown() {
    if (this.#following) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    else this.#note();
  }

  toEnd() {
    this.#following = true;
    this.grown();
    this.#note();
  }

  #note() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#following = scrollHeight - scrollTop - clientHeight < NEAR;
    find("latest").hidden = this.#following;
  }
}
