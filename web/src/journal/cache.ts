/**
 * The spread of a page as the client keeps it: one query per page, asked again cheaply, and brought up to what the
 * outbox has saved before its entry disappears, so that nothing flickers.
 */

import { queryOptions, type QueryClient } from "@tanstack/react-query";
import { got, gradebook } from "../api/client";
import { cellsAfter } from "../outbox/bodies";
import { type Answer, type Change, partsOf } from "../outbox/entry";
import type { Final, Lock, Spread, SpreadLesson, SpreadStudent } from "./spread";

/** `saved`: the position of the last own change that was put into it; an older answer must not undo it. */
type Kept = Spread & { etag?: string | null; saved?: number };

const keyOf = (page: string) => ["gradebook", "/pages/{page}", page] as const;

/** The page as it is now. Nothing is sent over again while it has not changed. */
export const spreadOf = (page: string) =>
  queryOptions({
    queryKey: keyOf(page),
    queryFn: async ({ client, signal }): Promise<Spread> => {
      const kept = client.getQueryData<Kept>(keyOf(page));
      const headers = kept?.etag ? { "If-None-Match": kept.etag } : {};
      const asked = await gradebook.GET("/pages/{page}", { params: { path: { page } }, headers, signal, cache: "no-store" });
      const now = client.getQueryData<Kept>(keyOf(page));
      if (asked.response.status === 304 && now) return now;
      const spread = (await got(Promise.resolve(asked))) as Kept;
      if (now?.saved !== undefined && positionOf(spread.position) < now.saved) return now;
      return { ...spread, etag: asked.response.headers.get("ETag") } as Kept;
    },
  });

function positionOf(position: string | undefined): number {
  return Number(position?.split(":")[1] ?? 0);
}

/**
 * Take a saved change into the kept page. `last`: nothing else of the page waits, so what only the journal can work out
 * (means, proposals) is asked for now; else it comes with the last one.
 */
export function takeIn(client: QueryClient, change: Change, answer: Answer, last: boolean): void {
  client.setQueryData<Kept>(keyOf(change.page), (kept) => {
    const changed = kept && withSaved(kept, change, answer);
    return changed && { ...changed, etag: null, saved: Math.max(changed.saved ?? 0, positionOf(answer.position)) };
  });
  if (last) void client.invalidateQueries({ queryKey: keyOf(change.page) });
}

/** The page with a saved change in it; the page itself where the change can only be read anew. */
export function withSaved<S extends Spread>(spread: S, change: Change, answer: Answer): S {
  const { kind, lesson, student } = partsOf(change.targets[0] ?? "");
  switch (kind) {
    case "cell":
      return withCells(spread, cellsAfter(change, answer));
    case "attendance": {
      const current = answer.current as { marks?: unknown; etag?: string } | undefined;
      const marks = current?.marks ?? (change.body as { marks: unknown }).marks;
      return withLesson(spread, lesson, (held) => ({ ...held, attendance: { etag: answer.etag ?? current?.etag ?? held.attendance.etag, marks } as SpreadLesson["attendance"] }));
    }
    case "lesson":
    case "homework":
      return withLesson(entered(spread, change, lesson), lesson, (held) => {
        const fields = answer.current ?? (kind === "homework" ? homeworkOf(change.body) : change.body);
        return { ...held, ...given(fields as Partial<SpreadLesson>), etag: answer.etag ?? held.etag };
      });
    case "final":
      return withStudents(spread, (held) => (held.student === student ? withFinal(held, change, answer) : held));
    default:
      return spread;
  }
}

const given = <T extends object>(fields: T) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;

const homeworkOf = (body: object) => {
  const { text, due_on } = body as { text: string; due_on?: string | null };
  return { homework: text, due_on: due_on ?? null };
};

function withLesson<S extends Spread>(spread: S, lesson: string, change: (held: SpreadLesson) => SpreadLesson): S {
  return { ...spread, lessons: spread.lessons.map((held) => (held.lesson === lesson ? change(held) : held)) };
}

function withStudents<S extends Spread>(spread: S, change: (held: SpreadStudent) => SpreadStudent): S {
  return { ...spread, students: spread.students.map(change) };
}

function withCells<S extends Spread>(spread: S, cells: ReturnType<typeof cellsAfter>): S {
  const of = new Map<string, SpreadStudent["cells"]>();
  for (const [place, { etag, marks }] of cells) {
    const { lesson, student } = partsOf(place);
    if (etag !== undefined) of.set(student, { ...of.get(student), [lesson]: { etag, grades: marks as SpreadStudent["cells"][string]["grades"] } });
  }
  return withStudents(spread, (held) => (of.has(held.student) ? { ...held, cells: { ...held.cells, ...of.get(held.student) } } : held));
}

/** As the journal will say it from now on (rule G2). */
const FINAL_STANDS: Lock = { code: "final-stands", rule: "G2", clause: "R 4.4.1", by: "teacher" };

function withFinal(held: SpreadStudent, change: Change, answer: Answer): SpreadStudent {
  const { value } = change.body as { value?: Final["value"] };
  const etag = answer.etag ?? held.final?.etag ?? "";
  if (change.method === "DELETE") return { ...held, final: { etag, value: null }, lock: null };
  return { ...held, final: { ...held.final, etag, value: value ?? null }, lock: FINAL_STANDS };
}

/** The page with a lesson that has just been entered, as the journal will show it. */
function entered<S extends Spread>(spread: S, change: Change, lesson: string): S {
  if (change.method !== "PUT" || !change.targets.includes(`lesson:${lesson}`)) return spread;
  if (spread.lessons.some((held) => held.lesson === lesson)) return spread;
  const body = change.body as Pick<SpreadLesson, "assignment" | "date" | "pair" | "hours" | "kind" | "topic" | "topic_no">;
  const made: SpreadLesson = {
    ...body,
    lesson,
    topic_no: body.topic_no ?? null,
    taught_by: spread.you.id,
    number: Math.max(0, ...spread.lessons.map(({ number }) => number)) + 1,
    homework: "",
    due_on: null,
    late_by_days: 0,
    etag: "none",
    attendance: { etag: "none", marks: null },
    unlocked_until: null,
    lock: null,
  };
  const lessons = [...spread.lessons, made].sort((a, b) => a.date.localeCompare(b.date) || a.pair - b.pair || a.number - b.number);
  return { ...spread, lessons };
}
