// A frame with boxes over it. Boxes are placed in per cent of the picture, so they scale with it.
//
// frame: {number, src, width, height}; boxes: [{id, box: [x1, y1, x2, y2]}] in pixels of the frame.

import { colourClass } from "./colours.js";
import { draw, make } from "./dom.js";
import { nameOf } from "./text.js";

let masks = 0;

/** A figure with the picture and its boxes; `width` asks the server for a thumbnail. */
export function renderFrame(frame, boxes = [], context = {}, { width = 0, lazy = true } = {}) {
  const figure = make("figure", { class: "frame", data: { frame: frame.number } });
  const sized = frame.width > 0 && frame.height > 0;
  const stage = make("div", { class: "stage", style: sized ? { "--width": frame.width, "--height": frame.height } : {} });
  if (frame.src) {
    const picture = make("img", {
      src: width ? `${frame.src}?w=${width}` : frame.src,
      width: sized ? frame.width : null,
      height: sized ? frame.height : null,
      alt: `Image ${frame.number}`,
      loading: lazy ? "lazy" : null,
      decoding: "async",
      draggable: "false",
    });
    picture.addEventListener("error", () => picture.replaceWith(missingPicture()), { once: true });
    stage.append(picture);
  } else {
    stage.append(missingPicture());
  }
  stage.append(make("span", { class: "number", "aria-hidden": "true" }, frame.number));
  figure.append(stage);
  setBoxes(figure, frame, boxes, context);
  return figure;
}

function missingPicture() {
  return make("p", { class: "broken" }, "This image cannot be read.");
}

/** Draw the boxes of a figure anew. */
export function setBoxes(figure, frame, boxes, context = {}) {
  const stage = figure.querySelector(".stage");
  for (const old of stage.querySelectorAll(".dim, .boxes")) old.remove();
  if (!(frame.width > 0 && frame.height > 0)) return;
  const drawn = boxes.map((one) => ({ ...one, place: placeBox(one.box, frame) })).filter((one) => one.place);
  if (!drawn.length) return;
  // Small boxes lie above large ones, so that each can be pointed at.
  drawn.sort((a, b) => area(b.place) - area(a.place));
  const mask = `hole-${++masks}`;
  stage.append(
    draw(
      "svg",
      { class: "dim", viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" },
      draw(
        "mask",
        { id: mask },
        draw("rect", { width: 100, height: 100, fill: "white" }),
        drawn.map(({ id, place }) =>
          draw("rect", { class: "hole", x: place.left, y: place.top, width: place.width, height: place.height, data: { ids: id } }),
        ),
      ),
      draw("rect", { width: 100, height: 100, mask: `url(#${mask})` }),
    ),
    make(
      "div",
      { class: "boxes" },
      drawn.map(({ id, place }) =>
        make(
          "button",
          {
            type: "button",
            class: `box ${colourClass(id)}${place.top < 8 ? " low" : ""}${place.left > 60 ? " right" : ""}`,
            "aria-label": `${nameOf(id, context)} in image ${frame.number}`,
            tabindex: "-1",
            data: { ids: id },
            style: { left: `${place.left}%`, top: `${place.top}%`, width: `${place.width}%`, height: `${place.height}%` },
          },
          make("span", { class: "label" }, nameOf(id, context)),
        ),
      ),
    ),
  );
}

/** A box in per cent of its frame, the part outside cut off; null for one that is empty or outside. */
export function placeBox(box, frame) {
  if (!Array.isArray(box) || box.length !== 4 || !box.every(Number.isFinite)) return null;
  const [x1, x2] = [box[0], box[2]].map((x) => (Math.min(Math.max(x, 0), frame.width) / frame.width) * 100);
  const [y1, y2] = [box[1], box[3]].map((y) => (Math.min(Math.max(y, 0), frame.height) / frame.height) * 100);
  if (x2 <= x1 || y2 <= y1) return null;
  return { left: x1, top: y1, width: x2 - x1, height: y2 - y1 };
}

function area(place) {
  return place.width * place.height;
}

/** The boxes of an image's tables: [{id, box}]. */
export function boxesOf(image) {
  if (!image) return [];
  return [...image.characters, ...image.objects].filter((row) => row.id && row.box).map(({ id, box }) => ({ id, box }));
}

/** The part of a picture in a box, filling its element; `frame` as above. */
export function renderCrop(frame, box, { width = 480, title = "" } = {}) {
  const place = placeBox(box, frame);
  if (!place || !frame.src) return make("span", { class: "crop empty", role: "img", "aria-label": `${title}, no picture` });
  const picture = make("img", { src: `${frame.src}?w=${width}`, alt: title, loading: "lazy", decoding: "async", draggable: "false" });
  picture.addEventListener("error", () => picture.remove(), { once: true });
  const crop = make("span", { class: "crop", title }, picture);
  const shape = ((place.width * frame.width) / (place.height * frame.height)) || 1;
  // The crop is 3 by 4. A wide box fills its height, a tall one its width and shows its upper part, where a head is.
  const scale = shape > CROP_SHAPE ? 100 / place.height : (100 / place.width) * CROP_SHAPE * (frame.height / frame.width);
  const high = scale; // height of the whole picture in heights of the crop
  const wide = (scale * (frame.width / frame.height)) / CROP_SHAPE; // its width in widths of the crop
  const spare = Math.max(0, (place.width * wide) / 100 - 1) / 2;
  picture.style.setProperty("width", `${wide * 100}%`);
  picture.style.setProperty("height", `${high * 100}%`);
  picture.style.setProperty("left", `${-place.left * wide - spare * 100}%`);
  picture.style.setProperty("top", `${-place.top * high}%`);
  return crop;
}

const CROP_SHAPE = 3 / 4;
