// A model's answer as it streams in: <think>, the chain of thought, </think>, the story. The rules are those of
// schemas/model_output.py; what comes out does not depend on where the text was cut into chunks.

import { SPACE, anyCase } from "./stream_cells.js";
import { StoryReader } from "./stream_story.js";
import { TableReader } from "./stream_tables.js";

const THINK = anyCase("think");
const CLOSING = new RegExp(`^</${THINK}[${SPACE}]*>$`, "u");
const MAYBE_CLOSING = new RegExp(
  `^<(?:/(?:[tT](?:[hH](?:[iI\\u0131\\u0130](?:[nN](?:[kK\\u212a][${SPACE}]*)?)?)?)?)?)?$`, "u");
const BLOCK = /^<[gG][dD][iI\u0131\u0130]$/;
const MAYBE_BLOCK = /^<(?:[gG](?:[dD][iI\u0131\u0130]?)?)?$/;
const NAME = /[A-Za-z0-9_-]/;
const TABLE_LINE = new RegExp(`^[ \\t]*(?:\\||#{1,6}[ \\t]*(?:${anyCase("image")}|${anyCase("narrative")}))`, "u");
const OPENING = /^<[tT][hH][iI\u0131\u0130][nN][kK\u212a]$/;
const MAYBE_OPENING = /^<(?:[tT](?:[hH](?:[iI\u0131\u0130](?:[nN]?)?)?)?)?$/;
const SPACES = new RegExp(`^[${SPACE}]$`, "u");

/**
 * Reads an answer in chunks. The sink hears what {@link TableReader} and {@link StoryReader} tell, and besides
 * `phase("thinking" | "story")` and, where the text turns out to be something else than it seemed, `forgetTables()` and
 * `forgetStory()`.
 */
export class OutputReader {
  constructor(sink) {
    this.sink = sink;
    this.state = "opening";
    this.step = "space";
    this.held = [];
    this.skipNewline = false;
    this.opened = false; // <think> was there
    this.tablesSeen = false;
    this.everything = []; // kept until it is known that the answer has a </think> or a block
    this.doubtful = null; // text from the first block on, while a </think> may still come after it
    this.candidate = "";
    this.line = [];
    this.tables = new TableReader(sink);
    this.story = null;
  }

  feed(chunk) {
    if (this.skipNewline && chunk) {
      // The newline after <think> and </think> belongs to the tag.
      this.skipNewline = false;
      if (chunk[0] === "\n") {
        this.feed(chunk.slice(1));
        return;
      }
    }
    if (!chunk) return;
    if (this.state === "opening") this.#readOpening(chunk);
    else if (this.state === "after") this.story.feed(chunk);
    else this.#scan(chunk);
  }

  /** The answer is over. */
  end() {
    if (this.state === "opening") this.#begin(this.held.join(""), false);
    if (this.state === "after") {
      this.story.end();
      return;
    }
    this.#settleCandidate(true);
    this.#endTables();
    if (this.doubtful) {
      this.story.end();
      return;
    }
    if (!this.opened && !this.tablesSeen) {
      this.sink.forgetTables();
      this.#beginStory();
      this.story.feed(this.everything.join(""));
      this.story.end();
    }
    this.everything = [];
  }

  // ---------------------------------------------------------------- <think>

  /** White space, perhaps a fence line and white space, `<think`, white space, `>`: character by character. */
  #readOpening(chunk) {
    for (let at = 0; at < chunk.length; at += 1) {
      const letter = chunk[at];
      const next = this.#nextInOpening(letter);
      if (next === "whole" || next === "none") {
        const held = this.held.join("") + chunk.slice(0, at);
        this.#begin(next === "whole" ? "" : held, next === "whole");
        this.feed(chunk.slice(next === "whole" ? at + 1 : at));
        return;
      }
      this.step = next;
    }
    this.held.push(chunk);
  }

  /** The step after one more letter: `space`, `` ` `` signs, `fence`, `inside`, what there is of `<think`, `tag`, or an end. */
  #nextInOpening(letter) {
    const { step } = this;
    if (step === "fence") return letter === "\n" ? "inside" : "fence";
    if (step === "tag") return letter === ">" ? "whole" : SPACES.test(letter) ? "tag" : "none";
    if (step.startsWith("`")) return letter !== "`" ? "none" : step === "``" ? "fence" : "``";
    if (step.startsWith("<")) {
      const grown = step + letter;
      return OPENING.test(grown) ? "tag" : MAYBE_OPENING.test(grown) ? grown : "none";
    }
    if (letter === "<") return "<";
    if (letter === "`" && step === "space") return "`";
    return SPACES.test(letter) ? step : "none";
  }

  #begin(text, opened) {
    this.held = [];
    this.opened = opened;
    this.state = "thinking";
    this.skipNewline = opened;
    this.sink.phase("thinking");
    if (text) this.#scan(text);
  }

  // ---------------------------------------------------------------- up to </think>

  #scan(chunk) {
    let from = 0;
    while (from < chunk.length) {
      if (this.candidate) {
        from = this.#growCandidate(chunk, from);
        if (this.state !== "thinking") {
          const rest = chunk.slice(from);
          if (rest) this.feed(rest);
          return;
        }
        continue;
      }
      const at = chunk.indexOf("<", from);
      const stop = at < 0 ? chunk.length : at;
      if (stop > from) this.#think(chunk.slice(from, stop));
      if (at < 0) return;
      this.candidate = "<";
      from = at + 1;
    }
  }

  /** One character more of what may be `</think>` or `<gdi`. */
  #growCandidate(chunk, from) {
    const letter = chunk[from];
    if (this.candidate.length === 4 && BLOCK.test(this.candidate)) {
      this.#settleCandidate(!NAME.test(letter));
      return from;
    }
    const grown = this.candidate + letter;
    if (letter === ">" && CLOSING.test(grown)) {
      this.candidate = "";
      this.#thoughtEnds();
      return from + 1;
    }
    if (this.candidate.length > 8 ? SPACES.test(letter) : MAYBE_CLOSING.test(grown) || MAYBE_BLOCK.test(grown)) {
      this.candidate = grown;
      return from + 1;
    }
    this.#settleCandidate(false);
    return from;
  }

  #settleCandidate(isWhole) {
    const text = this.candidate;
    if (!text) return;
    this.candidate = "";
    if (isWhole && !this.doubtful && BLOCK.test(text)) {
      // The story begins here unless </think> comes after all.
      this.everything = [];
      this.doubtful = [];
      this.#beginStory();
    }
    this.#think(text);
  }

  #think(text) {
    if (this.doubtful) {
      this.doubtful.push(text);
      this.story.feed(text);
      return;
    }
    if (!this.opened && !this.tablesSeen) this.everything.push(text);
    this.#tellTables(text);
  }

  #tellTables(text) {
    let from = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
      this.line.push(text.slice(from, at));
      from = at + 1;
      this.#endLine();
    }
    if (from < text.length) this.line.push(text.slice(from));
  }

  #endLine() {
    const line = this.line.length === 1 ? this.line[0] : this.line.join("");
    this.line = [];
    if (!this.tablesSeen && TABLE_LINE.test(line)) {
      this.tablesSeen = true;
      this.everything = [];
    }
    this.tables.line(line);
  }

  #endTables() {
    if (this.line.length) this.#endLine();
  }

  #thoughtEnds() {
    if (this.doubtful) {
      // What looked like the story belongs to the thoughts.
      this.sink.forgetStory();
      this.sink.phase("thinking");
      this.story = null;
      this.#tellTables(this.doubtful.join(""));
      this.doubtful = null;
    }
    this.#endTables();
    this.everything = [];
    this.state = "after";
    this.#beginStory();
    this.skipNewline = true;
  }

  // ---------------------------------------------------------------- the story

  #beginStory() {
    this.sink.phase("story");
    this.story = new StoryReader(this.sink);
  }
}
