// Following an entity: a bar with its appearances, one crop an image, from which one goes to the image.

import { colourClass } from "./colours.js";
import { make, plural } from "./dom.js";
import { renderCrop } from "./frames.js";

/** Show the bar while an entity is pinned; returns how to stop. `goTo(number)` shows an image. */
export function followEntity(root, story, context, linker, goTo) {
  const frames = new Map(story.frames.map((frame) => [frame.number, frame]));
  const bar = make("aside", { class: "follow", "aria-label": "Followed entity", hidden: true });
  root.append(bar);
  let shown = "";

  const stop = linker.onChange(({ pinned }) => {
    if (pinned.join(" ") === shown) return;
    shown = pinned.join(" ");
    bar.hidden = !pinned.length;
    root.classList.toggle("following", pinned.length > 0);
    bar.replaceChildren(...pinned.map(renderLine));
    if (pinned.length) bar.append(make("button", { type: "button", class: "quiet close", "aria-label": "Stop following (Escape)", on: { click: () => linker.clear() } }, "×"));
  });

  function renderLine(id) {
    const appearances = story.entities.find((entity) => entity.id === id)?.appearances ?? [];
    return make(
      "div",
      { class: `follow-line ${colourClass(id)}` },
      make("p", {}, make("strong", {}, context.nameOf(id) || id), make("span", { class: "sub" }, `in ${plural(appearances.length, "image")}`)),
      make(
        "div",
        { class: "follow-crops" },
        appearances.map(({ frame, box }) =>
          make(
            "button",
            { type: "button", "aria-label": `Image ${frame}`, on: { click: () => goTo(frame) } },
            frames.has(frame) ? renderCrop(frames.get(frame), box, { width: 320 }) : make("span", { class: "crop empty" }),
            make("span", { class: "crop-number" }, frame),
          ),
        ),
      ),
    );
  }
  return stop;
}
