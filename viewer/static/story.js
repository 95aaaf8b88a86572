// One story: frames beside text, its tables, its cast. What lights up together is highlight.js; which tab, stands in the address.

import { renderCast } from "./cast.js";
import { make, notice, plural } from "./dom.js";
import { exportLinks } from "./export_menu.js";
import { renderFaults } from "./faults.js";
import { followEntity } from "./follow.js";
import { boxesOf } from "./frames.js";
import { linkUp } from "./highlight.js";
import { listen, rove } from "./keyboard.js";
import { renderLegend } from "./legend.js";
import { renderReading } from "./reading.js";
import { renderReview } from "./review.js";
import { renderTables } from "./tables_view.js";

const SCROLLING_MS = 700;
const TABS = { read: "Story", tables: "Tables", cast: "Cast", faults: "Faults", review: "Review" };

export async function render(root, params, api) {
  const [key, asked = "read"] = params.path;
  const story = await api.get(`/api/stories/${encodeURIComponent(key ?? "")}`);
  const { workspace } = await api.state();
  const context = contextOf(story);
  document.title = `${titleOf(story)} · storyreasoning`;
  const body = make("div", { class: "tab-body", id: "tab-body", role: "tabpanel", tabindex: "-1" });
  const tabs = make("div", { class: "tabs", role: "tablist", "aria-label": "What to show of the story" });
  const head = renderHead(story);
  head.querySelector(".turn").prepend(exportLinks(key));
  root.append(head, make("div", { class: "bar" }, tabs), body);
  const linker = linkUp(root);
  const follower = followEntity(root, story, context, linker, goTo);
  let shown = "";
  let leave = null;

  const draw = {
    read: () => {
      renderReading(body, story, context);
      body.append(renderKeys());
    },
    tables: () => renderTables(body, story, context, frameIn(location.hash)),
    cast: () => void body.append(renderCast(story.entities, story.frames)),
    faults: () => void body.append(renderFaults(story)),
    review: () => void renderReview(body, story, context, api).catch((error) => body.append(notice(error.message, "error"))),
  };

  function isOffered(tab) {
    return [...tabs.children].some((button) => button.dataset.tab === tab);
  }

  function show(tab, { push = true } = {}) {
    if (tab === shown || !isOffered(tab)) return;
    shown = tab;
    root.dataset.shown = tab;
    leave?.();
    body.replaceChildren();
    leave = draw[tab]() ?? null;
    const stop = [
      rove(body, ".block", ".tag"),
      rove(body, ".boxes", ".box"),
      rove(body, "tbody", "tr[data-ids]"),
      rove(body, ".cards", ".card"),
    ];
    const before = leave;
    leave = () => {
      before?.();
      for (const one of stop) one();
    };
    for (const button of tabs.children) {
      const here = button.dataset.tab === tab;
      button.setAttribute("aria-selected", String(here));
      button.tabIndex = here ? 0 : -1;
    }
    body.setAttribute("aria-labelledby", `tab-${tab}`);
    if (push) history.replaceState(null, "", `#/story/${encodeURIComponent(key)}${tab === "read" ? "" : `/${tab}`}`);
    linker.refresh();
  }

  /** Show a frame in the tab that is open, or in the story when that tab has no frames. */
  function goTo(number) {
    if (shown === "cast" || shown === "faults") show("read");
    const target = body.querySelector(`[data-row="${Number(number)}"]`);
    if (!target) return;
    target.dispatchEvent(new CustomEvent("choose", { bubbles: true }));
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    target.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
  }

  for (const [tab, title] of Object.entries(TABS)) {
    if (tab === "review" && !workspace) continue;
    const count = tab === "faults" && story.faults.length ? make("span", { class: "count" }, story.faults.length) : null;
    tabs.append(
      make(
        "button",
        { type: "button", role: "tab", id: `tab-${tab}`, "aria-controls": "tab-body", data: { tab }, on: { click: () => show(tab) } },
        title,
        count,
      ),
    );
  }
  root.insertBefore(renderLegend(story, context), body);
  rove(root, ".tabs", "[role=tab]");
  rove(root, ".legend", ".chip");
  root.addEventListener("click", (event) => {
    const link = event.target.closest("[data-goto]");
    if (!link) return;
    event.preventDefault();
    event.stopPropagation();
    goTo(link.dataset.goto);
  });
  show(isOffered(asked) ? asked : "read", { push: false });

  let aim = { row: null, until: 0 };
  const step = (by) => {
    const rows = [...body.querySelectorAll("[data-row]")];
    const bars = Number.parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop) || 0;
    // While the page still scrolls to a row, the next step counts from there.
    const scrolling = performance.now() < aim.until && rows.includes(aim.row);
    const from = scrolling ? rows.indexOf(aim.row) : rows.findLastIndex((row) => row.getBoundingClientRect().top <= bars + 8);
    const next = rows[Math.min(Math.max(from + by, 0), rows.length - 1)];
    if (!next) return;
    aim = { row: next, until: performance.now() + SCROLLING_MS };
    goTo(next.dataset.row);
  };
  const tabKeys = Object.fromEntries(Object.keys(TABS).map((tab, place) => [String(place + 1), () => show(tab)]));
  const stop = listen({
    ...tabKeys,
    j: () => step(1),
    k: () => step(-1),
    n: () => story.after && (location.hash = `#/story/${encodeURIComponent(story.after)}`),
    p: () => story.before && (location.hash = `#/story/${encodeURIComponent(story.before)}`),
    Escape: () => linker.clear(),
  });
  return () => {
    stop();
    leave?.();
    follower();
    linker.destroy();
  };
}

/** What drawing needs of a story: names by id, boxes and tables by image. */
export function contextOf(story) {
  const names = new Map(story.entities.map((entity) => [entity.id, entity.name]));
  const images = new Map();
  for (const image of story.images) if (!images.has(image.number)) images.set(image.number, image);
  return {
    nameOf: (id) => names.get(id) ?? "",
    imageOf: (number) => images.get(number) ?? null,
    boxesOf: (number) => boxesOf(images.get(number)),
  };
}

export function titleOf(story) {
  return story.film || `Story ${story.story_id}`;
}

function renderKeys() {
  const keys = [[["j", "k"], "image"], [["n", "p"], "story"], [["1", "…"], "tab"], [["Esc"], "let go"]];
  return make("p", { class: "keys sub" }, keys.map(([names, what]) => [names.map((name) => make("kbd", {}, name)), make("span", {}, what)]));
}

function frameIn(hash) {
  return Number(new URLSearchParams(hash.split("?")[1] ?? "").get("frame")) || 0;
}

function renderHead(story) {
  const people = story.entities.filter((entity) => entity.kind === "char" && entity.known).length;
  const facts = [plural(story.frames.length, "image"), plural(people, "person", "people")];
  const made = [story.made.drafter, story.made.model].filter(Boolean).join(", ");
  if (made) facts.push(`written by ${made}`);
  const link = (key, text, label, name) =>
    key ? make("a", { class: `quiet ${name}`, href: `#/story/${encodeURIComponent(key)}`, "aria-label": label, title: label }, text) : make("span", { class: `quiet off ${name}`, "aria-hidden": "true" }, text);
  const head = make(
    "header",
    { class: "story-head" },
    make("div", {}, make("h1", {}, titleOf(story)), make("p", { class: "sub" }, make("span", { class: "split" }, story.split), make("code", {}, story.story_id), make("span", {}, facts.join(" · ")))),
    make("div", { class: "turn" }, link(story.before, "‹", "Previous story (p)", "previous"), link(story.after, "›", "Next story (n)", "next")),
  );
  if (!story.frames.length) head.append(notice("This story has no images. The dataset's column “images” is empty for it: build it again, or open another."));
  if (!story.blocks.length) head.append(notice(story.story ? "The text of this story has no image blocks: it is shown as it is. The tab Faults says what is wrong." : "This story has no text."));
  return head;
}
