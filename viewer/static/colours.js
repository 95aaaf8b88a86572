// The colour of an entity follows from its id alone, so that it is the same in text, boxes, tables and cards, in every story,
// and before the rest of a streamed answer has come. People have eight hues, things six others, places two.

const PALETTES = { char: [0, 8], obj: [8, 6], lm: [14, 1], bg: [15, 1] };

/** `{slot, round}`: which of the 16 colours, and how often the palette of its kind was used up before. */
export function colourOf(id) {
  const found = /^(char|obj|lm|bg)([1-9][0-9]*)$/.exec(id);
  if (!found) return { slot: 15, round: 0 };
  const [first, size] = PALETTES[found[1]];
  const place = Number(found[2]) - 1;
  return { slot: first + (place % size), round: Math.floor(place / size) };
}

/** Classes that give an element the colour of an entity; a used-up palette repeats with broken lines (`again`). */
export function colourClass(id) {
  const { slot, round } = colourOf(id);
  return `c${slot}${round % 2 ? " again" : ""}`;
}

/** An underline for several entities: one stretch of each one's colour. */
export function groupLine(ids) {
  const share = 100 / ids.length;
  const stops = ids.map((id, place) => `var(--ink-${colourOf(id).slot}) ${place * share}% ${(place + 1) * share}%`);
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}
