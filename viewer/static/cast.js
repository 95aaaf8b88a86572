// A card an entity: every appearance as a crop, who it is, what it feels over the frames, how sure its identity is.
//
// entity: {id, kind, name, label, known, confidence, mentions, appearances: [{frame, box, description, emotions?, confidence}]}.

import { colourClass } from "./colours.js";
import { make, plural } from "./dom.js";
import { renderCrop } from "./frames.js";

const GROUPS = [
  ["char", "People"],
  ["obj", "Things"],
  ["lm", "Landmarks"],
  ["bg", "Backgrounds"],
];

/** Cards of all entities, people first; `frames` by number. */
export function renderCast(entities, frames) {
  const byNumber = new Map(frames.map((frame) => [frame.number, frame]));
  const groups = GROUPS.map(([kind, title]) => {
    const members = entities.filter((entity) => entity.kind === kind);
    if (!members.length) return null;
    return make(
      "section",
      { class: `cast-group ${kind}`, "aria-label": title },
      make("h2", {}, title, make("span", { class: "count" }, members.length)),
      make("div", { class: "cards" }, members.map((entity) => renderCard(entity, byNumber, frames.length))),
    );
  });
  if (!entities.length) return make("p", { class: "none" }, "No table and no tag of this story names an entity.");
  return make("div", { class: "cast" }, groups);
}

/** One card. */
export function renderCard(entity, byNumber, count) {
  const { id, name, appearances } = entity;
  return make(
    "article",
    { class: `card ${colourClass(id)}`, data: { ids: id }, tabindex: "-1", "aria-label": `${name || id}, ${id}` },
    make(
      "header",
      {},
      make("span", { class: "chip-id" }, id),
      make("h3", {}, name || id),
      entity.label && entity.label !== name ? make("span", { class: "sub" }, entity.label) : null,
    ),
    entity.known ? null : make("p", { class: "flag bad" }, "Mentioned in the text, in no table."),
    appearances.length ? renderStrip(entity, byNumber) : null,
    appearances[0]?.description ? make("p", { class: "description" }, appearances[0].description) : null,
    renderFacts(entity, count),
    entity.kind === "char" ? renderFeelings(appearances) : null,
  );
}

function renderStrip(entity, byNumber) {
  return make(
    "ol",
    { class: "crops" },
    entity.appearances.map((appearance) => {
      const frame = byNumber.get(appearance.frame);
      const title = `${entity.name || entity.id} in image ${appearance.frame}`;
      const sure = appearance.confidence === null ? "" : `, identity ${percent(appearance.confidence)}`;
      return make(
        "li",
        {},
        make(
          "a",
          { href: "#", class: "crop-link", title: `${title}${sure}`, data: { goto: appearance.frame }, tabindex: "-1" },
          frame ? renderCrop(frame, appearance.box, { title }) : make("span", { class: "crop empty" }),
          make("span", { class: "crop-number" }, appearance.frame),
        ),
      );
    }),
  );
}

function renderFacts(entity, count) {
  const facts = [
    ["Seen in", `${entity.appearances.length} of ${plural(count, "image")}`],
    ["Named", plural(entity.mentions, "time")],
  ];
  const list = facts.map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text)));
  if (entity.confidence !== null) {
    list.push(
      make(
        "div",
        { class: "sure" },
        make("dt", {}, "Identity"),
        make("dd", {}, renderMeter(entity.confidence), percent(entity.confidence)),
      ),
    );
  }
  return make("dl", { class: "facts" }, list);
}

function renderMeter(value) {
  return make("span", { class: "meter", "aria-hidden": "true" }, make("span", { style: { width: `${value * 100}%` } }));
}

/** Emotions over the frames; neighbouring frames with the same one are told once. */
function renderFeelings(appearances) {
  const runs = [];
  for (const { frame, emotions } of appearances) {
    if (!emotions) continue;
    if (runs.at(-1)?.emotions === emotions) runs.at(-1).last = frame;
    else runs.push({ emotions, first: frame, last: frame });
  }
  if (!runs.length) return null;
  return make(
    "ol",
    { class: "feelings", "aria-label": "Emotions over the images" },
    runs.map(({ emotions, first, last }) =>
      make("li", {}, make("span", { class: "when" }, first === last ? first : `${first}–${last}`), emotions),
    ),
  );
}

/** 0.9731 as "97 %"; what is not quite sure never reads as 100 %. */
export function percent(value) {
  const rounded = Math.round(value * 100);
  return `${rounded === 100 && value < 0.9995 ? 99 : rounded} %`;
}
