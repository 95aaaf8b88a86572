// Single cells of the tables a model writes: ids, boxes, image lists, listed words. The rules are those of
// schemas/codecs/cells.py and tables.py, character for character; tests/e2e/viewer/test_stream_parser.py holds both together.

// Python's white space, which is not JavaScript's: \x1c-\x1f and \x85 count, the byte order mark does not.
export const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
export const WORD = "\\p{L}\\p{N}";

/** The pattern of a word in any case, with the three letters that Python's `re.IGNORECASE` takes besides. */
export function anyCase(word) {
  const odd = { i: "iI\\u0131\\u0130", s: "sS\\u017f", k: "kK\\u212a" };
  return [...word].map((letter) => `[${odd[letter] ?? letter + letter.toUpperCase()}]`).join("");
}

export function isSpace(code) {
  return (
    code === 32 || (code >= 9 && code <= 13) || (code >= 0x1c && code <= 0x1f) || code === 0x85 || code === 0xa0 ||
    (code >= 0x1680 && (code === 0x1680 || (code >= 0x2000 && code <= 0x200a) || code === 0x2028 || code === 0x2029 ||
      code === 0x202f || code === 0x205f || code === 0x3000))
  );
}

export function stripEnd(text) {
  let end = text.length;
  while (end > 0 && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

function stripStart(text) {
  let start = 0;
  while (start < text.length && isSpace(text.charCodeAt(start))) start += 1;
  return text.slice(start);
}

export function strip(text) {
  return stripEnd(stripStart(text));
}

/** `text` without any of `marks` at its ends. */
export function stripMarks(text, marks) {
  let start = 0;
  let end = text.length;
  while (start < end && marks.includes(text[start])) start += 1;
  while (end > start && marks.includes(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

/** Length in code points, as Python counts. */
export function size(text) {
  let count = text.length;
  for (let at = 0; at < text.length - 1; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 0xd800 && code < 0xdc00 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) count -= 1;
  }
  return count;
}

export function splitWords(text) {
  return text.split(new RegExp(`[${SPACE}]+`, "u")).filter(Boolean);
}

const table = (kind, title, heading, columns, free) => ({
  kind, title, heading, columns, free, header: `| ${columns.join(" | ")} |`, names: columns.map(aliases),
});

function letters(text) {
  return text.toLowerCase().replace(/[^a-z]+/g, "");
}

function aliases(column) {
  const name = letters(column);
  const short = {
    boundingbox: ["bbox", "box"], characterid: ["id"], objectid: ["id"], settingelement: ["element"],
    narrativephase: ["phase"],
  };
  return [name, ...(short[name] ?? [])];
}

export const TABLES = {
  characters: table("characters", "Characters", "### Characters", [
    "Character ID", "Name", "Description", "Emotions", "Actions", "Narrative Function", "Bounding Box"], 2),
  objects: table("objects", "Objects", "### Objects", [
    "Object ID", "Description", "Function", "Interaction", "Narrative Function", "Bounding Box"], 1),
  setting: table("setting", "Setting", "### Setting", [
    "Setting Element", "Description", "Mood", "Time", "Narrative Function"], 1),
  narrative: table("narrative", "Narrative Structure", "## Narrative Structure", [
    "Narrative Phase", "Description", "Key Events", "Images"], 1),
};

export const MAX_IMAGE = 9999;
const ELEMENTS = ["Location", "Environment", "Lighting", "Weather", "Time Period", "Architecture", "Interior Design",
  "Atmosphere", "Background"];
const PHASES = ["Introduction", "Development", "Conflict", "Turning Point", "Conclusion"];
export const WORDS = { setting: ELEMENTS, narrative: PHASES };

// ---------------------------------------------------------------- ids

const EXACT_ID = /^(?:char|obj|lm|bg)[1-9][0-9]{0,8}$/;
const LOOSE_ID = new RegExp(
  `^[${SPACE}#<(\\[{\`*"']*(${["character", "char", "object", "obj", "landmark", "lm", "background", "bg"]
    .map(anyCase).join("|")})[${SPACE}_#\\-]*0*([1-9][0-9]{0,8})[${SPACE}>)\\]}\`*"']*$`, "u");
const PREFIXES = { character: "char", object: "obj", landmark: "lm", background: "bg" };

/** The entity id meant by `Char 01`; null when it is none. */
export function readId(text) {
  if (EXACT_ID.test(text)) return text;
  const loose = LOOSE_ID.exec(text);
  if (!loose) return null;
  const prefix = loose[1].toLowerCase();
  return `${PREFIXES[prefix] ?? prefix}${loose[2]}`;
}

// ---------------------------------------------------------------- boxes

const EXACT_BOX = /^(0|-?[1-9][0-9]*),(0|-?[1-9][0-9]*),(0|-?[1-9][0-9]*),(0|-?[1-9][0-9]*)$/;
const LONGEST_BOX = 44;
const NUMBER = new RegExp(
  `^(?:[xyXY][12]?[${SPACE}]*[:=][${SPACE}]*)?([-+]?[0-9]{1,9}(?:\\.[0-9]{0,15})?)(?:[pP][xX])?$`, "u");

export function readBoxNumbers(text) {
  if (size(text) > 200) return null;
  const words = splitWords(text.replace(/[()[\]{}<>`*"',;]/g, " "));
  if (words.length !== 4) return null;
  const numbers = words.map((word) => NUMBER.exec(word));
  return numbers.every(Boolean) ? numbers.map((number) => Number(number[1])) : null;
}

function roundHalfEven(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value) + 0;
  return (floor % 2 === 0 ? floor : floor + 1) + 0;
}

/** The four edges of a box in whole pixels, however they are written; null when they cannot be told. */
export function readBox(cell) {
  const exact = cell.length < LONGEST_BOX ? EXACT_BOX.exec(cell) : null;
  if (exact) return exact.slice(1).map(Number);
  const numbers = readBoxNumbers(cell);
  if (!numbers) return null;
  if (cell.includes(".") && numbers.every((number) => number >= 0 && number <= 1)) return null; // shares of the frame
  const box = numbers.map(roundHalfEven);
  if (box[2] === box[0] && numbers[2] > numbers[0]) box[2] += 1;
  if (box[3] === box[1] && numbers[3] > numbers[1]) box[3] += 1;
  return box;
}

// ---------------------------------------------------------------- image lists and listed words

const IMAGE_WORDS = `(?:${anyCase("image")}|${anyCase("frame")})`;
const THROUGH = `(?:${anyCase("to")}|${anyCase("through")})(?![${WORD}_])`;
const IMAGES = new RegExp(
  `([0-9]{1,9})(?:[${SPACE}]*(?:-|\\u2013|\\u2014|\\.{2,3}|\\u2026|${THROUGH})[${SPACE}]*` +
  `(?:${IMAGE_WORDS}[sS\\u017f]?[${SPACE}]*)?([0-9]{1,9}))?`, "gu");
const FILLERS = new RegExp(
  `(?<![${WORD}_])(?:${IMAGE_WORDS}[sS\\u017f]?|${anyCase("and")})(?![${WORD}_])|[${SPACE},;&#[\\]().+]+`, "gu");

/** Image numbers of `1-3, 5`, and whether all of the text was read. */
export function readImages(text) {
  const numbers = [];
  let complete = true;
  for (const found of text.matchAll(IMAGES)) {
    const first = Number(found[1]);
    const last = Number(found[2] ?? found[1]);
    if (!(first >= 1 && first <= last && last <= MAX_IMAGE) || numbers.length + last - first >= MAX_IMAGE) {
      complete = false;
      continue;
    }
    for (let number = first; number <= last; number += 1) numbers.push(number);
  }
  const rest = text.replace(IMAGES, "").replace(FILLERS, "");
  return { numbers, complete: complete && !rest && numbers.length > 0 };
}

/** The listed word that is meant, or the cell itself. */
export function readWord(cell, words) {
  const key = letters(cell);
  return words.find((word) => letters(word) === key) ?? cell;
}

// ---------------------------------------------------------------- rows

/** Where the cells of a table line stand, white space at their ends left out; an escaped pipe does not end a cell. */
function cutRow(line) {
  const bounds = [];
  for (let at = line.indexOf("|"); at >= 0; at = line.indexOf("|", at + 1)) {
    if (at === 0 || line[at - 1] !== "\\") bounds.push(at);
  }
  let start = 0;
  if (bounds.length && !strip(line.slice(0, bounds[0]))) start = bounds.shift() + 1;
  let stop = line.length;
  if (bounds.length && !strip(line.slice(bounds[bounds.length - 1] + 1))) stop = bounds.pop();
  const cells = [];
  for (const bound of [...bounds, stop]) {
    const raw = line.slice(start, bound);
    const left = raw.length - stripStart(raw).length;
    cells.push([start + left, start + Math.max(stripEnd(raw).length, left)]);
    start = bound + 1;
  }
  return cells;
}

export function isSeparator(line) {
  return line.includes("-") && line.includes("|") && !stripMarks(line, "|-: \t\r");
}

/** Which cell of a header line names each column, -1 where none does; null when the line is no header of this table. */
export function matchHeader(line, spec) {
  if (size(line) > 400) return null;
  const names = cutRow(line).map(([start, end]) => letters(line.slice(start, end)));
  const places = spec.names.map((known) => {
    const alias = known.find((name) => names.includes(name));
    return alias === undefined ? -1 : names.indexOf(alias);
  });
  const named = places.filter((place) => place >= 0).length;
  if (names.length === places.length && places.every((place, column) => place === -1 || place === column)) {
    return 2 * (places.length - named) <= places.length ? places.map((_, column) => column) : null;
  }
  return 2 * named >= places.length ? places : null;
}

/** The cells of a row, one for each column: a surplus joins the free column, missing ones are empty. */
export function arrangeCells(line, spec, columns) {
  const told = ([start, end]) => line.slice(start, end).replaceAll("\\|", "|");
  const permute = (cells) => (columns ? columns.map((place) => (place >= 0 ? cells[place] : "")) : cells);
  const cells = cutRow(line);
  const wanted = columns ? Math.max(...columns) + 1 : spec.columns.length;
  while (cells.length > wanted && cells[cells.length - 1][0] === cells[cells.length - 1][1]) {
    cells.pop();
    if (cells.length === wanted) return permute(cells.map(told));
  }
  const surplus = cells.length - wanted;
  if (surplus > 0) {
    const free = columns ? Math.max(columns[spec.free], 0) : spec.free;
    cells.splice(free, surplus + 1, [cells[free][0], cells[free + surplus][1]]);
    return permute(cells.map(told));
  }
  const words = cells.map(told);
  if (surplus < 0) {
    const missing = Array(-surplus).fill("");
    const last = cells[cells.length - 1];
    const whole = !columns && cells.length > 1 && fitsLast(line.slice(...last), spec.kind);
    return permute(whole ? [...words.slice(0, -1), ...missing, words[words.length - 1]] : [...words, ...missing]);
  }
  return permute(words);
}

function fitsLast(cell, kind) {
  if (kind === "characters" || kind === "objects") return readBoxNumbers(cell) !== null;
  return kind === "narrative" && readImages(cell).complete;
}
