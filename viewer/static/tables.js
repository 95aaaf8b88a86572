// The tables of a chain of thought. Rows with an id carry it, so that a row and its box light each other.
//
// image: {number, characters, objects, setting}, each a list of rows {cells, id?, box?}; narrative rows: {cells, images}.

import { colourClass } from "./colours.js";
import { make } from "./dom.js";

export const COLUMNS = {
  characters: ["Character ID", "Name", "Description", "Emotions", "Actions", "Narrative Function", "Bounding Box"],
  objects: ["Object ID", "Description", "Function", "Interaction", "Narrative Function", "Bounding Box"],
  setting: ["Setting Element", "Description", "Mood", "Time", "Narrative Function"],
  narrative: ["Narrative Phase", "Description", "Key Events", "Images"],
};
export const TITLES = { characters: "Characters", objects: "Objects", setting: "Setting", narrative: "Narrative Structure" };
const PHASES = ["Introduction", "Development", "Conflict", "Turning Point", "Conclusion"];

/** The three tables of an image. */
export function renderImageTables(image) {
  return make(
    "section",
    { class: "tables", data: { frame: image.number }, "aria-label": `Tables of image ${image.number}` },
    ["characters", "objects", "setting"].map((kind) => renderTable(kind, image[kind])),
  );
}

/** One table with its title; a table without rows says so. */
export function renderTable(kind, rows) {
  const head = make("tr", {}, COLUMNS[kind].map((name) => make("th", { scope: "col" }, name)));
  return make(
    "div",
    { class: `table ${kind}` },
    make("h3", {}, TITLES[kind], make("span", { class: "count" }, rows.length)),
    rows.length
      ? make("div", { class: "scroll" }, make("table", {}, make("thead", {}, head), make("tbody", {}, rows.map((row) => renderRow(kind, row)))))
      : make("p", { class: "none" }, "None in this image."),
  );
}

/** One row. */
export function renderRow(kind, row) {
  const id = row.id ?? "";
  const cells = COLUMNS[kind].map((name, place) => {
    const text = row.cells[place] ?? "";
    const shown = id && place === 0 ? make("span", { class: `chip-id ${colourClass(id)}` }, text) : text;
    return make("td", { data: { column: name }, class: name === "Bounding Box" ? "figures" : null }, shown);
  });
  return make("tr", id ? { data: { ids: id }, tabindex: "-1", class: row.box ? null : "unplaced" } : {}, cells);
}

/** The narrative structure as a timeline over `count` images, one band a phase, and what the phases say. */
export function renderNarrative(rows, count) {
  if (!rows.length) return make("p", { class: "none" }, "The chain of thought has no narrative structure.");
  const last = Math.max(count, ...rows.flatMap((row) => row.images), 1);
  const scale = make("div", { class: "scale", "aria-hidden": "true" });
  for (let number = 1; number <= last; number += 1) scale.append(make("span", {}, number));
  scale.style.setProperty("--frames", last);
  return make("div", { class: "timeline" }, scale, make("ol", {}, rows.map((row) => renderPhase(row, last))));
}

function renderPhase(row, last) {
  const [phase = "", description = "", events = "", images = ""] = row.cells;
  const track = make("div", { class: "track", style: { "--frames": last }, "aria-hidden": "true" });
  for (const [first, end] of runs(row.images.filter((number) => number >= 1 && number <= last))) {
    track.append(make("span", { class: "span", style: { "grid-column": `${first} / ${end + 1}` } }));
  }
  const place = PHASES.indexOf(phase);
  return make(
    "li",
    { class: `phase p${place < 0 ? "x" : place}`, data: { images: row.images.join(" ") } },
    make("div", { class: "phase-head" }, make("strong", {}, phase), make("span", { class: "sub" }, `Images ${images}`)),
    track,
    make("p", {}, description),
    make("p", { class: "sub" }, events),
  );
}

/** Runs of neighbouring numbers: [1, 2, 3, 5] gives [[1, 3], [5, 5]]. */
export function runs(numbers) {
  const found = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    if (found.length && found.at(-1)[1] === number - 1) found.at(-1)[1] = number;
    else found.push([number, number]);
  }
  return found;
}
