// One story at a time; whatever comes from the server goes in as text.

const GRADES = ["description_accuracy", "creativity"];
const at = (id) => document.getElementById(id);
let rated = [];
let place = 0;

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

async function call(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, options);
  const value = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(value.error ?? `the server answers ${response.status}`);
  return value;
}

function tell(message) {
  at("error").textContent = message;
}

// A story's text has its images' numbers in brackets; text before the first stands by itself.
function split(story) {
  const parts = new Map();
  let number = 0;
  for (const piece of story.split(/^(\[Image \d+\]) ?/m)) {
    const found = /^\[Image (\d+)\]$/.exec(piece);
    if (found) number = Number(found[1]);
    else if (piece.trim()) parts.set(number, `${parts.get(number) ?? ""}${piece.trim()}\n`);
  }
  return parts;
}

function card(number, text, images) {
  const article = make("article");
  if (number >= 1 && number <= images) {
    const source = `/api/stories/${place}/images/${number}`;
    article.append(make("div", {}, make("h2", { textContent: `Image ${number}` }), make("img", { src: source, alt: `Image ${number}` })));
  } else {
    article.append(make("h2", { textContent: number ? `Image ${number}: there is none` : "Without an image" }));
  }
  article.append(make("p", { textContent: text ?? "Nothing is told of it." }));
  return article;
}

async function show() {
  const value = await call(`/api/stories/${place}`);
  const parts = split(value.story);
  const numbers = new Set(parts.keys());
  for (let number = 1; number <= value.images; number += 1) numbers.add(number);
  at("story").replaceChildren(...[...numbers].sort((a, b) => a - b).map((number) => card(number, parts.get(number), value.images)));
  at("hallucinations").value = value.rating?.hallucinations ?? "";
  at("remark").value = value.rating?.remark ?? "";
  for (const name of GRADES) {
    for (const input of at(name).querySelectorAll("input")) input.checked = value.rating?.[name] === Number(input.value);
  }
  const done = rated.filter(Boolean).length;
  at("progress").textContent = `Story ${place + 1} of ${rated.length}; ${done} rated${done === rated.length ? ": all done, thank you" : ""}`;
  at("bar").max = rated.length;
  at("bar").value = done;
  at("back").disabled = place === 0;
  tell("");
  window.scrollTo(0, 0);
}

async function keep(event) {
  event.preventDefault();
  const text = at("hallucinations").value;
  const rating = { hallucinations: text === "" ? null : Number(text), remark: at("remark").value };
  for (const name of GRADES) {
    const chosen = at(name).querySelector("input:checked");
    rating[name] = chosen ? Number(chosen.value) : null;
  }
  try {
    await call(`/api/stories/${place}`, rating);
    rated[place] = true;
    const open = rated.findIndex((one, index) => !one && index > place);
    place = open >= 0 ? open : Math.max(0, rated.findIndex((one) => !one));
    if (rated.every(Boolean)) place = rated.length - 1;
    await show();
  } catch (error) {
    tell(error.message);
  }
}

async function begin() {
  for (const name of GRADES) {
    for (let grade = 1; grade <= 5; grade += 1) {
      const input = make("input", { type: "radio", name, value: String(grade) });
      at(name).querySelector(".grades").append(make("label", {}, input, String(grade)));
    }
  }
  at("form").addEventListener("submit", keep);
  at("back").addEventListener("click", () => {
    place = Math.max(0, place - 1);
    show().catch((error) => tell(error.message));
  });
  const value = await call("/api/overview");
  rated = value.rated;
  at("rubric").textContent = value.rubric;
  place = Math.max(0, rated.indexOf(false));
  await show();
}

begin().catch((error) => tell(error.message));
