// A conversation as data, and what becomes of it: messages for the wire, files to export.

import { t } from "./i18n.js";

const TITLE = 60; // characters

export function newConversation(instructions) {
  return { id: crypto.randomUUID(), title: "", instructions, updated: Date.now(), turns: [] };
}

export function userTurn(text, pictures) {
  return { role: "user", text, pictures };
}

export function answerTurn() {
  return { role: "assistant", text: "", model: "", losses: [], notices: [], end: "" };
}

export function titleOf(conversation) {
  if (conversation.title) return conversation.title;
  const [first] = conversation.turns;
  if (!first) return t("untitled");
  const line = first.text.trim().replace(/\s+/g, " ") || first.pictures[0]?.name || t("untitled");
  return line.length > TITLE ? `${line.slice(0, TITLE).trimEnd()}…` : line;
}

/** The pictures of all turns, oldest first: the order in which the server states their facts. */
export function picturesOf(conversation) {
  return conversation.turns.flatMap((turn) => turn.pictures ?? []);
}

/**
 * The messages to send.
 * @param dataUri gives a picture as a data: URI
 */
export async function toMessages(conversation, dataUri) {
  const messages = conversation.instructions
    ? [{ role: "system", content: conversation.instructions }]
    : [];
  for (const turn of conversation.turns) {
    if (turn.role === "assistant" && !turn.text) continue;
    messages.push({ role: turn.role, content: await contentOf(turn, dataUri) });
  }
  return messages;
}

async function contentOf({ text, pictures }, dataUri) {
  if (!pictures?.length) return text;
  const parts = text ? [{ type: "text", text }] : [];
  for (const picture of pictures) {
    const url = await dataUri(picture);
    if (url) parts.push({ type: "image_url", image_url: { url } });
  }
  return parts;
}

/** Everything, pictures included. */
export async function toJson(conversation, dataUri) {
  const turns = [];
  for (const turn of conversation.turns) {
    const pictures = [];
    for (const { id, ...picture } of turn.pictures ?? []) {
      pictures.push({ ...picture, data: await dataUri({ id }) });
    }
    turns.push(turn.pictures ? { ...turn, pictures } : turn);
  }
  const { instructions, updated } = conversation;
  const title = titleOf(conversation);
  return JSON.stringify({ title, updated: new Date(updated), instructions, turns }, null, 2);
}

/** For reading: pictures by name, facts and notes as they stand on the page. */
export function toMarkdown(conversation) {
  const parts = [`# ${titleOf(conversation)}`];
  if (conversation.instructions) parts.push(`> ${conversation.instructions.replaceAll("\n", "\n> ")}`);
  for (const turn of conversation.turns) {
    parts.push(`## ${turn.role === "user" ? t("you") : turn.model || t("answer")}`);
    for (const { name, facts } of turn.pictures ?? []) {
      parts.push(`*${t("picture")}: ${name}*`, ...(facts?.text?.length ? [quoted(facts.text)] : []));
    }
    if (turn.text) parts.push(turn.text);
    for (const note of notesOf(turn)) parts.push(`*${note}*`);
  }
  return `${parts.join("\n\n")}\n`;
}

function quoted(lines) {
  return lines.map((line) => `> ${line}`).join("\n");
}

/** What stands beside an answer: what was lost, what the server noted, how it ended. */
export function notesOf({ losses = [], notices = [], end }) {
  const lost = losses.map(({ kind, name }) => {
    const media = name ? "lostMedia" : "lostPicture";
    const known = { roles: "lostRoles", media, option: "lostOption" };
    return t(known[kind] ?? "lostOther", { kind, name });
  });
  return [...lost, ...notices, ...(end ? [end] : [])];
}

/** How an answer ended, where that is worth a word. */
export function endOf(finishReason) {
  return { length: t("tooLong"), content_filter: t("filtered") }[finishReason] ?? "";
}
