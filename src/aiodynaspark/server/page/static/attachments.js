// Pictures by button, paste and drop, as they wait to be sent.

import { button, find, make } from "./dom.js";
import { label, t } from "./i18n.js";

const LARGEST = 20 * 1024 * 1024; // bytes

export class Attachments {
  #files = [];
  #changed;
  #refused;

  /**
   * @param changed called when there are more or fewer
   * @param refused called with a sentence when a file is not taken
   */
  constructor(changed, refused) {
    this.#changed = changed;
    this.#refused = refused;
    find("attach").addEventListener("click", () => find("files").click());
    find("files").addEventListener("change", ({ target }) => {
      this.add(target.files);
      target.value = "";
    });
    find("prompt").addEventListener("paste", (event) => this.#paste(event));
    this.#takeDrops();
  }

  get files() {
    return [...this.#files];
  }

  add(files) {
    for (const file of files) {
      if (file.size > LARGEST) this.#refused(t("tooLarge", { name: file.name }));
      else this.#files.push(file);
    }
    this.#show();
  }

  clear() {
    this.#files = [];
    this.#show();
  }

  #paste(event) {
    const { files, types } = event.clipboardData;
    if (!files.length || types.includes("text/plain")) return;
    event.preventDefault();
    this.add(files);
  }

  #takeDrops() {
    const over = (shown) => (find("drop").hidden = !shown);
    document.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      over(true);
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) over(false);
    });
    document.addEventListener("drop", (event) => {
      over(false);
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      this.add(event.dataTransfer.files);
      find("prompt").focus();
    });
  }

  #show() {
    const list = find("attached");
    for (const image of list.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    list.replaceChildren(...this.#files.map((file) => this.#item(file)));
    list.hidden = !this.#files.length;
    this.#changed();
  }

  #item(file) {
    const image = make("img", { alt: "", src: URL.createObjectURL(file) });
    image.addEventListener("error", () => image.remove());
    const remove = button("✕", () => this.#remove(file), { className: "icon" });
    label(remove, "detach", { name: file.name });
    return make("li", {}, image, make("span", { dir: "auto", title: file.name }, file.name), remove);
  }

  #remove(file) {
    this.#files = this.#files.filter((other) => other !== file);
    this.#show();
    find("prompt").focus();
  }
}
