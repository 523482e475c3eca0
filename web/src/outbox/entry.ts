/** What waits to be sent: a change of a gradebook page, and where on the page it stands. */

import type { ProblemDocument } from "../api/problem";

export type Method = "PUT" | "PATCH" | "POST" | "DELETE";

/**
 * A change as a room asks for it.
 *
 * `targets` name the places it writes: `cell:LESSON:STUDENT`, `attendance:LESSON`, `lesson:LESSON`, `homework:LESSON`,
 * `final:STUDENT`; `page` for what concerns all of it (signature, undo, accepting every proposed final): that waits for
 * everything before it, and everything after waits for it. `path` is below the grade book's address: `/pages/…`.
 * `expected` is the tag to replace, null where there is nothing yet, left out for a route without conditions; a bulk
 * has its tags in the items. `shown` is the room's own: what to paint meanwhile.
 */
export type Change = {
  page: string;
  targets: readonly string[];
  method: Method;
  path: string;
  body: object;
  expected?: string | null;
  shown: unknown;
};

/**
 * A change on its way. `key` is its Idempotency-Key; once it has been sent (`tries` > 0), method, path, body and
 * `expected` stay as they are under that key. `problem` is there when it is refused or in conflict.
 */
export type Entry = Change & {
  key: string;
  person: string;
  made_at: string;
  seq: number;
  state: "waiting" | "sending" | "refused" | "conflict";
  problem?: ProblemDocument;
  tries: number;
};

export type Mark = { grade?: string | null; value: string; work: string; makeup_on?: string | null; retake_of?: string | null };
export type Item = { lesson?: string; student: string; expected?: string | null; grades?: Mark[]; value?: string };
export type SavedItem = { lesson?: string; student: string; etag: string; grades?: { grade: string; value: string | null }[]; value?: string };

/**
 * What the journal answered to a change. `current` instead of the rest: the same already stood there, this is it (in a
 * bulk: the items that were written by somebody else in the meantime are missing).
 */
export type Answer = {
  position?: string;
  events?: number;
  etag?: string;
  grades?: { grade: string; value: string | null }[];
  items?: SavedItem[];
  current?: unknown;
};

/** The place of a target: lesson and homework share one, as they share their tag. */
export function placeOf(target: string): string {
  return target.startsWith("homework:") ? `lesson:${target.slice("homework:".length)}` : target;
}

export function placeOfItem({ lesson, student }: { lesson?: string; student: string }): string {
  return lesson === undefined ? `final:${student}` : `cell:${lesson}:${student}`;
}

/** Lesson and student of a target. Ids of lessons hold no colon (they are uuids); this decides about order only. */
export function partsOf(target: string): { kind: string; lesson: string; student: string } {
  const [kind = "", first = "", ...rest] = target.split(":");
  if (kind === "cell") return { kind, lesson: first, student: rest.join(":") };
  const whole = [first, ...rest].join(":");
  return kind === "final" ? { kind, lesson: "", student: whole } : { kind, lesson: whole, student: "" };
}

/** Whether it enters a lesson that is not there yet: what else concerns that lesson has to wait for it. */
export function enters(change: Change): boolean {
  return change.method === "PUT" && change.targets.length === 1 && (change.targets[0] ?? "").startsWith("lesson:");
}

/** The items of a bulk, nothing for a change of one place. */
export function itemsOf(change: Change): Item[] | undefined {
  const { items } = change.body as { items?: Item[] };
  return change.method === "POST" && Array.isArray(items) ? items : undefined;
}
