// Requests to the server. Every failure is an ApiError whose message is for people.

export class ApiError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

/** GET a path; `query` is an object of which empty values are left out; `signal` aborts. */
export async function get(path, query = {}, { signal } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const search = new URLSearchParams(given).toString();
  return answer(await send(search ? `${path}?${search}` : path, { signal }));
}

/** POST a value as JSON. */
export async function post(path, value, { signal } = {}) {
  const headers = { "content-type": "application/json" };
  return answer(await send(path, { method: "POST", headers, body: JSON.stringify(value), signal }));
}

/** A request whose answer is read by the caller (streams, downloads); an HTTP error is thrown as ApiError. */
export async function request(path, options = {}) {
  const response = await send(path, options);
  if (!response.ok) await answer(response);
  return response;
}

/** What the server was started with; asked once. */
export function state() {
  known ??= get("/api/state").catch((error) => {
    known = null;
    throw error;
  });
  return known;
}

let known = null;

async function send(path, options) {
  try {
    return await fetch(path, { credentials: "omit", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer. Is “storyreasoning view” still running?");
  }
}

async function answer(response) {
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  throw new ApiError(body?.error ?? `The server answered ${response.status} and did not say why.`, response.status);
}
