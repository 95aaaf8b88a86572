// Review: what a person says of a story. It is kept in the workspace and applied by the next build.

import { colourClass } from "./colours.js";
import { make, notice } from "./dom.js";
import { renderCrop } from "./frames.js";

const SAID = {
  verdict: (one) => `The story is ${one.value}.`,
  name: (one) => `${one.target} is called ${one.value}.`,
  merge: (one) => `${one.target.replace(" ", " and ")} are one.`,
  split: (one) => `${one.target.split(" ")[0]} is another in image ${one.target.split(" ")[1]?.replaceAll(",", ", ")}.`,
};

/** Draw into `body`; `story` as /api/stories answers. */
export async function renderReview(body, story, context, api) {
  const path = `/api/reviews/${encodeURIComponent(story.key)}`;
  const found = await api.get(path);
  const trouble = make("div", { class: "trouble", "aria-live": "polite" });
  const list = make("ul", { class: "statements" });
  const panel = make("div", { class: "review" });
  body.append(panel);
  if (!found.can_review) {
    panel.append(notice(found.why));
    return;
  }
  let reviews = found.reviews;

  async function say(value) {
    trouble.replaceChildren();
    try {
      reviews = (await api.post(path, value)).reviews;
      show();
    } catch (error) {
      trouble.replaceChildren(notice(error.message, "error"));
    }
  }

  const note = make("input", { id: "review-note", maxlength: 500, placeholder: "Why (optional)", "aria-label": "Why" });
  const verdicts = ["good", "bad"].map((value) =>
    make("button", { type: "button", class: `button verdict ${value}`, data: { value }, on: { click: () => say({ action: "verdict", value, note: note.value }) } }, value === "good" ? "Good" : "Bad"),
  );

  function show() {
    const verdict = reviews.find((one) => one.action === "verdict")?.value;
    for (const button of verdicts) button.setAttribute("aria-pressed", String(button.dataset.value === verdict));
    list.replaceChildren(...reviews.map((one) => renderStatement(one, api, (kept) => {
      reviews = kept.filter(({ story_key: key }) => key === one.story_key);
      show();
    }, trouble)));
    none.hidden = reviews.length > 0;
  }

  const none = make("p", { class: "none" }, "Nothing was said of this story yet.");
  const frames = new Map(story.frames.map((frame) => [frame.number, frame]));
  const known = new Map(found.entities.map((one) => [one.id, one]));
  const cards = story.entities.filter((entity) => known.has(entity.id)).map((entity) => renderEntity(entity, known, frames, context, say));
  panel.append(
    make("p", { class: "sub" }, "What you say is kept in the workspace. The next “storyreasoning build” applies it: bad stories are left out, names and identities are put right, and only what they touch is made again."),
    make("section", { class: "verdicts", "aria-label": "Verdict" }, make("h2", {}, "This story is"), make("div", { class: "actions" }, verdicts, note)),
    trouble,
    make("section", { "aria-label": "What was said" }, make("h2", {}, "Said so far"), none, list),
    make("section", { "aria-label": "Entities" }, make("h2", {}, "Who is who"), make("p", { class: "sub" }, "Choose the pictures that show another, and split them off; or merge two that are one."), make("div", { class: "review-cards" }, cards)),
  );
  show();
}

/** A statement with a way to take it back. */
export function renderStatement(one, api, changed, trouble) {
  const back = make("button", { type: "button", class: "button small" }, "Take back");
  back.addEventListener("click", async () => {
    back.disabled = true;
    try {
      const { story_key, action, target } = one;
      changed((await api.post("/api/statements/remove", { story_key, action, target })).statements);
    } catch (error) {
      back.disabled = false;
      trouble.replaceChildren(notice(error.message, "error"));
    }
  });
  return make("li", { class: "statement" }, make("span", { class: "said" }, SAID[one.action]?.(one) ?? one.action), one.note ? make("q", { class: "sub" }, one.note) : null, back);
}

function renderEntity(entity, known, frames, context, say) {
  const chosen = new Set();
  const own = known.get(entity.id);
  const name = context.nameOf(entity.id) || entity.id;
  const split = make("button", { type: "button", class: "button", disabled: true, on: { click: () => say({ action: "split", ids: [entity.id], frames: [...chosen] }) } }, "Split off");
  const crops = entity.appearances
    .filter(({ frame }) => own.frames.includes(frame))
    .map(({ frame, box }) => {
      const button = make("button", { type: "button", class: "crop-choice", "aria-pressed": "false", "aria-label": `${name} in image ${frame}` },
        frames.has(frame) ? renderCrop(frames.get(frame), box, { width: 320 }) : make("span", { class: "crop empty" }),
        make("span", { class: "crop-number" }, frame));
      button.addEventListener("click", () => {
        if (!chosen.delete(frame)) chosen.add(frame);
        button.setAttribute("aria-pressed", String(chosen.has(frame)));
        split.disabled = chosen.size === 0 || chosen.size >= own.frames.length;
      });
      return button;
    });
  const others = [...known.values()].filter((other) => other.id !== entity.id && other.kind === own.kind && !other.frames.some((frame) => own.frames.includes(frame)));
  const into = make("select", { "aria-label": `Merge ${name} with` }, make("option", { value: "" }, "Merge with…"), others.map((other) => make("option", { value: other.id }, `${context.nameOf(other.id) || ""} ${other.id}`.trim())));
  into.addEventListener("change", () => {
    if (into.value) say({ action: "merge", ids: [entity.id, into.value].sort(byNumber) });
    into.value = "";
  });
  const called = make("input", { value: name, maxlength: 60, "aria-label": `Name of ${entity.id}`, spellcheck: "false" });
  const rename = make(
    "form",
    { class: "rename", on: { submit: (event) => {
      event.preventDefault();
      say({ action: "name", ids: [entity.id], value: called.value });
    } } },
    called,
    make("button", { type: "submit", class: "button" }, "Rename"),
  );
  return make(
    "article",
    { class: `review-card ${colourClass(entity.id)}`, data: { entity: entity.id }, "aria-label": name },
    make("header", {}, make("h3", {}, name), make("span", { class: "chip-id" }, entity.id)),
    make("div", { class: "crops", tabindex: "0", role: "group", "aria-label": `Pictures of ${name}` }, crops),
    own.kind === "char" ? rename : null,
    make("div", { class: "actions" }, own.frames.length > 1 ? split : null, others.length ? into : null),
  );
}

function byNumber(one, other) {
  return one.length - other.length || (one < other ? -1 : 1);
}

/** The view of everything that was said, stories included that are no longer in the dataset. */
export async function render(root, params, api) {
  document.title = "Reviews · storyreasoning";
  const found = await api.get("/api/statements");
  const trouble = make("div", { class: "trouble", "aria-live": "polite" });
  const list = make("ul", { class: "statements" });
  const show = (statements) => {
    list.replaceChildren(...statements.map((one) => {
      const item = renderStatement(one, api, show, trouble);
      item.prepend(make("span", { class: "split" }, one.film), make("code", {}, one.story_key.slice(0, 8)));
      return item;
    }));
    if (!statements.length) list.append(make("li", { class: "none" }, "Nobody said anything yet. A story's tab “Review” is the place."));
  };
  root.append(make("header", { class: "live-head" }, make("h1", {}, "Reviews"), make("p", { class: "sub" }, "Applied by the next “storyreasoning build” of this workspace.")), trouble, list);
  if (found.can_review) show(found.statements);
  else list.replaceWith(notice("Only stories of a workspace can be reviewed: start with storyreasoning view WORKSPACE."));
}
