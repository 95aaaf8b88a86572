// A story that the page itself holds (made live, or pasted): the same tabs as a story of the library.

import { renderCast } from "./cast.js";
import { make } from "./dom.js";
import { renderFaults } from "./faults.js";
import { followEntity } from "./follow.js";
import { boxesOf } from "./frames.js";
import { linkUp } from "./highlight.js";
import { rove } from "./keyboard.js";
import { renderLegend } from "./legend.js";
import { renderReading } from "./reading.js";
import { renderTables } from "./tables_view.js";

const TABS = { read: "Story", tables: "Tables", cast: "Cast", faults: "Faults", raw: "Text" };

/**
 * Draw into `root`: `story` is what /api/analyse answers, with `frames`; `first` names the tab to begin with.
 * Returns {show(tab), destroy()}.
 */
export function renderResult(root, story, { first = "read", raw = "" } = {}) {
  const context = contextOf(story);
  const body = make("div", { class: "tab-body", role: "tabpanel", tabindex: "-1" });
  const tabs = make("div", { class: "tabs", role: "tablist", "aria-label": "What to show of the story" });
  root.replaceChildren(make("div", { class: "bar flat" }, tabs), renderLegend(story, context), body);
  const linker = linkUp(root);
  const stopFollowing = followEntity(root, story, context, linker, goTo);
  let stops = [];
  let shown = "";
  const draw = {
    read: () => renderReading(body, story, context),
    tables: () => renderTables(body, story, context),
    cast: () => body.append(renderCast(story.entities, story.frames)),
    faults: () => body.append(renderFaults(story)),
    raw: () => body.append(make("pre", { class: "source", tabindex: "0" }, raw)),
  };

  function show(tab) {
    if (tab === shown || !Object.hasOwn(TABS, tab)) return;
    shown = tab;
    for (const stop of stops) stop();
    body.replaceChildren();
    draw[tab]();
    stops = [rove(body, ".block", ".tag"), rove(body, ".boxes", ".box"), rove(body, "tbody", "tr[data-ids]"), rove(body, ".cards", ".card")];
    for (const button of tabs.children) {
      const here = button.dataset.tab === tab;
      button.setAttribute("aria-selected", String(here));
      button.tabIndex = here ? 0 : -1;
    }
    linker.refresh();
  }

  function goTo(number) {
    if (shown !== "read" && shown !== "tables") show("read");
    const target = body.querySelector(`[data-row="${Number(number)}"]`);
    target?.dispatchEvent(new CustomEvent("choose", { bubbles: true }));
    target?.scrollIntoView({ block: "nearest" });
  }

  for (const [tab, title] of Object.entries(TABS)) {
    if (tab === "raw" && !raw) continue;
    const count = tab === "faults" && story.faults.length ? make("span", { class: "count" }, story.faults.length) : null;
    tabs.append(make("button", { type: "button", role: "tab", data: { tab }, on: { click: () => show(tab) } }, title, count));
  }
  const stopTabs = [rove(root, ".tabs", "[role=tab]"), rove(root, ".legend", ".chip")];
  const keys = (event) => {
    if (event.key === "Escape") linker.clear();
  };
  document.addEventListener("keydown", keys);
  root.addEventListener("click", (event) => {
    const link = event.target.closest("[data-goto]");
    if (!link) return;
    event.preventDefault();
    event.stopPropagation();
    goTo(link.dataset.goto);
  });
  show(first);

  return {
    show,
    destroy() {
      document.removeEventListener("keydown", keys);
      for (const stop of [...stops, ...stopTabs]) stop();
      stopFollowing();
      linker.destroy();
    },
  };
}

function contextOf(story) {
  const names = new Map(story.entities.map((entity) => [entity.id, entity.name]));
  const images = new Map();
  for (const image of story.images) if (!images.has(image.number)) images.set(image.number, image);
  return {
    nameOf: (id) => names.get(id) ?? "",
    imageOf: (number) => images.get(number) ?? null,
    boxesOf: (number) => boxesOf(images.get(number)),
  };
}
