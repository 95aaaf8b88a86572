// Elements from data. Text only ever becomes text nodes and attribute values: nothing here, and nothing that uses it, parses markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. `properties`: `class`, `data` (an object of data-*), `on` (listeners by event), `style` (CSS properties, set
 * one by one as the content security policy asks), and any other name as an attribute; false, null and undefined leave it out.
 * Children are nodes, texts, numbers, arrays of these, or null.
 */
export function make(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same for SVG. */
export function draw(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.setAttribute("class", value);
    else if (name === "data") for (const [key, text] of Object.entries(value)) element.dataset[key] = text;
    else if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "style") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else if (/^on/i.test(name)) throw new TypeError(`listeners go into "on", not into the attribute ${name}`);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/** Append nodes, texts, numbers, and arrays of them. */
export function append(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : String(child));
  }
}

/** A count with its noun: `plural(1, "frame")` is "1 frame"; `many` where an s does not do. */
export function plural(count, noun, many = `${noun}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? noun : many}`;
}

/** A sentence that says what is wrong and what to do. */
export function notice(text, kind = "notice") {
  return make("p", { class: kind, role: kind === "error" ? "alert" : "status" }, text);
}
