// The tags of a story: cutting text into tokens as it comes, and reading the inside of one gdi block.
// The rules are those of schemas/codecs/tags.py and blocks.py.

import { SPACE, WORD, isSpace, readId, stripEnd, stripMarks, strip } from "./stream_cells.js";

const OPENER = /^<gd([oal]) ([a-z0-9 ]+)>$/;
const TAG = /^<(\/?)([A-Za-z][A-Za-z0-9_-]*)([^<>]*)>$/;
const BRACKET = /[<>]/;
const KINDS = { o: "gdo", a: "gda", l: "gdl" };

/**
 * Cuts text into tokens, whatever chunks it comes in; every character is looked at a bounded number of times.
 *
 * A token is `{type, start, source}`: `text` (never holds `<`), `flat` (a whole tag, with `letter`, `ids`, `words`), `tag`
 * (any other, with `slash`, `name`, `attributes`) or `bare` (a `<` that begins no tag; what follows it is in `ahead`).
 */
export class Tokenizer {
  constructor(take) {
    this.take = take;
    this.at = 0; // where the next token starts
    this.state = "text";
    this.held = [];
    this.opener = null;
    this.words = "";
  }

  feed(chunk) {
    let from = 0;
    while (from < chunk.length) from = this[this.state](chunk, from);
  }

  end() {
    if (this.state === "closing") this.#giveUp(true);
    if (this.state === "inner") this.#giveUp(false);
    if (this.state === "tag") this.#bare(this.held.join(""));
    this.state = "text";
  }

  #emit(token, length) {
    token.start = this.at;
    this.at += length;
    this.take(token);
  }

  #emitText(source) {
    if (source) this.#emit({ type: "text", source }, source.length);
  }

  text(chunk, from) {
    const at = chunk.indexOf("<", from);
    this.#emitText(at < 0 ? chunk.slice(from) : chunk.slice(from, at));
    if (at < 0) return chunk.length;
    this.state = "tag";
    this.held = ["<"];
    return at + 1;
  }

  #seek(chunk, from) {
    const found = BRACKET.exec(from ? chunk.slice(from) : chunk);
    const at = found ? from + found.index : chunk.length;
    if (at > from) this.held.push(chunk.slice(from, at));
    return at;
  }

  tag(chunk, from) {
    const at = this.#seek(chunk, from);
    if (at === chunk.length) return at;
    if (chunk[at] === "<") {
      this.#bare(this.held.join(""));
      this.held = ["<"];
      return at + 1;
    }
    const source = `${this.held.join("")}>`;
    this.held = [];
    if (OPENER.test(source)) {
      this.opener = source;
      this.state = "inner";
      return at + 1;
    }
    this.state = "text";
    this.#tag(source);
    return at + 1;
  }

  #tag(source) {
    const found = TAG.exec(source);
    if (!found) this.#bare(source);
    else this.#emit({ type: "tag", source, slash: found[1], name: found[2], attributes: found[3] }, source.length);
  }

  #bare(source) {
    this.#emit({ type: "bare", source: "<", ahead: source }, 1);
    this.#emitText(source.slice(1));
  }

  inner(chunk, from) {
    const at = this.#seek(chunk, from);
    if (at === chunk.length) return at;
    if (chunk[at] === ">" || !this.held.length) {
      this.#giveUp(false);
      return at;
    }
    this.words = this.held.join("");
    this.held = ["<"];
    this.state = "closing";
    return at + 1;
  }

  closing(chunk, from) {
    const expected = `</gd${this.opener[3]}>`;
    const done = this.held.join("");
    if (chunk[from] !== expected[done.length]) {
      this.#giveUp(true);
      return from;
    }
    this.held = [done + chunk[from]];
    if (this.held[0].length === expected.length) {
      const found = OPENER.exec(this.opener);
      const source = this.opener + this.words + expected;
      this.state = "text";
      this.held = [];
      this.#emit({ type: "flat", source, letter: found[1], ids: found[2], words: this.words }, source.length);
    }
    return from + 1;
  }

  /** What looked like a whole flat tag is none: its opening tag stands alone, and what follows is read by itself. */
  #giveUp(closing) {
    const rest = this.held;
    this.held = [];
    this.state = "text";
    this.#tag(this.opener);
    if (closing) {
      this.#emitText(this.words);
      this.state = "tag";
      this.held = rest;
    } else {
      this.#emitText(rest.join(""));
    }
  }
}

// ---------------------------------------------------------------- ids

const EXACT_IDS = /^(?:char|obj|lm|bg)[1-9][0-9]{0,8}(?: (?:char|obj|lm|bg)[1-9][0-9]{0,8})*$/;
const ID_BREAKS = new RegExp(`[${SPACE},;&+|/=]+`, "u");
const ID_MARKS = "\"'`[](){}.:\u201c\u201d";

/** Entity ids from `char1 char2` or `id="char1, char2"`, each once, and whether they were written exactly. */
export function readIds(attributes) {
  if (EXACT_IDS.test(attributes)) {
    const ids = attributes.split(" ");
    const unique = [...new Set(ids)];
    return { ids: unique, exact: unique.length === ids.length };
  }
  const found = attributes.split(ID_BREAKS).map((word) => readId(stripMarks(word, ID_MARKS))).filter(Boolean);
  return { ids: [...new Set(found)], exact: false };
}

/** A whole flat tag as a part; null unless it has text and exact ids. */
export function readFlat(token) {
  if (token.type !== "flat" || !strip(token.words)) return null;
  const { ids, exact } = readIds(token.ids);
  return exact ? { kind: KINDS[token.letter], ids, text: token.words } : null;
}

// ---------------------------------------------------------------- blocks whose tags are out of the ordinary

const EDGES = " \t\r\n.,;:!?\u2026\u2014-\"\u201c\u201d'\u2018\u2019()";
const NAME = `[${WORD}](?:[${WORD}]|['\\u2019-](?=[${WORD}]))*`;
const FIRST_WORD = new RegExp(NAME, "u");
const NEXT_WORD = new RegExp(` (${NAME})`, "uy");
const UPPER = /^\p{Uppercase}/u;
const DETERMINERS = new Set(("the a an his her their its my our your this that these those").split(" "));

/** The mention with which a text begins, as `[left, right]`: a word, a name of several words, or an article with its noun. */
function findMention(text) {
  const first = FIRST_WORD.exec(text);
  if (!first) return [0, 0];
  let right = first.index + first[0].length;
  const follow = () => {
    NEXT_WORD.lastIndex = right;
    return NEXT_WORD.exec(text);
  };
  if (DETERMINERS.has(first[0].toLowerCase())) {
    const noun = follow();
    return [first.index, noun ? right + noun[0].length : right];
  }
  if (UPPER.test(first[0])) {
    for (let next = follow(); next && UPPER.test(next[1]); next = follow()) right += next[0].length;
  }
  return [first.index, right];
}

/** Which closing mark closes which opening mark: the place of its partner for each, -1 for none. */
function matchMarks(marks) {
  const partner = marks.map(() => -1);
  const open = { gdo: [], gda: [], gdl: [], gdi: [] };
  marks.forEach((mark, place) => {
    if (!mark.closing) {
      open[mark.kind].push(place);
      return;
    }
    let candidates = open[mark.kind];
    if (!candidates.length) {
      const latest = Math.max(-1, ...Object.values(open).filter((stack) => stack.length).map((stack) => stack.at(-1)));
      const following = marks[place + 1];
      if (latest < 0 || (following?.closing && following.kind === marks[latest].kind)) return;
      candidates = open[marks[latest].kind];
    }
    const opening = candidates.pop();
    partner[opening] = place;
    partner[place] = opening;
  });
  return partner;
}

/** The parts of a block, read from all of its text and tokens: strings and `{kind, ids, text}`. */
export function readBlock(text, tokens) {
  const { marks, cuts } = sortTokens(tokens);
  const partner = matchMarks(marks);
  return assemble(text, marks, partner, giveText(text, marks, cuts, partner));
}

function sortTokens(tokens) {
  const marks = [];
  const cuts = [];
  const mark = (kind, closing, start, end, attributes) => {
    cuts.push([start, end, marks.length]);
    marks.push({ kind, closing, start, end, attributes });
  };
  for (const token of tokens) {
    const { start } = token;
    const end = start + token.source.length;
    if (token.type === "flat") {
      const inner = start + token.ids.length + 6;
      mark(KINDS[token.letter], false, start, inner, token.ids);
      mark(KINDS[token.letter], true, end - 6, end, "");
    } else if (token.type === "tag") {
      const kind = token.name.toLowerCase();
      if (!["gdi", "gdo", "gda", "gdl"].includes(kind)) cuts.push([start, end, -1]);
      else if (!token.slash && stripEnd(token.attributes).endsWith("/")) cuts.push([start, end, -1]);
      else mark(kind, Boolean(token.slash), start, end, token.attributes.replace(/^ /, ""));
    }
  }
  return { marks, cuts };
}

/** Every stretch of text with the tag that was opened last and is still open there, -1 for none. */
function giveText(text, marks, cuts, partner) {
  const owned = [];
  const active = [];
  const closed = marks.map(() => false);
  const give = (from, end) => {
    let start = from;
    if (active.length && partner[active.at(-1)] < 0) {
      // A tag that is never closed holds the mention right after it, or nothing.
      const [left, right] = findMention(text.slice(start, end));
      if (right > left) {
        if (left) owned.push([-1, start, start + left]);
        owned.push([active.at(-1), start + left, start + right]);
        start += right;
      }
      active.pop();
    }
    if (end > start) owned.push([active.at(-1) ?? -1, start, end]);
  };
  let position = 0;
  for (const [left, right, place] of cuts) {
    give(position, left);
    position = right;
    if (place < 0) continue;
    if (!marks[place].closing) {
      active.push(place);
    } else if (partner[place] >= 0) {
      closed[partner[place]] = true;
      while (active.length && closed[active.at(-1)]) active.pop();
    }
  }
  give(position, text.length);
  return owned;
}

/** Stretches of one tag become one part; a tag that others interrupt becomes several, without blank edges. */
function assemble(text, marks, partner, owned) {
  const runs = [];
  for (const stretch of owned) {
    if (runs.length && stretch[0] >= 0 && runs.at(-1)[0][0] === stretch[0]) runs.at(-1).push(stretch);
    else runs.push([stretch]);
  }
  const counts = new Map();
  for (const run of runs) counts.set(run[0][0], (counts.get(run[0][0]) ?? 0) + 1);
  const parts = [];
  const addText = (words) => {
    if (!words) return;
    if (typeof parts.at(-1) === "string") parts.push(parts.pop() + words);
    else parts.push(words);
  };
  for (const run of runs) {
    const owner = run[0][0];
    const words = run.map(([, start, end]) => text.slice(start, end)).join("");
    const ids = owner >= 0 ? readIds(marks[owner].attributes).ids : [];
    const closing = owner >= 0 ? partner[owner] : -1;
    const divided = counts.get(owner) > 1 || (closing >= 0 && marks[closing].start !== run.at(-1)[2]);
    const core = divided ? stripMarks(words, EDGES) : strip(words);
    if (!ids.length || !core) {
      addText(words);
    } else if (divided) {
      const left = words.length - stripLeft(words).length;
      addText(words.slice(0, left));
      parts.push({ kind: marks[owner].kind, ids, text: core });
      addText(words.slice(left + core.length));
    } else {
      parts.push({ kind: marks[owner].kind, ids, text: words });
    }
  }
  return parts;
}

function stripLeft(words) {
  let start = 0;
  while (start < words.length && EDGES.includes(words[start])) start += 1;
  return words.slice(start);
}

/** Whether a text is white space from end to end. */
export function isBlank(text) {
  for (let at = 0; at < text.length; at += 1) if (!isSpace(text.charCodeAt(at))) return false;
  return true;
}
