// A model's answer drawn while it streams: tables fill, boxes appear, then the story grows. Everything is appended; what
// stands is not drawn again. Work is done in slices, so that no chunk, however large, holds the page up.

import { append, make } from "./dom.js";
import { renderFrame, setBoxes } from "./frames.js";
import { OutputReader } from "./stream_parser.js";
import { COLUMNS, TITLES, renderRow } from "./tables.js";
import { renderPart } from "./text.js";

const SLICE_MS = 1.5; // of reading and drawing; style, layout and painting of what was drawn take about four times as long
const LATEST_MS = 120;
const PIECE = 128; // characters read between two looks at the clock
const LONG = 1500; // characters of a paragraph after which a new one begins with the next line
const LONGEST = 4000; // and with the next word

/** Draw into `tables` and `story`; `frames` are the frames of the story, `onProgress({image, phase, blocks})` hears of headings. */
export function streamInto({ tables, story, frames, onProgress = () => {} }) {
  const sink = new PageSink(tables, story, frames, onProgress);
  const reader = new OutputReader(sink);
  const queue = [];
  let ended = false;
  let scheduled = false;
  let turn = 0;
  let resolve = null;
  let stopped = false;
  const done = new Promise((settle) => (resolve = settle));

  function work() {
    scheduled = false;
    if (stopped) return;
    const start = performance.now();
    while (queue.length && performance.now() - start < SLICE_MS) {
      const chunk = queue[0];
      if (chunk.length <= PIECE) queue.shift();
      else queue[0] = chunk.slice(PIECE);
      reader.feed(chunk.slice(0, PIECE));
    }
    if (!queue.length && ended) {
      reader.end();
      ended = false;
      resolve();
    }
    sink.flush();
    if (queue.length || ended) schedule();
  }

  /** One slice a frame, so that each frame lays out what one slice drew; a page out of sight has no frames, but goes on. */
  function schedule() {
    if (scheduled) return;
    scheduled = true;
    const mine = ++turn;
    const go = () => {
      if (scheduled && turn === mine) work();
    };
    requestAnimationFrame(go);
    setTimeout(go, LATEST_MS);
  }

  return {
    feed(chunk) {
      if (chunk) queue.push(chunk);
      schedule();
    },
    /** The answer is over; resolves when all of it is drawn. */
    end() {
      ended = true;
      schedule();
      return done;
    },
    stop() {
      stopped = true;
      queue.length = 0;
    },
    sink,
    done,
  };
}

/** Draws what an OutputReader tells. */
export class PageSink {
  constructor(tables, story, frames, onProgress) {
    this.tables = tables;
    this.story = story;
    this.frames = new Map(frames.map((frame) => [frame.number, frame]));
    this.onProgress = onProgress;
    this.names = new Map();
    this.context = { nameOf: (id) => this.names.get(id) ?? "" };
    this.dirty = new Set();
    this.progress = { phase: "", image: 0, blocks: 0 };
    this.forgetTables();
    this.forgetStory();
  }

  phase(name) {
    this.progress.phase = name;
    this.onProgress({ ...this.progress });
  }

  forgetTables() {
    this.tables.replaceChildren();
    this.section = null;
    this.bodies = {};
    this.narrative = null;
    this.known = new Map();
    this.names.clear();
  }

  forgetStory() {
    this.story.replaceChildren();
    this.told = null;
    this.progress.blocks = 0;
  }

  // ---------------------------------------------------------------- tables

  image(number) {
    const frame = this.frames.get(number);
    const known = this.known.get(number) ?? { number, boxes: [], ids: new Set(), figure: null };
    this.known.set(number, known);
    const figure = frame ? renderFrame(frame, [], this.context) : make("p", { class: "broken" }, `There is no image ${number}.`);
    if (frame && !known.figure) known.figure = figure;
    const body = make("div", { class: "live-tables" });
    this.section = { number, body, frame, known };
    this.bodies = {};
    append(this.tables, [
      make("section", { class: "live-image", data: { frame: number }, "aria-label": `Tables of image ${number}` }, figure, body),
    ]);
    this.progress.image = number;
    this.onProgress({ ...this.progress });
  }

  row(row) {
    const drawn = renderRow(row.kind, row);
    this.#body(row).append(drawn);
    if (row.place !== "image" || !row.id) return;
    if (row.kind === "characters" && row.cells[1] && !this.names.has(row.id)) this.names.set(row.id, row.cells[1]);
    if (row.kind === "objects" && !this.names.has(row.id)) this.names.set(row.id, row.cells[1].split(",")[0]);
    const { known } = this.section;
    if (!known.ids.has(row.id) && row.box) {
      known.boxes.push({ id: row.id, box: row.box });
      this.dirty.add(known);
    }
    known.ids.add(row.id);
  }

  #body(row) {
    const { kind, place } = row;
    if (place === "narrative") {
      this.narrative ??= this.#table(kind, this.tables, "live-narrative");
      return this.narrative;
    }
    if (place === "outside") {
      this.bodies[kind] ??= this.#table(kind, this.tables, "live-outside");
      return this.bodies[kind];
    }
    this.bodies[kind] ??= this.#table(kind, this.section.body, "");
    return this.bodies[kind];
  }

  #table(kind, parent, name) {
    const head = make("tr", {}, COLUMNS[kind].map((title) => make("th", { scope: "col" }, title)));
    const body = make("tbody");
    const scroll = make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": TITLES[kind] });
    scroll.append(make("table", {}, make("thead", {}, head), body));
    parent.append(make("div", { class: `table ${kind} ${name}`.trim() }, make("h3", {}, TITLES[kind]), scroll));
    return body;
  }

  /** Boxes that came since the last time. */
  flush() {
    for (const { number, boxes, figure } of this.dirty) if (figure) setBoxes(figure, this.frames.get(number), boxes, this.context);
    this.dirty.clear();
  }

  // ---------------------------------------------------------------- the story

  open(number) {
    const frame = this.frames.get(number);
    const picture = frame ? renderFrame(frame, this.known.get(number)?.boxes ?? [], this.context) : make("p", { class: "broken" }, number ? `There is no image ${number}.` : "This block names no image.");
    this.number = number;
    this.block = make("section", { class: "block", data: { frame: number }, "aria-label": `Story of image ${number}` });
    this.#paragraph();
    this.story.append(make("div", { class: "row", data: { row: number } }, picture, make("div", { class: "words" }, this.block)));
    this.progress.blocks += 1;
    this.onProgress({ ...this.progress });
  }

  /** A paragraph that grows is laid out anew each time: a very long one is cut at a line's end, or else between words. */
  text(words) {
    let rest = words;
    for (let at = this.#cutAt(rest); at >= 0; at = this.#cutAt(rest)) {
      this.#write(rest.slice(0, at));
      this.#paragraph();
      rest = rest.slice(at + 1);
    }
    this.#write(rest);
  }

  #cutAt(words) {
    // Where it is cut follows from the text alone, not from how it came.
    for (let at = Math.max(0, LONG - this.size); at < words.length; at += 1) {
      if (words[at] === "\n" || (words[at] === " " && this.size + at >= LONGEST)) return at;
    }
    return -1;
  }

  #write(words) {
    if (!words) return;
    this.size += words.length;
    if (this.last) {
      this.last.appendData(words);
    } else {
      this.last = document.createTextNode(words);
      this.told.append(this.last);
    }
  }

  #paragraph() {
    this.told = make("p", { class: "told" });
    this.block.append(this.told);
    this.last = null;
    this.size = 0;
  }

  tag(part) {
    const ids = this.known.get(this.number)?.ids;
    this.told.append(renderPart({ ...part, unresolved: part.ids.filter((id) => !ids?.has(id)) }, this.context));
    this.size += part.text.length;
    this.last = null;
  }

  replace(parts) {
    this.block.replaceChildren();
    this.#paragraph();
    for (const part of parts) {
      if (typeof part === "string") this.text(part);
      else this.tag(part);
    }
  }

  close() {
    this.told = null;
    this.block = null;
    this.last = null;
  }

  outside(text) {
    this.story.append(make("p", { class: "told outside-text", title: "Stands in no block" }, text));
  }
}
