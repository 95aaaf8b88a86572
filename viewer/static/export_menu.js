// Saving a story as a file: asked of the server, given to the browser.

import { make } from "./dom.js";

const FORMATS = { html: "Web page", markdown: "Markdown", json: "JSON" };
const SUFFIXES = { html: "html", markdown: "md", json: "json" };

/** Buttons for each format; `fetchFile(format)` gives a response, `onError(message)` hears what went wrong. */
export function exportButtons(fetchFile, onError) {
  return Object.entries(FORMATS).map(([format, title]) => {
    const button = make("button", { type: "button", class: "button" }, title);
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        const response = await fetchFile(format);
        const named = /filename="([\w.-]+)"/.exec(response.headers.get("content-disposition") ?? "");
        saveBlob(await response.blob(), named?.[1] ?? `story.${SUFFIXES[format]}`);
      } catch (error) {
        onError(error.message);
      } finally {
        button.disabled = false;
      }
    });
    return button;
  });
}

function saveBlob(blob, name) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A menu of links to the files of a story of the library. */
export function exportLinks(key) {
  const links = Object.entries(FORMATS).map(([format, title]) =>
    make("a", { href: `/api/export/${encodeURIComponent(key)}?format=${format}`, download: "" }, title));
  return make("details", { class: "menu" }, make("summary", { class: "quiet" }, "Export"), make("div", { class: "menu-list" }, links));
}
