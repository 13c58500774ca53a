// Where the user writes: the text, its pictures, and what went wrong with them.

import { Attachments } from "./attachments.js";
import { button, find } from "./dom.js";
import { ofThisTab } from "./settings.js";

export class Composer {
  #prompt = find("prompt");
  #busy = false;
  #attachments = new Attachments(
    () => this.#update(),
    (sentence) => this.showProblem(sentence),
  );

  /**
   * @param send called when the user sends
   * @param stop called when the user stops the answer
   */
  constructor({ send, stop }) {
    this.#prompt.value = ofThisTab.get("draft");
    this.#prompt.addEventListener("input", () => this.#update());
    this.#prompt.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      find("composer").requestSubmit();
    });
    find("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      if (!find("send").disabled && !this.#busy) send();
    });
    find("stop").addEventListener("click", stop);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#busy && !document.querySelector("dialog[open]")) stop();
    });
    this.#update();
  }

  /** What was written, which is then no longer here. */
  take() {
    const taken = { text: this.#prompt.value.trim(), files: this.#attachments.files };
    this.#prompt.value = "";
    this.#attachments.clear();
    this.showProblem("");
    return taken;
  }

  /** Put back what was taken, before what was written since. */
  giveBack({ text, files }) {
    this.#prompt.value = [text, this.#prompt.value].filter(Boolean).join("\n\n");
    this.#attachments.add(files);
    this.focus();
  }

  /** Whether an answer is on its way, so that stopping takes the place of sending. */
  set busy(busy) {
    const [appears, goes] = busy ? [find("stop"), find("send")] : [find("send"), find("stop")];
    const focused = document.activeElement === goes;
    this.#busy = busy;
    appears.hidden = false;
    goes.hidden = true;
    if (focused) this.focus();
  }

  /** Say what went wrong, and offer what to do about it; nothing where all is well. */
  showProblem(sentence, action = null) {
    const place = find("problem");
    place.replaceChildren(sentence);
    if (action) place.append(button(action.text, action.run, { className: "small" }));
    place.hidden = !sentence;
  }

  focus() {
    this.#prompt.focus();
  }

  #update() {
    ofThisTab.set("draft", this.#prompt.value);
    find("send").disabled = !this.#prompt.value.trim() && !this.#attachments.files.length;
    this.#prompt.style.height = "auto";
    this.#prompt.style.height = `${Math.min(this.#prompt.scrollHeight, innerHeight * 0.4)}px`;
  }
}
