// What belongs together lights up together: everything in a root that carries data-ids (mentions, boxes, rows, chips, cards).
//
// Pointing at or focusing one lights its entities: their boxes in that frame, the rest of the frame dimmed, and every mention.
// A click pins an entity: its boxes light in all frames until Escape, another click, or clear().

/** Link up a root; returns {light, pin, clear, pinned, refresh, onChange, destroy}. */
export function linkUp(root) {
  const listeners = new Set();
  let hovered = null; // {ids, frame}
  let pinned = [];

  function apply() {
    const shown = hovered ?? (pinned.length ? { ids: pinned, frame: null } : null);
    const ids = new Set(shown?.ids ?? []);
    const inFrames = new Set();
    for (const element of root.querySelectorAll("[data-ids]")) {
      const mine = idsOf(element);
      const inside = element.closest("figure[data-frame]");
      let lit = mine.some((id) => ids.has(id));
      if (lit && inside && shown.frame !== null && !inside.classList.contains("always")) {
        lit = inside.dataset.frame === shown.frame;
      }
      if (lit && inside) inFrames.add(inside);
      element.classList.toggle("lit", lit);
    }
    for (const figure of root.querySelectorAll("figure[data-frame]")) figure.classList.toggle("dimmed", inFrames.has(figure));
    root.classList.toggle("lighting", ids.size > 0);
    for (const listener of listeners) listener({ ids: [...ids], frame: shown?.frame ?? null, pinned: [...pinned] });
  }

  function light(ids, frame = null) {
    hovered = ids?.length ? { ids: [...ids], frame: frame === null ? null : String(frame) } : null;
    apply();
  }

  function pin(...ids) {
    pinned = ids.length && ids.every((id) => pinned.includes(id)) && pinned.length === ids.length ? [] : ids;
    hovered = null;
    apply();
  }

  function clear() {
    if (!hovered && !pinned.length) return false;
    hovered = null;
    pinned = [];
    apply();
    return true;
  }

  const over = (event) => {
    const element = event.target.closest?.("[data-ids]");
    if (element && root.contains(element)) light(idsOf(element), frameOf(element));
    else if (hovered) light(null);
  };
  const out = (event) => {
    if (!root.contains(event.relatedTarget)) light(null);
  };
  const click = (event) => {
    const element = event.target.closest?.("[data-ids]");
    if (element && root.contains(element)) pin(...idsOf(element));
    else if (pinned.length && !event.target.closest?.("button, a, input, select, textarea, summary, label")) clear();
  };
  const key = (event) => {
    if (event.key === "Escape" && clear()) event.stopPropagation();
    if ((event.key === "Enter" || event.key === " ") && event.target.matches?.("[data-ids]:not(button)")) {
      event.preventDefault();
      pin(...idsOf(event.target));
    }
  };
  const touchless = (listener) => (event) => {
    if (event.pointerType !== "touch") listener(event); // a finger does not hover: its tap pins
  };
  const events = { pointerover: touchless(over), pointerout: touchless(out), focusin: over, focusout: out, click, keydown: key };
  for (const [name, listener] of Object.entries(events)) root.addEventListener(name, listener);

  return {
    light,
    pin,
    clear,
    pinned: () => [...pinned],
    /** Light anew what was drawn anew. */
    refresh: apply,
    /** Call `listener({ids, frame, pinned})` whenever what is lit changes; returns how to stop. */
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    destroy() {
      for (const [name, listener] of Object.entries(events)) root.removeEventListener(name, listener);
      listeners.clear();
    },
  };
}

function idsOf(element) {
  return element.dataset.ids.split(" ").filter(Boolean);
}

/** The frame that an element stands for, as text; null where it stands for the entity in all of them. */
function frameOf(element) {
  return element.closest("[data-frame]")?.dataset.frame ?? null;
}
