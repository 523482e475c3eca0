/**
 * The API, typed by the contracts: one client per service. `read` and `change` give the answer's data or throw
 * `Refused` (the journal said no) or `Unreachable` (nobody said anything).
 */

import createClient, { type Middleware } from "openapi-fetch";
import { language } from "../texts";
import type { paths as Gradebook } from "./generated/gradebook";
import type { paths as Identity } from "./generated/identity";
import type { paths as Notifications } from "./generated/notifications";
import type { paths as Reporting } from "./generated/reporting";
import type { paths as Schedule } from "./generated/schedule";
import { type ProblemDocument, Refused, Unreachable } from "./problem";

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** Headers that every request of the client carries; a change is known by a key of its own. */
export function headersOf(method: string, key: string = crypto.randomUUID()): Record<string, string> {
  const always = { "X-Zhurnal": "1", "Accept-Language": language };
  return method === "GET" ? always : { ...always, "Idempotency-Key": key };
}

/** The position of the last change of this visit, by log, and of all: what is read after it has to show it. */
const written: { last?: string } & Record<string, string> = {};
const OF_ALL_LOGS = new Set(["reporting", "notifications"]);

const ours = (service: string): Middleware => ({
  onRequest({ request }) {
    const position = OF_ALL_LOGS.has(service) ? written.last : written[service];
    let sent = request;
    if (request.method === "GET" && position !== undefined) {
      const address = new URL(request.url);
      address.searchParams.set("min_position", position);
      sent = new Request(address, request);
    }
    for (const [name, value] of Object.entries(headersOf(request.method))) {
      if (!sent.headers.has(name)) sent.headers.set(name, value);
    }
    return sent;
  },
  onResponse({ response }) {
    const position = response.headers.get("Zhurnal-Position");
    const [log] = position?.split(":") ?? [];
    if (position !== null && log) written[log] = written.last = position;
    return undefined;
  },
  onError({ error }) {
    return new Unreachable(String(error));
  },
});

function service<Paths extends object>(name: string) {
  const client = createClient<Paths>({ baseUrl: `/api/${name}`, credentials: "same-origin" });
  client.use(ours(name));
  return client;
}

export const identity = service<Identity>("identity");
export const schedule = service<Schedule>("schedule");
export const gradebook = service<Gradebook>("gradebook");
export const reporting = service<Reporting>("reporting");
export const notifications = service<Notifications>("notifications");

/**
 * The data of an answer: `await got(gradebook.GET("/pages/{page}", { params: … }))`. Throws Refused, Unreachable.
 *
 * Lists may also be asked for as text for a spreadsheet; that is a link to click, never read here.
 */
export async function got<T>(asked: Promise<Answer<T>>): Promise<Exclude<T, string>> {
  const { data, error, response } = await asked;
  if (response.ok) return data as Exclude<T, string>;
  throw problemOf(error) ?? new Unreachable(`HTTP ${response.status}`);
}

/** The refusal in an answer's body, nothing where it is none of the journal's. */
export function problemOf(body: unknown): Refused | undefined {
  const stated = body as Partial<ProblemDocument> | undefined;
  return typeof stated?.code === "string" && typeof stated.status === "number" ? new Refused(stated as ProblemDocument) : undefined;
}
