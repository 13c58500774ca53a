// The list of conversations; on a narrow page a drawer.

import { titleOf } from "./conversation.js";
import { button, find, make } from "./dom.js";
import { label } from "./i18n.js";

export class Sidebar {
  #actions;

  /** @param actions {open, start, rename, remove}: called with a conversation */
  constructor(actions) {
    this.#actions = actions;
    find("sidebar").hidden = false;
    find("new").addEventListener("click", () => {
      this.#fold();
      actions.start();
    });
    find("open-sidebar").addEventListener("click", () => this.#unfold());
    find("close-sidebar").addEventListener("click", () => this.#fold());
    find("backdrop").addEventListener("click", () => this.#fold());
    find("sidebar").addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#fold();
    });
  }

  show(conversations, current) {
    const items = conversations.map((conversation) => this.#item(conversation, current));
    find("conversations").replaceChildren(...items);
  }

  #item(conversation, current) {
    const title = titleOf(conversation);
    const open = button(title, () => {
      this.#fold();
      this.#actions.open(conversation);
    }, { className: "wide", title, dir: "auto" });
    if (conversation.id === current.id) open.setAttribute("aria-current", "true");
    const rename = button("✎", () => this.#actions.rename(conversation), { className: "icon" });
    const remove = button("✕", () => this.#actions.remove(conversation), { className: "icon" });
    label(rename, "renameOf", { title });
    label(remove, "deleteOf", { title });
    return make("li", {}, open, rename, remove);
  }

  #unfold() {
    this.#setOpen(true);
    find("new").focus();
  }

  #fold() {
    if (find("backdrop").hidden) return;
    this.#setOpen(false);
    find("open-sidebar").focus();
  }

  #setOpen(open) {
    find("sidebar").classList.toggle("open", open);
    find("backdrop").hidden = !open;
    find("page").inert = open;
    find("open-sidebar").setAttribute("aria-expanded", String(open));
  }
}
