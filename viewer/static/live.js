// Live mode: choose pictures and a model, watch the tables fill and the story grow, keep the result.

import { make, notice, plural } from "./dom.js";
import { readEvents } from "./events.js";
import { exportButtons } from "./export_menu.js";
import { linkUp } from "./highlight.js";
import { liveSettings } from "./live_settings.js";
import { encodePictures, framesOf, pickPictures } from "./pictures.js";
import { renderResult } from "./result.js";
import { streamInto } from "./stream_view.js";

export async function render(root, params, api) {
  document.title = "Live · storyreasoning";
  const defaults = await api.get("/api/live/defaults");
  const settings = liveSettings(defaults, api);
  let run = null;
  let result = null;

  const picker = pickPictures({ limits: defaults, onChange: () => refresh() });
  const start = make("button", { type: "button", class: "button main", on: { click: () => begin() } }, "Tell the story");
  const stage = make("section", { class: "live-stage", "aria-label": "The story" });
  const setup = make("section", { class: "live-setup", "aria-label": "What to ask" }, picker.element, settings.element, make("div", { class: "actions" }, start));
  root.append(
    make("header", { class: "live-head" }, make("h1", {}, "A story from your images"), make("p", { class: "sub" }, "Tables fill while the model thinks, then the story is told.")),
    defaults.endpoints.length
      ? make("div", { class: "live" }, setup, stage)
      : notice("No model is connected. Start the viewer with the address of an OpenAI-compatible server, such as vLLM: storyreasoning view --endpoint http://127.0.0.1:8000/v1 --model NAME"),
  );
  rest();
  refresh();

  function rest() {
    stage.replaceChildren(make("p", { class: "placeholder" }, "Add images and press “Tell the story”. It will be drawn here as it is written."));
  }

  function refresh() {
    start.disabled = run !== null || !picker.pictures().length;
  }

  async function begin() {
    if (run) return;
    result?.destroy();
    result = null;
    const pictures = picker.pictures();
    run = new LiveRun(stage, pictures, settings, api, defaults);
    refresh();
    // On a narrow screen the stage lies below the form.
    if (stage.getBoundingClientRect().top > innerHeight / 2) stage.scrollIntoView({ block: "start" });
    const ended = await run.go();
    run = null;
    refresh();
    if (ended && root.isConnected) result = await finish(ended);
  }

  async function finish({ output, sizes, bar, pictures, asked, told, view }) {
    const again = make("button", { type: "button", class: "button", on: { click: () => begin() } }, "Try again");
    if (!output.trim()) {
      bar.actions.replaceChildren(again);
      return null;
    }
    let story;
    try {
      story = await api.post("/api/analyse", { output, sizes });
    } catch (error) {
      bar.actions.replaceChildren(again, notice(error.message, "error"));
      return null;
    }
    story.frames = framesOf(pictures, sizes);
    const made = { endpoint: defaults.endpoints[asked.endpoint].url, model: asked.model, settings: asked, ...told };
    const body = async (more) => ({ title: titleOf(asked), output, made, images: await encodePictures(pictures), ...more });
    const said = make("span", { class: "sub", role: "status" });
    const tell = (message, kind) => said.replaceChildren(kind ? notice(message, kind) : message);
    const save = make("button", { type: "button", class: "button", disabled: !defaults.can_save, title: defaults.can_save ? null : "No workspace is open: start with storyreasoning view WORKSPACE" }, "Save");
    save.addEventListener("click", async () => {
      save.disabled = true;
      try {
        const { story_id: id } = await api.post("/api/live/save", await body({}));
        tell(`Saved in the workspace as ${id}. The library lists it when the viewer is started next.`);
      } catch (error) {
        tell(error.message, "error");
        save.disabled = false;
      }
    });
    const send = async (format) =>
      api.request("/api/live/export", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(await body({ format })) });
    bar.actions.replaceChildren(again, save, make("span", { class: "export", role: "group", "aria-label": "Export" }, exportButtons(send, (message) => tell(message, "error"))), said);
    const shown = make("div", { class: "live-result" });
    view.replaceWith(shown);
    // A long result is no longer held in sight: its bar is, once.
    if (bar.element.getBoundingClientRect().top < 0) bar.element.scrollIntoView({ block: "start" });
    return renderResult(shown, story, { first: story.blocks.length ? "read" : "tables", raw: output });
  }

  return () => {
    run?.cancel();
    result?.destroy();
    picker.destroy();
  };
}

function titleOf(asked) {
  return `Live story by ${asked.model}`;
}

/** One answer, from the request to its last word. */
class LiveRun {
  constructor(stage, pictures, settings, api, defaults) {
    this.stage = stage;
    this.pictures = pictures;
    this.settings = settings;
    this.api = api;
    this.defaults = defaults;
    this.abort = new AbortController();
    this.output = [];
    this.sizes = [];
    this.deltas = 0;
    this.tokens = 0;
    this.first = 0;
    this.progress = { phase: "", image: 0, blocks: 0 };
    this.reason = null;
    this.problem = "";
  }

  cancel() {
    this.abort.abort();
  }

  async go() {
    const bar = this.#drawBar();
    const tables = make("div", { class: "live-pane live-analysis", tabindex: "0", role: "region", "aria-label": "Tables, as the model thinks" });
    const story = make("div", { class: "live-pane reading", tabindex: "0", role: "region", "aria-label": "Story, as it is told" });
    const view = make("div", { class: "live-view", data: { phase: "thinking" } }, this.#drawTabs(tables, story), tables, story);
    this.view = view;
    for (const name of ["wheel", "touchmove", "keydown", "pointerdown"]) {
      tables.addEventListener(name, () => (this.scrolled = true), { once: true, passive: true });
    }
    this.stage.replaceChildren(bar.element, view);
    this.started = performance.now();
    const linker = linkUp(view);
    const clock = setInterval(() => this.#tell(bar), 250);
    const asked = this.settings.read();
    try {
      const images = await encodePictures(this.pictures);
      const response = await this.api.request("/api/live/generate", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...asked, images }),
        signal: this.abort.signal,
      });
      await readEvents(response, (event) => this.#take(event, tables, story));
    } catch (error) {
      if (error.name === "AbortError") this.problem = "Cancelled. What came is kept.";
      else this.problem = this.output.length ? "The connection to the viewer broke off. What came is kept; try again." : error.message;
    }
    await this.drawn?.end();
    clearInterval(clock);
    linker.destroy();
    this.ended = performance.now();
    this.#tell(bar);
    this.#conclude(bar);
    const told = { tokens: this.tokens || this.deltas, finish: this.reason ?? (this.problem || "cut") };
    return { output: this.output.join(""), sizes: this.sizes, bar, pictures: this.pictures, asked, told, view };
  }

  #take(event, tables, story) {
    if (event.type === "start") {
      this.sizes = event.sizes;
      const onProgress = (progress) => this.#follow(progress, tables);
      this.drawn = streamInto({ tables, story, frames: framesOf(this.pictures, event.sizes), onProgress });
    } else if (event.type === "words") {
      this.first ||= performance.now();
      this.output.push(event.text);
      this.deltas += event.deltas;
      this.drawn.feed(event.text);
    } else if (event.type === "usage") {
      this.tokens = event.output_tokens;
    } else if (event.type === "end") {
      this.reason = event.reason;
    } else if (event.type === "error") {
      this.problem = event.message;
    }
  }

  #follow(progress, tables) {
    const { phase: before, image } = this.progress;
    this.progress = progress;
    if (progress.image !== image && !this.scrolled) {
      // The image that is looked at comes to the top, once, until the reader scrolls.
      const top = tables.lastElementChild.getBoundingClientRect().top - tables.getBoundingClientRect().top;
      tables.scrollTop += top;
    }
    if (progress.phase !== before && !this.chosen) this.#show(progress.phase === "story" ? "story" : "thinking");
  }

  #drawTabs(tables, story) {
    const choose = (phase) => () => {
      this.chosen = true;
      this.#show(phase);
    };
    return make(
      "div",
      { class: "tabs", role: "tablist", "aria-label": "What to watch" },
      make("button", { type: "button", role: "tab", data: { phase: "thinking" }, "aria-selected": "true", on: { click: choose("thinking") } }, "Thinking"),
      make("button", { type: "button", role: "tab", data: { phase: "story" }, "aria-selected": "false", on: { click: choose("story") } }, "Story"),
    );
  }

  #show(phase) {
    this.view.dataset.phase = phase;
    for (const tab of this.view.querySelectorAll("[role=tab]")) tab.setAttribute("aria-selected", String(tab.dataset.phase === phase));
  }

  #drawBar() {
    const said = make("strong", {}, "Sending the images…");
    const figures = make("span", { class: "sub figures" });
    const meter = make("progress", { max: 100, value: 0, "aria-label": "How far the answer is" });
    const stop = make("button", { type: "button", class: "button", on: { click: () => this.cancel() } }, "Cancel");
    const actions = make("div", { class: "actions" }, stop);
    const trouble = make("div", { class: "trouble", "aria-live": "polite" });
    const element = make("div", { class: "live-bar" }, make("div", { class: "live-said" }, make("p", { role: "status" }, said), figures), meter, actions, trouble);
    return { element, said, figures, meter, actions, trouble };
  }

  #tell(bar) {
    const count = this.pictures.length;
    const { phase, image, blocks } = this.progress;
    const seconds = ((this.ended ?? performance.now()) - this.started) / 1000;
    const writing = this.first ? ((this.ended ?? performance.now()) - this.first) / 1000 : 0;
    const words = [`${seconds.toFixed(0)} s`];
    const tokens = this.tokens || this.deltas;
    if (tokens) words.push(`${tokens.toLocaleString("en")} tokens`);
    if (tokens && writing > 0.5) words.push(`${(tokens / writing).toFixed(1)} tokens/s`);
    bar.figures.textContent = words.join(" · ");
    let said = "Waiting for the first word…";
    let share = 2;
    if (phase === "story") {
      said = `Telling image ${Math.max(blocks, 1)} of ${count}`;
      share = 60 + (38 * blocks) / count;
    } else if (this.first) {
      said = image ? `Looking at image ${image} of ${count}` : "Thinking";
      share = 5 + (52 * Math.min(image, count)) / count;
    }
    if (!this.ended) bar.said.textContent = said;
    bar.meter.value = Math.min(share, 98);
  }

  #conclude(bar) {
    let said = "Done";
    let trouble = this.problem;
    if (trouble) said = trouble.startsWith("Cancelled") ? "Cancelled" : "Stopped";
    else if (this.reason === "length") {
      said = "Cut off";
      trouble = "The answer reached the limit of tokens and is cut off: raise “Max tokens” and try again.";
    } else if (!this.reason) {
      said = "Broken off";
      trouble = "The server ended the stream without saying that the answer is whole: the end may be missing. Try again.";
    } else if (this.reason !== "stop") {
      said = "Stopped";
      trouble = `The server stopped the answer (${this.reason}): change the prompt or the images and try again.`;
    }
    bar.said.textContent = said;
    bar.element.classList.add("over");
    bar.meter.value = trouble ? bar.meter.value : 100;
    bar.trouble.replaceChildren(trouble ? notice(trouble, said === "Cancelled" ? "notice" : "error") : "");
    bar.actions.replaceChildren(make("span", { class: "sub" }, plural(this.output.join("").length, "character")));
  }
}
