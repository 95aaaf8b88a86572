// The tab of tables: one image at a time with its boxes and its three tables, and the narrative structure over all.

import { make, notice } from "./dom.js";
import { renderFrame } from "./frames.js";
import { renderImageTables, renderNarrative } from "./tables.js";

/** Draw into `body`; `first` is the image to begin with, 0 for the first there is. */
export function renderTables(body, story, context, first = 0) {
  const numbers = [...new Set([...story.frames.map((frame) => frame.number), ...story.images.map((image) => image.number)])].sort((a, b) => a - b);
  const frames = new Map(story.frames.map((frame) => [frame.number, frame]));
  const narrative = make(
    "section",
    { class: "narrative", "aria-label": "Narrative structure" },
    make("h2", {}, "Narrative structure"),
    renderNarrative(story.narrative, story.frames.length),
  );
  if (!numbers.length) {
    body.append(notice("This story has no images and its chain of thought no tables."), narrative);
    return;
  }
  const strip = make("div", { class: "strip", role: "group", "aria-label": "Images" });
  const sheet = make("div", { class: "sheet" });

  function choose(number) {
    const frame = frames.get(number);
    const image = context.imageOf(number);
    sheet.replaceChildren(
      frame ? renderFrame(frame, context.boxesOf(number), context, { lazy: false }) : notice(`There is no image ${number}: the tables tell of one that the story does not have.`),
      image ? renderImageTables(image) : notice(`The chain of thought says nothing of image ${number}.`),
    );
    for (const button of strip.children) {
      const here = button.dataset.row === String(number);
      button.setAttribute("aria-pressed", String(here));
      if (here) button.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    for (const first of sheet.querySelectorAll("tbody tr[data-ids]:first-child, .box:first-child")) first.tabIndex = 0;
  }

  for (const number of numbers) {
    const frame = frames.get(number);
    strip.append(
      make(
        "button",
        { type: "button", data: { row: number }, "aria-label": `Image ${number}`, on: { click: () => choose(number), choose: () => choose(number) } },
        frame?.src ? make("img", { src: `${frame.src}?w=160`, alt: "", loading: "lazy", decoding: "async", width: frame.width, height: frame.height }) : make("span", { class: "broken" }),
        make("span", { class: "number" }, number),
      ),
    );
  }
  body.append(strip, sheet, narrative);
  choose(numbers.includes(first) ? first : numbers[0]);
}
