// Blocks of a story as elements. Pure: the same data gives the same nodes, so that a block can be drawn again while it grows.
//
// block: {number, parts: [{text, kind?, ids?, unresolved?}]}; kind is gdo, gda or gdl, and a part without it is plain text.
// context: {nameOf(id)} with the name to show for an entity; may be left out.

import { colourClass, groupLine } from "./colours.js";
import { make } from "./dom.js";

const ROLES = { gdo: "mentions", gda: "action of", gdl: "place" };

/** One part of a block: a text node, or a mention that can be hovered, focused and clicked. */
export function renderPart(part, context = {}) {
  if (!part.kind) return document.createTextNode(part.text);
  const ids = part.ids ?? [];
  const unresolved = part.unresolved ?? [];
  const known = ids.filter((id) => !unresolved.includes(id));
  const names = ids.map((id) => nameOf(id, context)).join(", ");
  const told = unresolved.length ? `${unresolved.join(", ")}: not in the tables of this image` : "";
  return make(
    "span",
    {
      class: `tag ${part.kind} ${known.length ? colourClass(known[0]) : ""} ${unresolved.length ? "unresolved" : ""}`.trim(),
      role: "button",
      tabindex: "-1",
      title: told || `${ROLES[part.kind] ?? part.kind} ${names}`,
      "aria-label": `${part.text}, ${ROLES[part.kind] ?? part.kind} ${names}${told ? `, ${told}` : ""}`,
      data: { ids: ids.join(" ") },
      style: known.length > 1 ? { "--line": groupLine(known) } : {},
    },
    part.text,
  );
}

/** A block: its number and its text, paragraphs kept. */
export function renderBlock(block, context = {}) {
  const parts = block.parts.map((part) => renderPart(part, context));
  return make(
    "section",
    { class: "block", data: { frame: block.number }, "aria-label": `Story of image ${block.number}` },
    make("p", { class: "told" }, parts),
  );
}

/** The blocks of a story by image number: a block that names no image, or one twice, keeps its place in the text. */
export function blocksByFrame(blocks, frames) {
  const placed = new Map(frames.map((frame) => [frame.number, []]));
  const stray = [];
  for (const block of blocks) (placed.get(block.number) ?? stray).push(block);
  return { placed, stray };
}

/** Name of an entity, or its id. */
export function nameOf(id, context = {}) {
  return context.nameOf?.(id) || id;
}
