// The page as a whole: what is shown, what is kept, and who is told of what.

import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { newConversation, titleOf, toJson, toMarkdown } from "./conversation.js";
import { dataUriOf } from "./data_uri.js";
import { askLine, askText, choose, confirm } from "./dialogs.js";
import { announce, download, find, make } from "./dom.js";
import { label, t, translate } from "./i18n.js";
import { Following } from "./scrolling.js";
import { lasting, ofThisTab } from "./settings.js";
import { Sidebar } from "./sidebar.js";
import { openStore } from "./store.js";
import { AnswerView, UserView } from "./turns.js";
import { isAlive, listModels } from "./wire.js";

const BACK_EVERY = 2000; // milliseconds between looks whether the server is back
const THEMES = ["auto", "light", "dark"];
const KEY = Object.assign(/[!-~]+/, { title: t("keyForm") });

class App {
  #views = new WeakMap(); // by turn
  #waiting = false;

  constructor(store, conversations) {
    this.store = store;
    this.conversations = conversations;
    this.following = new Following();
    this.composer = new Composer({ send: () => this.send(), stop: () => this.chat.stop(this.current) });
    this.sidebar = new Sidebar({
      open: (conversation) => this.open(conversation),
      start: () => this.start(),
      rename: (conversation) => this.rename(conversation),
      remove: (conversation) => this.remove(conversation),
    });
    this.chat = new Chat(store, {
      model: () => find("model").value,
      key: () => ofThisTab.get("key"),
      dataUri: (picture) => this.dataUri(picture),
      view: (turn) => this.view(turn),
      save: (conversation) => this.save(conversation),
      changed: (conversation) => this.changed(conversation),
      failed: (...failed) => this.failed(...failed),
    });
    find("instructions").addEventListener("click", () => this.instruct());
    find("export").addEventListener("click", () => this.export());
    find("model").addEventListener("change", ({ target }) => lasting.set("model", target.value));
    addEventListener("hashchange", () => this.route());
  }

  /** Show the conversation that the address names, or a new one. */
  route() {
    const id = location.hash.slice(1);
    if (this.current?.id === id) return;
    const known = this.conversations.find((conversation) => conversation.id === id);
    this.current = known ?? newConversation(lasting.get("instructions"));
    this.show();
    this.following.toEnd();
  }

  open(conversation) {
    location.hash = conversation.id;
    this.composer.focus();
  }

  start() {
    if (this.current.turns.length) this.current = null;
    history.pushState(null, "", location.pathname);
    this.current ??= newConversation(lasting.get("instructions"));
    this.show();
    this.composer.focus();
  }

  async send() {
    const written = this.composer.take();
    const conversation = this.current;
    try {
      await this.chat.send(conversation, written);
    } catch {
      this.composer.giveBack(written);
      this.composer.showProblem(t("storageFull"));
    }
  }

  async retry() {
    this.composer.showProblem("");
    await this.chat.retry(this.current);
  }

  view(turn) {
    if (!this.#views.has(turn)) this.#views.set(turn, this.#newView(turn));
    return this.#views.get(turn);
  }

  #newView(turn) {
    if (turn.role === "user") return new UserView(turn, this.store);
    return new AnswerView(turn, () => this.retry(), () => this.following.grown()).showWhole();
  }

  show() {
    const { turns, instructions } = this.current;
    find("welcome").hidden = turns.length > 0;
    find("turns").replaceChildren(...turns.map((turn) => this.view(turn).element));
    find("export").disabled = !turns.length;
    find("instructions").classList.toggle("set", Boolean(instructions));
    find("title").textContent = turns.length ? titleOf(this.current) : "Dynaspark";
    document.title = turns.length ? `${titleOf(this.current)} – Dynaspark` : "Dynaspark";
    this.composer.busy = this.chat.isRunning(this.current);
    this.sidebar.show(this.conversations, this.current);
  }

  /** A conversation has more turns, or its answer has ended. */
  changed(conversation) {
    if (!this.conversations.includes(conversation)) {
      this.conversations.unshift(conversation);
      if (conversation === this.current) history.replaceState(null, "", `#${conversation.id}`);
    }
    this.save(conversation);
    if (conversation !== this.current) return;
    this.show();
    if (this.chat.isRunning(conversation)) this.following.toEnd();
  }

  async save(conversation) {
    try {
      await this.store.save(conversation);
    } catch {
      this.composer.showProblem(t("storageFull"));
    }
  }

  /**
   * A question failed before its answer began: it goes back to where it was written.
   * @returns whether it did; not where the user has gone to another conversation
   */
  failed(conversation, { before, written }, failure) {
    if (conversation !== this.current) return false;
    conversation.turns = before;
    this.changed(conversation);
    if (written) this.composer.giveBack(written);
    const again = () => (written ? this.send() : this.retry());
    this.explain(failure, again);
    announce("");
    return true;
  }

  /** Say what failed in its own sentence, and help with what can be helped. */
  explain(failure, again) {
    const action = { text: t("retry"), run: again };
    this.composer.showProblem(failure.message, action);
    if (failure.kind === "key") this.askKey(failure.message, again);
    if (failure.kind === "offline") this.awaitServer(action);
  }

  async askKey(sentence, again) {
    const key = await askLine({ title: t("keyTitle"), hint: `${sentence} ${t("keyHint")}`, pattern: KEY, secret: true });
    if (!key) return;
    ofThisTab.set("key", key);
    this.composer.showProblem("");
    if (await this.loadModels()) await again();
  }

  async awaitServer(action) {
    if (this.#waiting) return;
    this.#waiting = true;
    do await new Promise((resolve) => setTimeout(resolve, BACK_EVERY));
    while (!(await isAlive()));
    this.#waiting = false;
    this.composer.showProblem(t("back"), action);
    await this.loadModels();
  }

  /** Fill the model picker; returns whether the server let us. */
  async loadModels() {
    try {
      const names = await listModels(ofThisTab.get("key"));
      find("model").replaceChildren(...names.map((name) => make("option", { value: name }, name)));
      const chosen = lasting.get("model");
      if (names.includes(chosen)) find("model").value = chosen;
      return true;
    } catch (failure) {
      this.explain(failure, () => this.loadModels());
      return false;
    }
  }

  async dataUri({ id }) {
    const blob = await this.store.picture(id);
    return blob ? dataUriOf(blob) : null;
  }

  async rename(conversation) {
    const title = await askLine({ title: t("rename"), value: titleOf(conversation) });
    if (!title) return;
    conversation.title = title;
    this.changed(conversation);
    this.show();
  }

  async remove(conversation) {
    const sure = await confirm(t("deleteSure", { title: titleOf(conversation) }), t("delete"));
    if (!sure) return;
    this.chat.stop(conversation);
    this.conversations = this.conversations.filter((other) => other !== conversation);
    await this.store.remove(conversation);
    if (conversation === this.current) this.start();
    else this.show();
  }

  async instruct() {
    const conversation = this.current;
    const value = conversation.instructions;
    const text = await askText({ title: t("instructions"), value, hint: t("instructionsHint") });
    if (text === null) return;
    conversation.instructions = text;
    lasting.set("instructions", text);
    if (conversation.turns.length) this.changed(conversation);
    else this.show();
  }

  async export() {
    const conversation = this.current;
    const kind = await choose(t("export"), t("exportHint"), { JSON: "json", Markdown: "md" });
    if (!kind) return;
    const name = titleOf(conversation).replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
    if (kind === "md") return download(`${name}.md`, toMarkdown(conversation), "text/markdown");
    const content = await toJson(conversation, (picture) => this.dataUri(picture));
    download(`${name}.json`, content, "application/json");
  }
}

function offerThemes() {
  const chosen = () => document.documentElement.dataset.theme ?? "auto";
  const tell = () => label(find("theme"), "themeIs", { theme: t(chosen()) });
  find("theme").addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(chosen()) + 1) % THEMES.length];
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    lasting.set("theme", next === "auto" ? "" : next);
    tell();
    announce(t("themeIs", { theme: t(next) }));
  });
  tell();
}

/** An answer that was growing when the page was left is as far as it got. */
function asTheyWereLeft(conversations) {
  for (const turn of conversations.flatMap(({ turns }) => turns)) {
    if (turn.role === "assistant" && !turn.whole && !turn.end) turn.end = t("stopped");
  }
  return conversations;
}

translate(document);
offerThemes();
const store = await openStore();
const app = new App(store, asTheyWereLeft(await store.conversations()));
app.route();
if (!store.lasting) app.composer.showProblem(t("notKept"));
await app.loadModels();
app.composer.focus();
