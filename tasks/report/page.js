// Pointing at a tag, a name or a box lights what belongs to the same entities; a click or Enter keeps it lit.
"use strict";
for (const story of document.querySelectorAll(".story")) {
  let kept = null;
  const scopeOf = (source) => source.closest(".card") || story;
  const show = (source) => {
    for (const part of story.querySelectorAll(".lit, .busy")) part.classList.remove("lit", "busy");
    if (!source) return;
    const wanted = source.dataset.e.split(" ");
    const scope = scopeOf(source);
    for (const part of scope.querySelectorAll("[data-e]")) {
      if (part.dataset.e.split(" ").some((id) => wanted.includes(id))) part.classList.add("lit");
    }
    for (const picture of scope.querySelectorAll(".pic")) picture.classList.add("busy");
  };
  const keep = (source) => {
    for (const part of story.querySelectorAll("[aria-pressed=true]")) part.setAttribute("aria-pressed", "false");
    kept = kept === source ? null : source;
    if (kept && kept.hasAttribute("aria-pressed")) kept.setAttribute("aria-pressed", "true");
    show(kept);
  };
  const sourceOf = (event) => (event.target instanceof Element ? event.target.closest("[data-e]") : null);
  story.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "touch") show(sourceOf(event) || kept);
  });
  story.addEventListener("pointerleave", () => show(kept));
  story.addEventListener("focusin", (event) => show(sourceOf(event) || kept));
  story.addEventListener("focusout", () => show(kept));
  story.addEventListener("click", (event) => {
    const source = sourceOf(event);
    if (source) keep(source);
    else if (kept) keep(kept);
  });
  story.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && kept) keep(kept);
    const source = sourceOf(event);
    if (source && source.getAttribute("role") === "button" && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      keep(source);
    }
  });
}
