// One question and its answer: asked, streamed, stopped, failed, taken back.

import {
  answerTurn,
  endOf,
  picturesOf,
  toMessages,
  userTurn,
} from "./conversation.js";
import { announce } from "./dom.js";
import { t } from "./i18n.js";
import { WireError, ask } from "./wire.js";

const SAVE_EVERY = 2000; // milliseconds, while an answer grows

export class Chat {
  #running = new Map(); // by conversation
  #store;
  #page;

  /**
   * @param store keeps the pictures
   * @param page {model(), key(), dataUri(picture), view(turn), changed(conversation), failed(...)}
   */
  constructor(store, page) {
    this.#store = store;
    this.#page = page;
  }

  isRunning(conversation) {
    return this.#running.has(conversation.id);
  }

  stop(conversation) {
    this.#running.get(conversation.id)?.abort();
  }

  /** Ask something new: {text, files}. What fails before any answer is handed back. */
  async send(conversation, written) {
    const before = [...conversation.turns];
    const pictures = written.files.map(({ name }) => ({ id: crypto.randomUUID(), name }));
    for (const [index, { id }] of pictures.entries()) {
      await this.#store.savePicture(id, written.files[index]);
    }
    conversation.turns.push(userTurn(written.text, pictures));
    await this.#answer(conversation, { before, written });
  }

  /** Ask again what the last turn answered. */
  async retry(conversation) {
    const before = [...conversation.turns];
    conversation.turns.pop();
    await this.#answer(conversation, { before, written: null });
  }

  async #answer(conversation, attempt) {
    const stopper = new AbortController();
    const turn = answerTurn();
    conversation.turns.push(turn);
    conversation.updated = Date.now();
    this.#running.set(conversation.id, stopper);
    this.#page.view(turn).wait();
    this.#page.changed(conversation);
    announce(t("answering"));
    const failure = await this.#stream(conversation, turn, stopper.signal);
    this.#running.delete(conversation.id);
    if (failure && !turn.text && this.#page.failed(conversation, attempt, failure)) return;
    turn.whole = true;
    if (failure) turn.end = failure.message;
    this.#page.view(turn).end();
    this.#page.changed(conversation);
    announce(turn.end || t("answered"));
  }

  /** Returns what failed, or null; being stopped by the user is no failure. */
  async #stream(conversation, turn, signal) {
    const seen = picturesOf(conversation)[Symbol.iterator]();
    let saved = Date.now();
    try {
      const messages = await toMessages(conversation, this.#page.dataUri);
      const question = { model: this.#page.model(), messages, key: this.#page.key(), signal };
      for await (const part of ask(question)) {
        this.#take(conversation, turn, part, seen);
        if (Date.now() - saved < SAVE_EVERY) continue;
        saved = Date.now();
        this.#page.save(conversation);
      }
    } catch (error) {
      if (signal.aborted) turn.end = t("stopped");
      else if (error instanceof WireError) return error;
      else return new WireError(t("internal", { reason: error.message }), "refused");
    }
    return null;
  }

  #take(conversation, turn, part, seen) {
    const view = this.#page.view(turn);
    if (part.text) {
      turn.text += part.text;
      view.append(part.text);
    } else if (part.facts) {
      this.#takeFacts(conversation, part.facts, seen.next().value);
    } else {
      turn.model = part.servedBy || turn.model || part.model || "";
      if (part.notice) turn.notices.push(part.notice);
      if (part.losses) turn.losses.push(...part.losses);
      if (part.finish) turn.end = endOf(part.finish);
      view.showNotes();
    }
  }

  #takeFacts(conversation, facts, picture) {
    if (!picture) return;
    picture.facts = facts;
    const asked = conversation.turns.find((turn) => turn.pictures?.includes(picture));
    this.#page.view(asked).showFacts(picture, facts);
  }
}
