// What stands inside a paragraph: emphasis, code, links. Plain objects, linear in the text.

const LONGEST = 20_000; // characters; a longer text is shown as it is
const DEEPEST = 6; // marks inside one another
const SPECIAL = /[\\`*_~[!<\n]|https?:\/\//g;
const LINK = /\[([^\[\]\n]{0,500})\]\(\s{0,9}<?([^\s<>()]{1,2000}(?:\([^\s<>()]{0,500}\)[^\s<>()]{0,500})?)>?(?:\s{1,9}"[^"\n]{0,500}")?\s{0,9}\)/y;
const BARE = /https?:\/\/[^\s<>"'`*]{1,2000}/y;
const ESCAPED = /\\([!-/:-@[-`{-~])/y;
const TICKS = /`{1,100}/y;
const MARKS = [
  ["**", "strong"],
  ["__", "strong"],
  ["~~", "strike"],
  ["*", "emphasis"],
  ["_", "emphasis"],
];

/** Parse a text into tokens: {kind, text} or {kind, inside} or {kind, text, url}. */
export function parseInline(text, depth = 0) {
  if (text.length > LONGEST || depth > DEEPEST) return [{ kind: "text", text }];
  return new Inline(text, depth).parse();
}

/** An address that may be followed: http or https, whole; else null. */
export function safeUrl(address) {
  if (!/^https?:\/\//i.test(address)) return null;
  try {
    const url = new URL(address);
    return url.username || url.password ? null : url.href;
  } catch {
    return null;
  }
}

class Inline {
  #text;
  #depth;
  #tokens = [];
  #plainFrom = 0;
  #missing = new Set(); // closers that do not come any more

  constructor(text, depth) {
    this.#text = text;
    this.#depth = depth;
  }

  parse() {
    let at = 0;
    for (;;) {
      SPECIAL.lastIndex = at;
      const found = SPECIAL.exec(this.#text);
      if (!found) break;
      at = found.index;
      const [token, end] = this.#tokenAt(at) ?? [null, at + this.#runAt(at)];
      if (token) {
        this.#closePlain(at);
        this.#tokens.push(token);
        this.#plainFrom = end;
      }
      at = end;
    }
    this.#closePlain(this.#text.length);
    return this.#tokens;
  }

  #closePlain(end) {
    const text = this.#text.slice(this.#plainFrom, end);
    if (text) this.#tokens.push({ kind: "text", text });
  }

  /** How far to step over a mark that means nothing here: a run of the same at once. */
  #runAt(at) {
    let end = at + 1;
    while ("*_~`".includes(this.#text[at]) && this.#text[end] === this.#text[at]) end += 1;
    return end - at;
  }

  #tokenAt(at) {
    const text = this.#text;
    switch (text[at]) {
      case "\n":
        return [{ kind: "break" }, at + 1];
      case "\\":
        return this.#escaped(at);
      case "`":
        return this.#code(at);
      case "[":
        return this.#link(at, "link");
      case "!":
        return text[at + 1] === "[" ? this.#link(at + 1, "picture") : null;
      case "<":
      case "h":
        return this.#bare(at);
      default:
        return this.#marked(at);
    }
  }

  #escaped(at) {
    ESCAPED.lastIndex = at;
    const found = ESCAPED.exec(this.#text);
    return found && [{ kind: "text", text: found[1] }, ESCAPED.lastIndex];
  }

  #code(at) {
    TICKS.lastIndex = at;
    const [ticks] = TICKS.exec(this.#text);
    const from = at + ticks.length;
    const end = this.#find(ticks, from, (found) => this.#standsAlone(found, ticks));
    if (end < 0) return null;
    const inside = this.#text.slice(from, end).replaceAll("\n", " ");
    const padded = /^ .*[^ ].* $/.test(inside);
    return [{ kind: "code", text: padded ? inside.slice(1, -1) : inside }, end + ticks.length];
  }

  #standsAlone(at, ticks) {
    return this.#text[at - 1] !== "`" && this.#text[at + ticks.length] !== "`";
  }

  #link(at, kind) {
    LINK.lastIndex = at;
    const found = LINK.exec(this.#text);
    const url = found && safeUrl(found[2]);
    return url ? [{ kind, text: found[1], url }, LINK.lastIndex] : null;
  }

  #bare(at) {
    const pointed = this.#text[at] === "<";
    BARE.lastIndex = pointed ? at + 1 : at;
    let address = BARE.exec(this.#text)?.[0];
    if (!address) return null;
    if (!pointed) address = address.replace(/[.,;:!?\])}*_]+$/, "");
    const end = at + address.length + (pointed ? 2 : 0);
    if (pointed && this.#text[end - 1] !== ">") return null;
    const url = safeUrl(address);
    return url ? [{ kind: "link", text: address, url }, end] : null;
  }

  #marked(at) {
    for (const [mark, kind] of MARKS) {
      if (!this.#text.startsWith(mark, at) || !this.#opens(at, mark)) continue;
      const from = at + mark.length;
      const end = this.#find(mark, from + 1, (found) => this.#closes(found, mark));
      if (end < 0) continue;
      const inside = parseInline(this.#text.slice(from, end), this.#depth + 1);
      return [{ kind, inside }, end + mark.length];
    }
    return null;
  }

  #opens(at, mark) {
    const after = this.#text[at + mark.length];
    return after !== undefined && /\S/.test(after) && !(mark[0] === "_" && isWord(this.#text[at - 1]));
  }

  #closes(at, mark) {
    const [before, after] = [this.#text[at - 1], this.#text[at + mark.length]];
    if (/\s/.test(before)) return false;
    if (mark.length === 1 && (before === mark || after === mark)) return false;
    return !(mark[0] === "_" && isWord(after));
  }

  /** Where a closer is; one that was looked for to the end in vain is not looked for again. */
  #find(mark, from, fits) {
    if (this.#missing.has(mark)) return -1;
    let at = this.#text.indexOf(mark, from);
    while (at >= 0 && !fits(at)) at = this.#text.indexOf(mark, at + mark.length);
    if (at < 0) this.#missing.add(mark);
    return at;
  }
}

function isWord(character) {
  return character !== undefined && /[\p{L}\p{N}]/u.test(character);
}
