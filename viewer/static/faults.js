// What the validator found, beside the text it found it in. A click on a fault goes to its place.

import { make, plural } from "./dom.js";

const PARTS = { story: "Story", chain_of_thought: "Chain of thought" };

/** Faults of both texts with the texts; `story` has `story`, `chain_of_thought` and `faults`. */
export function renderFaults(story) {
  const parts = ["story", "chain_of_thought"].map((part) => renderPart(part, story[part], story.faults.filter((fault) => fault.part === part)));
  const summary = story.faults.length
    ? `${plural(story.faults.length, "fault")} against the rules of the format. Those marked breaking are what readers of the published dataset trip over.`
    : "No fault: every tag, id and box of this story holds.";
  return make("div", { class: "faults" }, make("p", { class: "sub", role: "status" }, summary), parts);
}

function renderPart(part, text, faults) {
  const source = renderSource(text, faults);
  const list = faults.map((fault, place) =>
    make(
      "li",
      {},
      make(
        "button",
        { type: "button", class: "fault", on: { click: () => goTo(source, place) } },
        make("span", { class: `flag ${fault.level === "compatible" ? "bad" : "warn"}` }, fault.level === "compatible" ? "breaking" : "strict"),
        make("code", {}, fault.code),
        make("span", { class: "sub" }, `line ${fault.line}`),
        make("span", { class: "message" }, fault.message),
        make("span", { class: "hint sub" }, fault.hint),
      ),
    ),
  );
  return make(
    "section",
    { class: "fault-part", "aria-label": PARTS[part] },
    make("h2", {}, PARTS[part], make("span", { class: "count" }, faults.length)),
    make("div", { class: "fault-sides" }, faults.length ? make("ol", { class: "fault-list" }, list) : make("p", { class: "none" }, "No faults."), source),
  );
}

/** The text as it is, with a mark where a fault is. Offsets count code points, as the validator's do. */
export function renderSource(text, faults) {
  const points = Array.from(text);
  const edges = [...new Set([0, points.length, ...faults.flatMap((fault) => [fault.start, fault.end])])].sort((a, b) => a - b);
  const source = make("pre", { class: "source", tabindex: "0" });
  const startsAt = new Map();
  faults.forEach((fault, place) => startsAt.set(fault.start, [...(startsAt.get(fault.start) ?? []), place]));
  const ahead = [...faults].sort((a, b) => a.start - b.start);
  let covering = [];
  edges.forEach((edge, place) => {
    for (const number of startsAt.get(edge) ?? []) source.append(make("span", { class: "anchor", data: { fault: number } }));
    const end = edges[place + 1];
    if (end === undefined) return;
    while (ahead.length && ahead[0].start <= edge) covering.push(ahead.shift());
    covering = covering.filter((fault) => fault.end >= end);
    const words = points.slice(edge, end).join("");
    const bad = covering.some((fault) => fault.level === "compatible");
    source.append(covering.length ? make("mark", { class: bad ? "bad" : "warn", title: covering.map((fault) => fault.message).join("\n") }, words) : words);
  });
  return source;
}

function goTo(source, place) {
  const anchor = source.querySelector(`[data-fault="${place}"]`);
  for (const old of source.querySelectorAll(".here")) old.classList.remove("here");
  const mark = anchor?.nextElementSibling;
  mark?.classList.add("here");
  // Within its own box, so that the list of faults stays where it is.
  if (anchor) source.scrollTo({ top: anchor.offsetTop - source.clientHeight / 3, behavior: "auto" });
}
