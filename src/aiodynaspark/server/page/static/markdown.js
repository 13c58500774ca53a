// Markdown into blocks: plain objects, no HTML anywhere. Every pass is linear in the text.

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`\s]*)/;
const HEADING = /^ {0,3}(#{1,6})[ \t](.*)$/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|(\d{1,9})[.)])([ \t]+|$)/;
const DIVIDER = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const LONG_LINE = 20_000; // characters; a longer line is text, whatever it looks like
const DEEPEST = 8; // quotes and lists inside one another

/** Parse a text into blocks. */
export function parseBlocks(text, depth = 0) {
  const lines = text.split(/\r\n|\n|\r/);
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    const [block, next] = blockAt(lines, at, depth);
    if (block) blocks.push(block);
    at = next;
  }
  return blocks;
}

/**
 * How much of a text that still grows will not change any more: up to its last blank line
 * outside code that is followed by something that starts a block of its own.
 */
export function settledLength(text) {
  let settled = 0;
  let fence = null;
  let blank = false;
  let at = 0;
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", at)) {
    const line = text.slice(at, Math.min(end, at + 200));
    if (!fence && blank && !/^\s/.test(line) && !ITEM.test(line)) settled = at;
    fence = fenceAfter(line, fence);
    blank = !line.trim();
    at = end + 1;
  }
  return settled;
}

function fenceAfter(line, fence) {
  if (fence) return closes(line, fence) ? null : fence;
  return FENCE.exec(line)?.[1] ?? null;
}

function closes(line, fence) {
  const marks = line.trim();
  return marks.length >= fence.length && marks === fence[0].repeat(marks.length);
}

function blockAt(lines, at, depth) {
  const line = lines[at];
  if (!line.trim()) return [null, at + 1];
  if (line.length > LONG_LINE) return [{ kind: "plain", text: line }, at + 1];
  const fence = FENCE.exec(line);
  if (fence) return codeAt(lines, at, fence);
  const heading = HEADING.exec(line);
  if (heading) {
    const text = heading[2].trim().replace(/ #{1,6}$/, "");
    return [{ kind: "heading", level: heading[1].length, text }, at + 1];
  }
  if (RULE.test(line)) return [{ kind: "rule" }, at + 1];
  if (depth < DEEPEST && QUOTE.test(line)) return quoteAt(lines, at, depth);
  if (depth < DEEPEST && ITEM.test(line)) return listAt(lines, at, depth);
  if (isTable(lines, at)) return tableAt(lines, at);
  return paragraphAt(lines, at);
}

function codeAt(lines, at, [opening, fence, language]) {
  const indent = opening.length - opening.trimStart().length;
  const code = [];
  let next = at + 1;
  while (next < lines.length && !closes(lines[next], fence)) {
    code.push(lines[next].replace(new RegExp(`^ {0,${indent}}`), ""));
    next += 1;
  }
  return [{ kind: "code", language, text: code.join("\n") }, next + 1];
}

function quoteAt(lines, at, depth) {
  const inside = [];
  let next = at;
  while (next < lines.length && QUOTE.test(lines[next])) {
    inside.push(lines[next].replace(QUOTE, ""));
    next += 1;
  }
  return [{ kind: "quote", blocks: parseBlocks(inside.join("\n"), depth + 1) }, next];
}

function listAt(lines, at, depth) {
  const first = ITEM.exec(lines[at]);
  const ordered = first[3] !== undefined;
  const items = [];
  let next = at;
  for (;;) {
    const item = next < lines.length ? ITEM.exec(lines[next]) : null;
    if (!item || (item[3] !== undefined) !== ordered || RULE.test(lines[next])) break;
    const [inside, end] = itemAt(lines, next, item);
    items.push(parseBlocks(inside, depth + 1));
    next = end;
  }
  if (!items.length) return paragraphAt(lines, at);
  return [{ kind: "list", ordered, start: ordered ? Number(first[3]) : null, items }, next];
}

/** The lines of one item: what is indented as its text is, and what goes on without a blank. */
function itemAt(lines, at, [marker]) {
  const indent = new RegExp(`^[ \\t]{1,${Math.max(2, marker.length)}}`);
  const inside = [lines[at].slice(marker.length)];
  let next = at + 1;
  let blanks = 0;
  for (; next < lines.length; next += 1) {
    const line = lines[next];
    if (!line.trim()) {
      blanks += 1;
    } else if (/^( {2,}|\t)/.test(line) || (!blanks && !startsBlock(line))) {
      for (; blanks; blanks -= 1) inside.push("");
      inside.push(line.replace(indent, ""));
    } else {
      break;
    }
  }
  const goesOn = blanks && next < lines.length && ITEM.test(lines[next]);
  return [inside.join("\n"), goesOn ? next : next - blanks];
}

function isTable(lines, at) {
  const divider = lines[at + 1];
  return lines[at].includes("|") && divider?.includes("|") && DIVIDER.test(divider.slice(0, 2000));
}

function tableAt(lines, at) {
  const rows = [];
  let next = at + 2;
  while (next < lines.length && lines[next].trim() && lines[next].includes("|")) {
    rows.push(cells(lines[next]));
    next += 1;
  }
  const align = cells(lines[at + 1]).map((cell) =>
    cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "end") : "start",
  );
  return [{ kind: "table", head: cells(lines[at]), rows, align }, next];
}

function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split(/(?<!\\)\|/).slice(0, 50).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function paragraphAt(lines, at) {
  let next = at + 1;
  while (next < lines.length && lines[next].trim() && !startsBlock(lines[next])) next += 1;
  return [{ kind: "paragraph", text: lines.slice(at, next).join("\n") }, next];
}

function startsBlock(line) {
  return (
    line.length > LONG_LINE ||
    [FENCE, HEADING, RULE, QUOTE, ITEM].some((pattern) => pattern.test(line))
  );
}
