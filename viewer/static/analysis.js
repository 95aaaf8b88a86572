// Analysis: paste or upload frames, chain of thought and story; see it drawn, with the validator's faults beside the text.

import { make, notice } from "./dom.js";
import { exportButtons } from "./export_menu.js";
import { encodePictures, framesOf, pickPictures } from "./pictures.js";
import { renderResult } from "./result.js";

const LARGEST_FILE = 4_000_000;

export async function render(root, params, api) {
  document.title = "Analysis · storyreasoning";
  const limits = await api.get("/api/live/defaults");
  const picker = pickPictures({ limits, onChange: () => {}, label: "Frames" });
  const output = textField("analysis-output", "A whole answer", "<think> … </think> <gdi image1> …", 8);
  const thoughts = textField("analysis-thoughts", "Chain of thought", "## Image 1 …", 8);
  const story = textField("analysis-story", "Story", "<gdi image1> …", 8);
  const trouble = make("div", { class: "trouble", "aria-live": "polite" });
  const stage = make("section", { class: "live-stage", "aria-label": "What was found" });
  const run = make("button", { type: "button", class: "button main", on: { click: () => analyse() } }, "Analyse");
  const clear = make("button", { type: "button", class: "button", on: { click: () => empty() } }, "Clear");
  const setup = make(
    "section",
    { class: "live-setup", "aria-label": "What to analyse" },
    output.element,
    make("details", {}, make("summary", {}, "Or both parts apart"), thoughts.element, story.element),
    picker.element,
    trouble,
    make("div", { class: "actions" }, run, clear),
  );
  root.append(
    make("header", { class: "live-head" }, make("h1", {}, "Analyse a story"), make("p", { class: "sub" }, "Paste what a model wrote. Every fault against the format is shown at its place.")),
    make("div", { class: "live" }, setup, stage),
  );
  let result = null;
  rest();

  function rest() {
    stage.replaceChildren(make("p", { class: "placeholder" }, "What is pasted at the side is drawn here: the story, its tables, its cast, its faults."));
  }

  function empty() {
    for (const one of [output, thoughts, story]) one.area.value = "";
    result?.destroy();
    result = null;
    trouble.replaceChildren();
    rest();
  }

  async function analyse() {
    run.disabled = true;
    trouble.replaceChildren();
    const pictures = picker.pictures();
    const texts = { output: output.area.value, chain_of_thought: thoughts.area.value, story: story.area.value };
    const sizes = pictures.map(({ width, height }) => [width, height]);
    try {
      const told = await api.post("/api/analyse", { ...texts, sizes });
      told.frames = pictures.length ? framesOf(pictures) : blankFrames(told);
      result?.destroy();
      const body = async (format) => JSON.stringify({ ...texts, format, title: "Analysed story", images: await encodePictures(pictures) });
      const send = async (format) => api.request("/api/analyse/export", { method: "POST", headers: { "content-type": "application/json" }, body: await body(format) });
      const say = (message) => trouble.replaceChildren(notice(message, "error"));
      const shown = make("div", { class: "live-result" });
      stage.replaceChildren(make("div", { class: "actions" }, exportButtons(send, say)), shown);
      result = renderResult(shown, told, { first: told.faults.length ? "faults" : "read" });
    } catch (error) {
      trouble.replaceChildren(notice(error.message, "error"));
    } finally {
      run.disabled = false;
    }
  }

  return () => {
    result?.destroy();
    picker.destroy();
  };

  function textField(id, label, hint, rows) {
    const area = make("textarea", { id, rows, placeholder: hint, spellcheck: "false", class: "code" });
    const file = make("input", { type: "file", accept: ".txt,.md,text/*", class: "hidden-input", tabindex: "-1", "aria-label": `${label}: choose a file` });
    const take = async (chosen) => {
      if (!chosen) return;
      if (chosen.size > LARGEST_FILE) {
        trouble.replaceChildren(notice(`${chosen.name} is larger than ${LARGEST_FILE / 1e6} MB: analyse a part of it.`, "error"));
        return;
      }
      area.value = await chosen.text();
    };
    file.addEventListener("change", async () => {
      await take(file.files[0]);
      file.value = "";
    });
    area.addEventListener("drop", (event) => {
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      take(event.dataTransfer.files[0]);
    });
    const button = make("button", { type: "button", class: "quiet small", on: { click: () => file.click() } }, "Open a file");
    return { area, element: make("div", { class: "field" }, make("div", { class: "field-head" }, make("label", { for: id }, label), button), area, file) };
  }
}

/** Frames without pictures, one for each image that the texts tell of. */
function blankFrames(told) {
  const numbers = [...told.images, ...told.blocks].map(({ number }) => number).filter((number) => number > 0);
  return [...new Set(numbers)].sort((a, b) => a - b).map((number) => ({ number, src: "", width: 0, height: 0, frame_id: "", scene: "" }));
}
