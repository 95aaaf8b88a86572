// What a stream parser says, gathered as plain values that can be held against the Python readers.

export class Collector {
  constructor() {
    this.forgetTables();
    this.forgetStory();
    this.calls = 0;
  }

  phase() {}

  forgetTables() {
    this.images = [];
    this.narrative = [];
    this.strayRows = [];
  }

  forgetStory() {
    this.blocks = [];
    this.outsideTexts = [];
  }

  image(number) {
    this.calls += 1;
    this.images.push({ number, characters: [], objects: [], setting: [] });
  }

  row(row) {
    this.calls += 1;
    let told = row.kind === "narrative" ? [...row.cells.slice(0, 3), row.images] : row.cells;
    if (row.kind === "characters" || row.kind === "objects") {
      told = row.id && row.box ? [row.id, ...row.cells.slice(1, -1), row.box] : ["incomplete", row.id];
    }
    if (row.place === "narrative") this.narrative.push(told);
    else if (row.place === "outside") this.strayRows.push([row.kind, row.id]);
    else this.images.at(-1)[row.kind].push(told);
  }

  open(number) {
    this.calls += 1;
    this.parts = [];
    this.blocks.push({ number, parts: this.parts });
  }

  text(words) {
    this.calls += 1;
    if (typeof this.parts.at(-1) === "string") this.parts.push(this.parts.pop() + words);
    else this.parts.push(words);
  }

  tag(part) {
    this.calls += 1;
    this.parts.push([part.kind, part.ids, part.text]);
  }

  replace(parts) {
    this.calls += 1;
    this.parts.length = 0;
    for (const part of parts) this.parts.push(typeof part === "string" ? part : [part.kind, part.ids, part.text]);
  }

  close() {
    this.parts = null;
  }

  outside(text) {
    this.outsideTexts.push(text);
  }

  get value() {
    const { images, narrative, strayRows, blocks, outsideTexts } = this;
    return { images, narrative, strayRows, blocks, outside: outsideTexts };
  }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** `text` cut into chunks of 1 to `longest` UTF-16 units, inside characters too. */
export function* cut(text, seed, longest) {
  const draw = random(seed);
  for (let at = 0; at < text.length; ) {
    const end = at + 1 + Math.floor(draw() * longest);
    yield text.slice(at, end);
    at = end;
  }
}
