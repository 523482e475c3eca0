/** One entry over the network: what it looks like as a request, and what an answer means for it. */

import { headersOf, problemOf } from "../api/client";
import type { ProblemDocument } from "../api/problem";
import type { Answer, Entry } from "./entry";

/**
 * again: not written, or nobody knows. `reached`: something answered; `after`: how many ms it asks to wait.
 */
export type Outcome =
  | { kind: "saved"; answer: Answer }
  | { kind: "again"; reached: boolean; after: number }
  | { kind: "signed-out" }
  | { kind: "refused"; problem: ProblemDocument };

const PATIENCE_MS = 30_000;
const AGAIN = new Set([408, 425, 429, 502, 503, 504]);
const UNREACHED: Outcome = { kind: "again", reached: false, after: 0 };
const LEAST_MS = 500;
const MOST_MS = 30_000;

/** Sends it once; never rejects. What is no answer of the journal (a portal in between, for instance) is none. */
export async function send(entry: Entry, fetcher: typeof fetch): Promise<Outcome> {
  try {
    const response = await fetcher(`/api/gradebook${entry.path}`, {
      method: entry.method,
      headers: { ...headersOf(entry.method, entry.key), "Content-Type": "application/json", ...conditions(entry.expected) },
      body: JSON.stringify(entry.body),
      credentials: "same-origin",
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return outcome(response, await response.json().catch(() => undefined));
  } catch {
    return UNREACHED;
  }
}

function conditions(expected: string | null | undefined): Record<string, string> {
  if (expected === undefined) return {};
  return expected === null ? { "If-None-Match": "*" } : { "If-Match": `"${expected}"` };
}

function outcome(response: Response, body: unknown): Outcome {
  if (response.ok) return typeof (body as Answer | undefined)?.position === "string" ? { kind: "saved", answer: body as Answer } : UNREACHED;
  if (response.status === 401) return { kind: "signed-out" };
  const problem = problemOf(body)?.problem;
  if (!problem || AGAIN.has(response.status)) {
    const seconds = Number(response.headers.get("Retry-After") ?? 0);
    const absent = !problem || response.status === 502 || response.status === 504;
    return { kind: "again", reached: !absent, after: Number.isFinite(seconds) ? seconds * 1000 : 0 };
  }
  return { kind: "refused", problem };
}

/** How long to wait after the n-th failure in a row, ms. Spread out, so that a class does not come back at once. */
export function pause(failures: number, after: number, random: number): number {
  return Math.max(after, Math.min(MOST_MS, LEAST_MS * 2 ** (failures - 1)) * (0.5 + random / 2));
}
