// The frame of the page: which view is shown (by the part of the address behind #), and the theme.
// A view is a module that exports render(root, params, api); what it returns, if anything, is called when it is left.

import * as api from "./api.js";
import { make, notice } from "./dom.js";

const VIEWS = { "": "./library.js", story: "./story.js", live: "./live.js", analysis: "./analysis.js", reviews: "./review.js" };
const main = document.getElementById("main");
let leave = null;
let turn = 0;

/** `#/story/ID/tables?frame=2` as {view, path, query}. */
export function readAddress(hash) {
  const [route, search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [view, ...path] = route.split("/").map(decode);
  return { view, path, query: new URLSearchParams(search) };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function show() {
  const mine = ++turn;
  const params = readAddress(location.hash);
  const root = make("div", { class: `view view-${Object.hasOwn(VIEWS, params.view) ? params.view || "library" : "none"}` });
  for (const link of document.querySelectorAll("nav [data-view]")) {
    const here = link.dataset.view === params.view || (params.view === "story" && link.dataset.view === "");
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  leave?.();
  leave = null;
  main.replaceChildren(root);
  try {
    if (!Object.hasOwn(VIEWS, params.view)) throw new Error("There is no such page. The library is the first link above.");
    const module = await import(VIEWS[params.view]);
    if (mine !== turn) return;
    const left = await module.render(root, params, api);
    if (mine === turn) leave = left ?? null;
    else left?.();
  } catch (error) {
    if (mine === turn && error.name !== "AbortError") root.replaceChildren(notice(error.message, "error"));
  }
}

// ---------------------------------------------------------------- theme

const button = document.getElementById("theme");
const dark = matchMedia("(prefers-color-scheme: dark)");

function readTheme() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // storage may be forbidden; the system's choice holds then
  }
}

function applyTheme(chosen) {
  const theme = chosen ?? (dark.matches ? "dark" : "light");
  document.documentElement.dataset.theme = theme;
  button.textContent = theme === "dark" ? "☀" : "☾";
  button.setAttribute("aria-pressed", String(theme === "dark"));
}

button.addEventListener("click", () => {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("theme", next);
  } catch {
    // as above
  }
  applyTheme(next);
});
dark.addEventListener("change", () => applyTheme(readTheme()));
applyTheme(readTheme());

addEventListener("hashchange", show);
show();
