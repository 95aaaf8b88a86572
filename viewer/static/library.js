// The library: a grid of stories, searched, filtered, sorted and paged by the server. What is asked stands in the address.

import { make, notice, plural } from "./dom.js";
import { listen } from "./keyboard.js";

const SORTS = [
  ["", "Order of the dataset"],
  ["film", "Film"],
  ["people-down", "Largest cast"],
  ["frames-down", "Most images"],
  ["words-down", "Longest text"],
  ["faults-down", "Most faults"],
  ["faults", "Fewest faults"],
];
const QUALITIES = [
  ["", "Any quality"],
  ["sound", "Without faults"],
  ["faulty", "With faults"],
  ["breaking", "Breaking readers"],
];
const SIZE = 24;
const TYPING_MS = 250;
const STILL_READING_MS = 1500;

export async function render(root, params, api) {
  const opened = await api.state();
  document.title = "Library · storyreasoning";
  if (!opened.opened) {
    root.append(renderEmpty(opened));
    return null;
  }
  const asked = Object.fromEntries(["q", "film", "split", "quality", "sort", "page"].map((name) => [name, params.query.get(name) ?? ""]));
  const grid = make("ol", { class: "grid" }, Array.from({ length: Math.min(SIZE, opened.stories) }, () => make("li", { class: "story-card waiting", "aria-hidden": "true" })));
  const count = make("p", { class: "sub", role: "status", "aria-live": "polite" }, plural(opened.stories, "story", "stories"));
  const pager = make("nav", { class: "pager", "aria-label": "Pages" });
  const controls = renderControls(opened, asked, change);
  root.append(
    make("header", { class: "library-head" }, make("h1", {}, "Library"), make("p", { class: "sub place" }, opened.place), count),
    controls,
    grid,
    pager,
  );
  let asking = new AbortController();
  let later = 0;
  let drawn = false;

  function change(name, value) {
    asked[name] = value;
    if (name !== "page") asked.page = "";
    const search = new URLSearchParams(Object.entries(asked).filter(([, text]) => text)).toString();
    history.replaceState(null, "", search ? `#/?${search}` : "#/");
    if (name === "page") scrollTo({ top: 0 });
    load();
  }

  async function load() {
    asking.abort();
    clearTimeout(later);
    asking = new AbortController();
    grid.setAttribute("aria-busy", "true");
    try {
      const page = await api.get("/api/stories", { ...asked, size: SIZE }, { signal: asking.signal });
      const pages = Math.max(1, Math.ceil(page.total / SIZE));
      if (page.page > pages) {
        change("page", String(pages));
        return;
      }
      grid.replaceChildren(...page.stories.map((story, place) => make("li", {}, renderStoryCard(story, place < 8))));
      if (!page.stories.length) grid.append(make("li", { class: "no-result" }, notice(nothing(asked, page))));
      count.textContent = describe(page, asked);
      pager.replaceChildren(...renderPager(page.page, pages, (number) => change("page", number === 1 ? "" : String(number))));
      const unread = page.digested < page.all && (asked.quality || /^(people|words|faults)/.test(asked.sort));
      if (unread) later = setTimeout(load, STILL_READING_MS);
      drawn = true;
    } catch (error) {
      if (error.name !== "AbortError") grid.replaceChildren(make("li", { class: "no-result" }, notice(error.message, "error")));
    } finally {
      grid.removeAttribute("aria-busy");
    }
  }

  const stop = listen({
    "/": () => controls.querySelector("input").focus(),
    ArrowRight: () => drawn && pager.querySelector(".next:not(:disabled)")?.click(),
    ArrowLeft: () => drawn && pager.querySelector(".previous:not(:disabled)")?.click(),
  });
  await load();
  return () => {
    stop();
    asking.abort();
    clearTimeout(later);
  };
}

function renderEmpty(opened) {
  return make(
    "div",
    { class: "welcome" },
    make("h1", {}, "No stories are open"),
    make("p", {}, "Start the viewer with a workspace, a dataset folder, or the name of a dataset on the Hub:"),
    make("pre", {}, "storyreasoning view storyreasoning-workspace"),
    make("p", {}, "Without stories you can ", make("a", { href: "#/live" }, "make one live"), opened.endpoints.length ? "" : " (with --endpoint)", " or ", make("a", { href: "#/analysis" }, "look into a text"), "."),
  );
}

function renderControls(opened, asked, change) {
  let typing = 0;
  const search = make("input", {
    type: "search",
    placeholder: "Search texts, films, ids",
    "aria-label": "Search",
    value: asked.q,
    maxlength: 200,
    spellcheck: "false",
    on: {
      input(event) {
        clearTimeout(typing);
        typing = setTimeout(() => change("q", event.target.value.trim()), TYPING_MS);
      },
    },
  });
  const names = (values) => values.map(({ name, stories }) => [name, `${name} (${stories.toLocaleString("en")})`]);
  return make(
    "div",
    { class: "controls", role: "search" },
    search,
    opened.films.length > 1 ? renderSelect("Film", "film", [["", "Any film"], ...names(opened.films)], asked, change) : null,
    opened.splits.length > 1 ? renderSelect("Split", "split", [["", "Any split"], ...names(opened.splits)], asked, change) : null,
    renderSelect("Quality", "quality", QUALITIES, asked, change),
    renderSelect("Sort", "sort", SORTS, asked, change),
  );
}

function renderSelect(title, name, options, asked, change) {
  return make(
    "select",
    { "aria-label": title, on: { change: (event) => change(name, event.target.value) } },
    options.map(([value, text]) => make("option", { value, selected: value === asked[name] }, text)),
  );
}

/** One story of the grid. */
export function renderStoryCard(story, soon = false) {
  const title = story.film || `Story ${story.story_id}`;
  const picture = story.frames
    ? make("img", { src: `/api/frames/${story.key}/1?w=480`, alt: "", loading: soon ? null : "lazy", decoding: "async" })
    : null;
  const thumb = make("span", { class: "thumb" }, picture, make("span", { class: "badge" }, plural(story.frames, "image")));
  picture?.addEventListener("error", () => picture.replaceWith(make("span", { class: "broken" }, "No picture")), { once: true });
  return make(
    "a",
    { class: "story-card", href: `#/story/${encodeURIComponent(story.key)}` },
    thumb,
    make(
      "span",
      { class: "story-body" },
      make("span", { class: "story-title" }, make("strong", {}, title), make("span", { class: "split" }, story.split)),
      make("span", { class: "opening" }, story.opening || "This story has no text."),
      make("span", { class: "who" }, who(story)),
      make("span", { class: "flags" }, flags(story)),
    ),
  );
}

function who(story) {
  const more = story.people - story.names.length;
  if (!story.people) return story.things ? plural(story.things, "thing") : "Nobody and nothing in the tables";
  return `${story.names.join(", ")}${more > 0 ? ` and ${more} more` : ""}${story.things ? ` · ${plural(story.things, "thing")}` : ""}`;
}

function flags(story) {
  const sentence = "in the texts; boxes are held against the pictures when the story is opened";
  if (!story.faults) return make("span", { class: "flag good", title: `No fault ${sentence}` }, "No faults");
  const kind = story.breaking ? "bad" : "warn";
  return make("span", { class: `flag ${kind}`, title: `${plural(story.faults, "fault")} ${sentence}` }, plural(story.faults, "fault"));
}

function describe(page, asked) {
  const filtered = asked.q || asked.film || asked.split || asked.quality;
  const stories = plural(page.total, "story", "stories");
  const told = filtered ? `${stories} of ${page.all.toLocaleString("en")}` : stories;
  return page.digested < page.all ? `${told} · ${page.digested.toLocaleString("en")} read so far` : told;
}

function nothing(asked, page) {
  if (!page.all) return "This dataset has no stories. Build one with “storyreasoning build”, or open another.";
  if (asked.quality && page.digested < page.all) return "None so far: the stories are still being read.";
  return "No story fits. Take a filter away or search for fewer words.";
}

function renderPager(page, pages, go) {
  if (pages < 2) return [];
  const button = (text, number, name, label) =>
    make("button", { type: "button", class: name, "aria-label": label, disabled: number < 1 || number > pages, on: { click: () => go(number) } }, text);
  const jump = make("input", {
    type: "number",
    min: 1,
    max: pages,
    value: page,
    "aria-label": "Page",
    on: { change: (event) => go(Math.min(Math.max(Math.trunc(Number(event.target.value)) || 1, 1), pages)) },
  });
  return [
    button("‹", page - 1, "previous", "Previous page"),
    make("span", { class: "where" }, jump, ` of ${pages.toLocaleString("en")}`),
    button("›", page + 1, "next", "Next page"),
  ];
}
