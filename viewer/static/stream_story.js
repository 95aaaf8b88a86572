// The story, block by block as it comes. The rules are those of schemas/codecs/story_parser.py.

import { MAX_IMAGE, strip, stripEnd } from "./stream_cells.js";
import { Tokenizer, isBlank, readBlock, readFlat } from "./stream_tags.js";

const GDI = /^<(\/?)[gG][dD][iI\u0131\u0130](?![A-Za-z0-9_-])[^<>]*>$/;
const NEXT_BLOCK = /^<[gG][dD][iI\u0131\u0130](?![A-Za-z0-9_-])/;
const FENCE = /(?<![^\n])[ \t]*(?:```|~~~)[^\n]*/g;
const MARKUP = /<\/?[A-Za-z][^<>]*>/g;
const NUMBER = /(?<![0-9])0*([1-9][0-9]{0,8})(?![0-9])/g;

function readImageNumber(attributes) {
  const found = [...[...attributes.slice(0, 160)].slice(0, 80).join("").matchAll(NUMBER)];
  return found.length === 1 && Number(found[0][1]) <= MAX_IMAGE ? Number(found[0][1]) : 0;
}

/** What stands in no block of a stretch between blocks, less tags and code fences at its ends; empty when nothing does. */
function findOutside(between) {
  if (isBlank(between)) return "";
  const blank = (found) => " ".repeat(found.length);
  const blanked = between.replace(FENCE, blank).replace(MARKUP, blank);
  const core = strip(blanked);
  if (!core) return "";
  const start = blanked.indexOf(core);
  return between.slice(start, start + core.length);
}

/**
 * Reads a story in chunks and tells a sink what it says, each thing as soon as it is sure:
 * `outside(text)`, `open(number)` (0 for a block that names no image), `text(words)`, `tag({kind, ids, text})`,
 * `replace(parts)` when the block turned out to be out of the ordinary, `close()`.
 */
export class StoryReader {
  constructor(sink) {
    this.sink = sink;
    this.tokenizer = new Tokenizer((token) => this.#take(token));
    this.between = [];
    this.block = null;
    this.waiting = null; // what the meaning of the last token hangs on: {ask(token) => "yes" | "no" | "later", atEnd, settle}
    this.queue = []; // tokens not yet read, from `head` on; the open question was put to those before `asked`
    this.head = 0;
    this.asked = 0;
  }

  feed(chunk) {
    this.tokenizer.feed(chunk);
  }

  end() {
    this.tokenizer.end();
    this.#drain(true);
    if (this.block) this.#close(null);
    this.#tellOutside();
  }

  #take(token) {
    this.queue.push(token);
    this.#drain(false);
  }

  #drain(over) {
    for (;;) {
      if (this.waiting) {
        let answer = "later";
        while (answer === "later" && this.asked < this.queue.length) answer = this.waiting.ask(this.queue[this.asked++]);
        if (answer === "later" && !over) return;
        const { settle, atEnd } = this.waiting;
        this.waiting = null;
        settle(answer === "later" ? atEnd : answer === "yes");
      } else if (this.head < this.queue.length) {
        this.head += 1;
        this.asked = this.head;
        this.#read(this.queue[this.head - 1]);
      } else {
        this.queue = [];
        this.head = 0;
        return;
      }
    }
  }

  #wait(ask, atEnd, settle) {
    this.waiting = { ask, atEnd, settle };
  }

  #read(token) {
    const block = this.block;
    if (token.type === "tag") {
      const kind = token.name.toLowerCase();
      if (kind === "gdi") {
        this.#readGdi(token);
        return;
      }
      if (["gdo", "gda", "gdl"].includes(kind) && block) {
        this.#readInner(token);
        return;
      }
    }
    if (block) this.#add(token);
    else this.between.push(token.source);
  }

  #readGdi(token) {
    const block = this.block;
    if (!token.slash) {
      if (block) this.#close(null);
      this.#tellOutside();
      this.#open(token);
    } else if (!block) {
      this.between.push(token.source);
    } else if (block.depth) {
      // Where the next gdi tag closes too, this one was meant for a tag inside the block.
      const ask = (next) => {
        const found = next.type === "tag" ? GDI.exec(next.source) : null;
        return found ? (found[1] ? "yes" : "no") : "later";
      };
      this.#wait(ask, false, (again) => {
        if (again) {
          this.#add(token);
          block.depth -= 1;
        } else {
          this.#close(token);
        }
      });
    } else {
      this.#close(token);
    }
  }

  #readInner(token) {
    const block = this.block;
    const stay = () => {
      this.#add(token);
      block.depth = Math.max(0, block.depth + (token.slash ? -1 : 1));
    };
    if (!token.slash || block.depth) {
      stay();
      return;
    }
    const ask = (next) => {
      if (next.type === "text" && isBlank(next.source)) return "later";
      return NEXT_BLOCK.test(next.type === "bare" ? next.ahead : next.source) ? "yes" : "no";
    };
    this.#wait(ask, true, (last) => (last ? this.#close(token) : stay()));
  }

  #open(token) {
    this.block = {
      start: token.start + token.source.length, depth: 0, sources: [], tokens: [], flat: true, first: true, held: "",
    };
    this.sink.open(readImageNumber(token.attributes));
  }

  /** Add a token to the open block and tell it at once while all is as it nearly always is. */
  #add(token) {
    const block = this.block;
    block.sources.push(token.source);
    if (token.type !== "text") block.tokens.push(token);
    if (!block.flat) return;
    if (token.type === "text") {
      if (token.source.includes(">")) {
        block.flat = false;
      } else {
        let words = token.source;
        if (block.first && words.startsWith("\n")) words = words.slice(1);
        block.first = false;
        this.#tellText(words);
      }
      return;
    }
    const part = readFlat(token);
    block.first = false;
    if (!part) {
      block.flat = false;
      return;
    }
    if (block.held) this.sink.text(block.held);
    block.held = "";
    this.sink.tag(part);
  }

  /** White space at the end is held back: it may be the end of the block. */
  #tellText(source) {
    const block = this.block;
    if (!source) return;
    const solid = stripEnd(source);
    if (!solid) {
      block.held += source;
      return;
    }
    this.sink.text(block.held + solid);
    block.held = source.slice(solid.length);
  }

  #close(closing) {
    const block = this.block;
    this.block = null;
    if (block.flat) {
      const rest = closing ? block.held.replace(/\n$/, "") : "";
      if (rest) this.sink.text(rest);
    } else {
      this.#replace(block, closing);
    }
    this.sink.close();
  }

  #replace(block, closing) {
    let text = block.sources.join("");
    let start = 0;
    if (!closing) text = stripEnd(text);
    if (text.startsWith("\n")) start = 1;
    if (text.length > start && text.endsWith("\n")) text = text.slice(0, -1);
    const base = block.start + start;
    const tokens = block.tokens.map((token) => ({ ...token, start: token.start - base }));
    this.sink.replace(readBlock(text.slice(start), tokens));
  }

  #tellOutside() {
    const between = this.between.join("");
    this.between = [];
    const told = between ? findOutside(between) : "";
    if (told) this.sink.outside(told);
  }
}
