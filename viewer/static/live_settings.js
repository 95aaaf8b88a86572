// What is asked of the model: endpoint, model, prompts and sampling.

import { make } from "./dom.js";

/** The form; `read()` gives the request without images. */
export function liveSettings(defaults, api) {
  const endpoint = make("select", { id: "live-endpoint" }, defaults.endpoints.map((one, place) => make("option", { value: place }, one.url)));
  const names = make("datalist", { id: "live-models" });
  const model = make("input", { id: "live-model", list: "live-models", autocomplete: "off", spellcheck: "false", maxlength: 300, required: true });
  const said = make("p", { class: "sub", role: "status" });
  const system = make("textarea", { id: "live-system", rows: 6, maxlength: 20000 });
  const prompt = make("textarea", { id: "live-prompt", rows: 2, maxlength: 20000 });
  system.value = defaults.system;
  prompt.value = defaults.prompt;
  const number = (name, step, value, [least, most]) => make("input", { id: `live-${name}`, type: "number", step, min: least, max: most, value, inputmode: "decimal" });
  const temperature = number("temperature", 0.05, defaults.sampling.temperature, defaults.bounds.temperature);
  const topP = number("top_p", 0.05, defaults.sampling.top_p, defaults.bounds.top_p);
  const tokens = number("max_tokens", 1, defaults.sampling.max_tokens, defaults.bounds.max_tokens);
  const seed = make("input", { id: "live-seed", type: "number", step: 1, min: 0, max: 2 ** 31 - 1, placeholder: "random", inputmode: "numeric" });

  async function listModels() {
    const place = Number(endpoint.value || 0);
    model.value = defaults.endpoints[place]?.model ?? "";
    names.replaceChildren();
    said.textContent = "Asking for its models…";
    try {
      const { models, problem } = await api.get("/api/live/models", { endpoint: place });
      if (Number(endpoint.value || 0) !== place) return;
      names.replaceChildren(...models.map((name) => make("option", { value: name })));
      if (!model.value && models.length) model.value = models[0];
      said.textContent = problem ?? "";
    } catch (error) {
      said.textContent = error.message;
    }
  }

  endpoint.addEventListener("change", listModels);
  if (defaults.endpoints.length) listModels();
  const field = (label, control, note = null) => make("div", { class: "field" }, make("label", { for: control.id }, label), control, note);
  const element = make(
    "div",
    { class: "settings" },
    field("Endpoint", endpoint),
    field("Model", model, said),
    names,
    field("Prompt", prompt),
    make("details", {}, make("summary", {}, "System prompt"), field("System prompt", system)),
    make(
      "div",
      { class: "numbers" },
      field("Temperature", temperature),
      field("Top p", topP),
      field("Max tokens", tokens),
      field("Seed", seed),
    ),
  );

  return {
    element,
    read: () => ({
      endpoint: Number(endpoint.value || 0),
      model: model.value.trim(),
      system: system.value,
      prompt: prompt.value,
      temperature: temperature.valueAsNumber,
      top_p: topP.valueAsNumber,
      max_tokens: tokens.valueAsNumber,
      seed: seed.value === "" ? null : seed.valueAsNumber,
    }),
  };
}
