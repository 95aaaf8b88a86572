// Keys for a view: single letters where nobody is typing, and arrows from one mention to the next.

/** Call `keys[event.key]()` for keys that are pressed outside of fields; returns how to stop. */
export function listen(keys) {
  const listener = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : null;
    if (act && act(event) !== false) event.preventDefault();
  };
  document.addEventListener("keydown", listener);
  return () => document.removeEventListener("keydown", listener);
}

function isTyping(element) {
  return Boolean(element?.closest?.("input, textarea, select, [contenteditable]"));
}

/**
 * One stop of the Tab key for each `group` in `root`; within it, arrows, Home and End go along the elements that match `items`.
 * Call it again after drawing anew; returns how to stop.
 */
export function rove(root, group, items) {
  const first = () => {
    for (const holder of root.querySelectorAll(group)) {
      const found = [...holder.querySelectorAll(items)];
      if (found.length && !found.some((item) => item.tabIndex === 0)) found[0].tabIndex = 0;
    }
  };
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const listener = (event) => {
    const item = event.target.closest?.(items);
    const holder = item?.closest(group);
    if (!holder || event.ctrlKey || event.metaKey || event.altKey) return;
    const found = [...holder.querySelectorAll(items)];
    const at = found.indexOf(item);
    const to = event.key === "Home" ? 0 : event.key === "End" ? found.length - 1 : at + (step[event.key] ?? NaN);
    if (Number.isNaN(to)) return;
    event.preventDefault();
    event.stopPropagation();
    const next = found[Math.min(Math.max(to, 0), found.length - 1)];
    item.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  };
  root.addEventListener("keydown", listener);
  first();
  return () => root.removeEventListener("keydown", listener);
}
