// Who is who: a chip an entity in its colour. A click follows the entity over the images.

import { colourClass } from "./colours.js";
import { make } from "./dom.js";

/** Chips of all entities, and what the lines below words mean. */
export function renderLegend(story, context) {
  const chips = story.entities.map((entity) =>
    make(
      "button",
      {
        type: "button",
        class: `chip ${colourClass(entity.id)}${entity.known ? "" : " unresolved"}`,
        data: { ids: entity.id },
        tabindex: "-1",
        title: entity.known ? `${entity.id}: follow over the images` : `${entity.id} is in no table`,
      },
      make("span", { class: "swatch", "aria-hidden": "true" }),
      make("span", { class: "chip-name" }, context.nameOf(entity.id) || entity.id),
      make("span", { class: "chip-id" }, entity.id),
    ),
  );
  return make(
    "section",
    { class: "legend", "aria-label": "Legend" },
    make("div", { class: "chips" }, chips),
    make(
      "p",
      { class: "kinds sub" },
      make("span", { class: "key gdo" }, "mention"),
      make("span", { class: "key gda" }, "action"),
      make("span", { class: "key gdl" }, "place"),
      make("span", { class: "key unresolved" }, "in no table of its image"),
    ),
  );
}
