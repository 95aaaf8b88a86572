// The chain of thought, line by line as it comes: images, and the rows of their tables. The rules are those of
// schemas/codecs/table_parser.py and headings.py.

import {
  MAX_IMAGE, SPACE, TABLES, WORDS, anyCase, arrangeCells, isSeparator, matchHeader, readBox, readId, readImages, readWord,
  size, strip, stripEnd, stripMarks, isSpace,
} from "./stream_cells.js";

const SHORTEST_HEADER = 15;
const LONGEST_HEADER = 160;
const CANONICAL = Object.fromEntries(Object.values(TABLES).map((spec) => [spec.heading, spec.kind]));
const CANONICAL_IMAGE = /^## Image ([1-9][0-9]{0,3})$/;
const MARKS = new RegExp(`^(?:[#*_${SPACE}]+)?(?:[0-9]{1,3}[.)][${SPACE}]*)?(?:[*_]+)?`, "u");
const IMAGE = new RegExp(
  `^(?:${anyCase("image")}|${anyCase("frame")})[${SPACE}_#:*]*([0-9]{1,9})(?![0-9A-Za-z])([^]*)$`, "u");
const SECTIONS = {
  narrative: [`${anyCase("narrative")}[${SPACE}]+(?:${anyCase("structure")}|${anyCase("phases")})`, anyCase("narrative")],
  characters: [`${anyCase("character")}[sS\\u017f]?`],
  objects: [`${anyCase("object")}[sS\\u017f]?`],
  setting: [`${anyCase("setting")}[sS\\u017f]?`],
};
const SECTION = Object.entries(SECTIONS).map(([kind, ways]) => [
  kind, ways.map((way) => new RegExp(`^${way}(?![0-9A-Za-z])([^]*)$`, "u")),
]);
const TRIM = " \t\r:*_#.-\u2013\u2014";

/** What a heading line announces: `{image}`, `{kind}`, `{}` for an unknown heading; null when the line is none. */
export function readHeading(line) {
  if (Object.hasOwn(CANONICAL, line)) return { kind: CANONICAL[line] };
  const numbered = CANONICAL_IMAGE.exec(line);
  if (numbered) return { image: Number(numbered[1]) };
  if (line && isSpace(line.charCodeAt(line.length - 1))) return readHeading(stripEnd(line));
  const text = strip(line);
  const marked = text.startsWith("#") || text.startsWith("**") || text.startsWith("__");
  const core = marked ? text.replace(MARKS, "") : text;
  if (!marked && size(text) > 40) return null;
  const image = IMAGE.exec(core);
  if (image) {
    const number = Number(image[1]);
    if (number >= 1 && number <= MAX_IMAGE && (marked || !stripMarks(image[2], TRIM))) return { image: number };
  }
  for (const [kind, ways] of SECTION) {
    const section = ways.map((way) => way.exec(core)).find(Boolean);
    if (section && (marked || !stripMarks(section[1], TRIM))) return { kind };
  }
  return text.startsWith("#") ? {} : null;
}

/**
 * Reads lines and tells a sink what they say:
 * `image(number)`, then `row(row)` with `{kind, place, id, cells, box, images}`, where `place` is `image`, `narrative` or
 * `outside`; `id` and `box` are null where they could not be read.
 */
export class TableReader {
  constructor(sink) {
    this.sink = sink;
    this.inImage = false;
    this.table = null;
    this.plain = null; // the table, while it is in its rows and its columns are in their places
    this.gap = false;
  }

  line(line) {
    if (!line) {
      this.gap = true;
    } else if (line[0] === "|") {
      if (!this.#plainRow(line)) this.#tableLine(line);
    } else {
      this.#otherLine(line);
    }
  }

  /** The way of nearly every line: a row of as many cells as columns. */
  #plainRow(line) {
    const table = this.plain;
    if (!table || this.gap) return false;
    const cells = line.split("|");
    const plain = cells.length === table.spec.columns.length + 2 && !cells[cells.length - 1] && !line.includes("\\") &&
      !cells[1].includes("--") && line !== table.spec.header;
    if (plain) this.#row(table, cells.slice(1, -1).map(strip));
    return plain;
  }

  #otherLine(line) {
    const heading = readHeading(line);
    if (heading) {
      this.gap = false;
      this.table = null;
      this.plain = null;
      if (heading.image) {
        this.inImage = true;
        this.sink.image(heading.image);
      } else if (heading.kind) {
        this.#open(heading.kind);
      }
      return;
    }
    const stripped = strip(line);
    if (!stripped) {
      this.gap = true;
    } else if (stripped[0] === "|" || (this.table && stripped.split("|").length > 2)) {
      this.#tableLine(line);
    } else {
      this.gap = false;
    }
  }

  #open(kind) {
    if (kind === "narrative") this.inImage = false;
    const place = kind === "narrative" ? "narrative" : this.inImage ? "image" : "outside";
    this.table = { spec: TABLES[kind], place, columns: null, inRows: false, headed: false };
    return this.table;
  }

  /** A line with pipes that is not a plain row in its place. */
  #tableLine(line) {
    this.gap = false;
    let table = this.table;
    if (!table) {
      table = this.#openHeadless(line, null);
      if (!table) return;
    } else if (table.inRows && size(line) < LONGEST_HEADER) {
      table = this.#openHeadless(line, table.spec.kind) ?? table;
    }
    if (!table.inRows && this.#header(table, line)) return;
    if (isSeparator(line) || line === table.spec.header) return;
    this.#row(table, arrangeCells(line, table.spec, table.columns));
  }

  /** A table without a heading, told by its header line. */
  #openHeadless(line, without) {
    if (size(line) < SHORTEST_HEADER) return null;
    for (const spec of Object.values(TABLES)) {
      const matched = spec.kind === without ? null : matchHeader(line, spec);
      if (matched && matched[0] >= 0) return this.#open(spec.kind);
    }
    return null;
  }

  /** Take a header or separator line at the top of a table; false when the line is a row. */
  #header(table, line) {
    if (!table.headed) {
      const matched = line === table.spec.header ? [] : matchHeader(line, table.spec);
      if (matched) {
        table.headed = true;
        table.columns = matched.some((place, column) => place !== column) ? matched : null;
        return true;
      }
    }
    table.inRows = true;
    this.plain = table.columns ? null : table;
    return isSeparator(line);
  }

  #row(table, cells) {
    const kind = table.spec.kind;
    const row = { kind, place: table.place, id: null, cells: [...cells], box: null, images: null };
    if (kind === "characters" || kind === "objects") {
      row.id = readId(cells[0]);
      row.box = readBox(cells[cells.length - 1]);
    } else {
      row.cells[0] = WORDS[kind].includes(cells[0]) ? cells[0] : readWord(cells[0], WORDS[kind]);
      if (kind === "narrative") row.images = readImages(cells[3]).numbers;
    }
    this.sink.row(row);
  }
}
