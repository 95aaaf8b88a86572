// Choosing pictures: dropped, pasted or picked; ordered by dragging and by keyboard; each shown as it will be sent.

import { make, notice, plural } from "./dom.js";

const KINDS = /^image\/(jpeg|png|webp|gif|bmp|tiff)$/;

/**
 * A picker. `limits`: {max_images, max_image_bytes}; `onChange(pictures)` hears of every change.
 * A picture is {file, name, url, width, height}; width and height are 0 until it could be read.
 */
export function pickPictures({ limits, onChange, label = "Images" }) {
  let pictures = [];
  const input = make("input", { type: "file", accept: "image/*", multiple: true, class: "hidden-input", tabindex: "-1", "aria-label": `${label}: choose files` });
  const list = make("ol", { class: "picked", "aria-label": "Chosen images, in story order" });
  const trouble = make("div", { class: "trouble", "aria-live": "polite" });
  const status = make("p", { class: "sub", role: "status" });
  const zone = make(
    "div",
    { class: "drop" },
    make("p", {}, make("button", { type: "button", class: "button", on: { click: () => input.click() } }, "Choose images"), " or drop or paste them here"),
    make("p", { class: "sub" }, `In story order; up to ${limits.max_images}. Drag to reorder, or use the arrow keys on an image.`),
  );
  const element = make("section", { class: "picker", "aria-label": label }, zone, input, trouble, list, status);

  function say(message) {
    trouble.replaceChildren(message ? notice(message, "error") : "");
  }

  async function add(files) {
    const found = [...files];
    if (!found.length) return;
    const wrong = found.filter((file) => file.type && !KINDS.test(file.type));
    const large = found.filter((file) => !wrong.includes(file) && file.size > limits.max_image_bytes);
    const usable = found.filter((file) => !wrong.includes(file) && !large.includes(file));
    const room = limits.max_images - pictures.length;
    const read = (await Promise.all(usable.slice(0, Math.max(room, 0)).map(readPicture)));
    const broken = read.filter((one) => !one.width);
    for (const one of broken) URL.revokeObjectURL(one.url);
    pictures = pictures.concat(read.filter((one) => one.width));
    const told = [];
    if (wrong.length) told.push(`${names(wrong)}: not an image. Use JPEG, PNG or WebP files.`);
    if (large.length) told.push(`${names(large)}: larger than ${Math.floor(limits.max_image_bytes / 1e6)} MB. Make it smaller first.`);
    if (broken.length) told.push(`${names(broken)}: cannot be read as an image. Open and save it anew, as JPEG or PNG.`);
    if (usable.length > room) told.push(`A story takes at most ${limits.max_images} images: ${plural(usable.length - Math.max(room, 0), "image was", "images were")} left out.`);
    say(told.join(" "));
    changed();
  }

  function changed(focus = -1) {
    list.replaceChildren(...pictures.map(renderItem));
    status.textContent = pictures.length ? `${plural(pictures.length, "image")}.` : "";
    element.classList.toggle("has-pictures", pictures.length > 0);
    if (focus >= 0) list.children[focus]?.querySelector(".picked-item")?.focus();
    onChange([...pictures]);
  }

  function move(from, to) {
    const place = Math.min(Math.max(to, 0), pictures.length - 1);
    if (from === place || from < 0 || from >= pictures.length) return;
    const [one] = pictures.splice(from, 1);
    pictures.splice(place, 0, one);
    changed(place);
    status.textContent = `${one.name} is now image ${place + 1} of ${pictures.length}.`;
  }

  function remove(place) {
    const [one] = pictures.splice(place, 1);
    URL.revokeObjectURL(one.url);
    changed(Math.min(place, pictures.length - 1));
    status.textContent = `${one.name} was removed; ${plural(pictures.length, "image")} left.`;
  }

  function renderItem(picture, place) {
    const keys = { ArrowLeft: place - 1, ArrowUp: place - 1, ArrowRight: place + 1, ArrowDown: place + 1, Home: 0, End: pictures.length - 1 };
    const key = (event) => {
      if (event.key === "Delete" || event.key === "Backspace") remove(place);
      else if (Object.hasOwn(keys, event.key)) move(place, keys[event.key]);
      else return;
      event.preventDefault();
    };
    const item = make(
      "div",
      {
        class: "picked-item",
        tabindex: "0",
        role: "group",
        draggable: "true",
        "aria-label": `Image ${place + 1} of ${pictures.length}, ${picture.name}. Arrow keys move it, Delete removes it.`,
        on: { keydown: key },
      },
      make("img", { src: picture.url, alt: "", draggable: "false" }),
      make("span", { class: "number", "aria-hidden": "true" }, place + 1),
    );
    item.addEventListener("dragstart", (event) => {
      event.dataTransfer.setData("text/x-place", String(place));
      event.dataTransfer.effectAllowed = "move";
    });
    const button = make("button", { type: "button", class: "remove", "aria-label": `Remove image ${place + 1}`, on: { click: () => remove(place) } }, "×");
    const entry = make("li", { data: { place } }, item, button);
    entry.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("text/x-place")) return;
      event.preventDefault();
      entry.classList.add("target");
    });
    entry.addEventListener("dragleave", () => entry.classList.remove("target"));
    entry.addEventListener("drop", (event) => {
      const from = event.dataTransfer.getData("text/x-place");
      entry.classList.remove("target");
      if (from === "") return;
      event.preventDefault();
      event.stopPropagation();
      move(Number(from), place);
    });
    return entry;
  }

  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  element.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    element.classList.add("over");
  });
  element.addEventListener("dragleave", (event) => {
    if (!element.contains(event.relatedTarget)) element.classList.remove("over");
  });
  element.addEventListener("drop", (event) => {
    element.classList.remove("over");
    if (!holdsFiles(event)) return;
    event.preventDefault();
    add(event.dataTransfer.files);
  });
  input.addEventListener("change", async () => {
    await add(input.files);
    input.value = "";
  });
  const paste = (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length && element.isConnected) {
      event.preventDefault();
      add(files);
    }
  };
  document.addEventListener("paste", paste);

  return {
    element,
    pictures: () => [...pictures],
    add,
    say,
    destroy() {
      document.removeEventListener("paste", paste);
      for (const one of pictures) URL.revokeObjectURL(one.url);
    },
  };
}

async function readPicture(file) {
  const url = URL.createObjectURL(file);
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
    return { file, name: file.name || "pasted image", url, width: image.naturalWidth, height: image.naturalHeight };
  } catch {
    return { file, name: file.name || "pasted image", url, width: 0, height: 0 };
  }
}

/** The pictures as the server takes them: [{name, data}] with base64 bytes. */
export function encodePictures(pictures) {
  return Promise.all(
    pictures.map(
      ({ file, name }) =>
        new Promise((resolve, reject) => {
          const reader = new FileReader();
          reader.onload = () => resolve({ name, data: reader.result.slice(reader.result.indexOf(",") + 1) });
          reader.onerror = () => reject(new Error(`${name} cannot be read any more: choose it again.`));
          reader.readAsDataURL(file);
        }),
    ),
  );
}

/** Pictures as the frames of a story; the fragment keeps what is added to the address from changing it. */
export function framesOf(pictures, sizes = []) {
  return pictures.map((picture, place) => ({
    number: place + 1,
    src: `${picture.url}#`,
    width: sizes[place]?.[0] ?? picture.width,
    height: sizes[place]?.[1] ?? picture.height,
    frame_id: "",
    scene: "",
  }));
}

function names(files) {
  const shown = files.slice(0, 3).map((file) => file.name || "pasted image").join(", ");
  return files.length > 3 ? `${shown} and ${files.length - 3} more` : shown;
}
