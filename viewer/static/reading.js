// The story to read: a row an image, the picture beside its text.

import { make, notice } from "./dom.js";
import { renderFrame } from "./frames.js";
import { blocksByFrame, renderBlock } from "./text.js";

/** Draw into `body`. */
export function renderReading(body, story, context) {
  const { placed, stray } = blocksByFrame(story.blocks, story.frames);
  const rows = story.frames.map((frame, place) =>
    make(
      "div",
      { class: "row", data: { row: frame.number } },
      renderFrame(frame, context.boxesOf(frame.number), context, { lazy: place > 1 }),
      make(
        "div",
        { class: "words" },
        placed.get(frame.number).map((block) => renderBlock(block, context)),
        placed.get(frame.number).length ? null : make("p", { class: "none" }, "The story says nothing of this image."),
      ),
    ),
  );
  const left = stray.map((block) =>
    make(
      "div",
      { class: "row stray", data: { row: block.number } },
      make("p", { class: "broken" }, block.number ? `There is no image ${block.number}.` : "This block names no image."),
      make("div", { class: "words" }, renderBlock(block, context)),
    ),
  );
  // The column of pictures is as wide as the widest of them needs.
  const shape = Math.max(...story.frames.map((frame) => (frame.height ? frame.width / frame.height : 0)), 0) || 16 / 9;
  body.append(make("div", { class: "reading", style: { "--shape": shape.toFixed(4) } }, rows, left));
  const outside = story.outside.filter((stretch) => stretch.text.trim());
  if (outside.length) {
    body.append(
      make(
        "aside",
        { class: "outside", "aria-label": "Text outside the blocks" },
        notice("Text that stands in no block:"),
        outside.map((stretch) => make("p", { class: "told" }, stretch.text)),
      ),
    );
  }
}
