// Server-sent events from bytes that were cut anywhere: inside a character, a line, an event.

/** Gives each event's JSON value to `take`; other lines are passed over. */
export class EventReader {
  constructor(take) {
    this.take = take;
    this.decoder = new TextDecoder();
    this.pieces = [];
  }

  feed(bytes) {
    this.#read(this.decoder.decode(bytes, { stream: true }));
  }

  #read(text) {
    let from = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
      this.pieces.push(text.slice(from, at));
      const line = this.pieces.join("");
      this.pieces = [];
      from = at + 1;
      if (line.startsWith("data:")) this.take(JSON.parse(line.slice(5)));
    }
    if (from < text.length) this.pieces.push(text.slice(from));
  }
}

/** Read a response to its end. */
export async function readEvents(response, take) {
  const reader = new EventReader(take);
  const source = response.body.getReader();
  for (;;) {
    const { done, value } = await source.read();
    if (done) return;
    reader.feed(value);
  }
}
