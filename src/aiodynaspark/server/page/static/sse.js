// Server-sent events out of text that arrives in pieces of any length, in linear time.

export class EventDecoder {
  #parts = [];
  #data = [];
  #endedByReturn = false;

  /** Take the next piece; returns the data of the events that it completes. */
  feed(piece) {
    if (this.#endedByReturn && piece.startsWith("\n")) piece = piece.slice(1);
    this.#endedByReturn = piece.endsWith("\r");
    const events = [];
    const lines = piece.split(/\r\n|\n|\r/);
    const rest = lines.pop();
    for (const line of lines) {
      this.#take(this.#parts.length ? this.#parts.join("") + line : line, events);
      this.#parts = [];
    }
    if (rest) this.#parts.push(rest);
    return events;
  }

  #take(line, events) {
    if (line === "") {
      if (this.#data.length) events.push(this.#data.join("\n"));
      this.#data = [];
    } else if (line.startsWith("data:")) {
      this.#data.push(line.slice(line[5] === " " ? 6 : 5));
    }
  }
}
