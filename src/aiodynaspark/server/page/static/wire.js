// The server's OpenAI wire: which models there are, and an answer as it arrives.

import { EventDecoder } from "./sse.js";
import { t } from "./i18n.js";

/** What went wrong, as a sentence for the user: the server's own where it said one. */
export class WireError extends Error {
  /** @param kind "key", "offline", "cut" or "refused" */
  constructor(message, kind) {
    super(message);
    this.kind = kind;
  }
}

export async function listModels(key) {
  const response = await request("/v1/models", { headers: headers(key) });
  const { data } = await response.json();
  return data.map((model) => model.id);
}

export async function isAlive() {
  try {
    return (await fetch("/health", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

/**
 * Ask, and yield the answer's parts as they come:
 * {text}, {facts}, {notice}, {model}, {servedBy}, {losses: [{kind, name}]}, {finish}.
 */
export async function* ask({ model, messages, key, signal }) {
  const response = await request("/v1/chat/completions", {
    method: "POST",
    headers: { ...headers(key), "content-type": "application/json" },
    body: JSON.stringify({ model, messages, stream: true }),
    signal,
  });
  const losses = parseLosses(response.headers.get("x-dynaspark-losses"));
  if (losses.length) yield { losses };
  for await (const data of events(response)) {
    if (data === "[DONE]") return;
    yield* parts(parse(data));
  }
  throw new WireError(t("cutOff"), "cut");
}

function headers(key) {
  return key ? { authorization: `Bearer ${key}` } : {};
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    if (options.method === "POST" && (await isAlive())) throw new WireError(t("brokeOff"), "refused");
    throw new WireError(t("offline"), "offline");
  }
  if (response.ok) return response;
  throw new WireError(await sentenceOf(response), response.status === 401 ? "key" : "refused");
}

async function sentenceOf(response) {
  try {
    const { error } = await response.json();
    const sentence = typeof error === "string" ? error : error.message;
    if (sentence) return sentence;
  } catch {
    // Not JSON: some program between us and the server answered.
  }
  return t("refusedWith", { status: response.status });
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const decoder = new EventDecoder();
  try {
    for (;;) {
      const { value, done } = await read(reader);
      if (done) return;
      yield* decoder.feed(value);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function read(reader) {
  try {
    return await reader.read();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new WireError(t("cutOff"), "cut");
  }
}

function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    throw new WireError(t("cutOff"), "cut");
  }
}

function* parts(event) {
  if (event.error) throw new WireError(event.error.message ?? String(event.error), "cut");
  if (event.model) yield { model: event.model };
  const { facts, notice, model } = event.x_dynaspark ?? {};
  if (facts) yield { facts };
  if (notice) yield { notice };
  if (model) yield { servedBy: model };
  const choice = event.choices?.find(({ index }) => index === 0);
  if (choice?.delta?.content) yield { text: choice.delta.content };
  if (choice?.finish_reason) yield { finish: choice.finish_reason };
}

/** Read "kind:name, kind:name", names percent-encoded. */
function parseLosses(header) {
  return (header ?? "").split(",").filter(Boolean).map((entry) => {
    const [kind, name = ""] = entry.trim().split(":");
    return { kind, name: decode(name) };
  });
}

function decode(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
