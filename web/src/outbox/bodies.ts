/**
 * What the outbox has to know about bodies: tags and ids that only the answer to an earlier entry tells, and whether
 * what stands in the journal is what an entry wanted.
 */

import type { ProblemDocument } from "../api/problem";
import { type Answer, type Change, itemsOf, type Item, type Mark, placeOf, placeOfItem } from "./entry";

const PENDING = "pending:";
const NO_TAG = "none";
export const OVERTAKEN = "precondition-failed";

/** What a later change calls the mark `index` of an entry whose mark has no id yet: `grade: pendingGrade(entry.key, 0)`. */
export function pendingGrade(key: string, index: number): string {
  return `${PENDING}${key}:${index}`;
}

/** A tag as `expected`: the journal shows "none" where there is nothing. */
export function tagged(etag: unknown): string | null {
  return typeof etag === "string" && etag !== NO_TAG ? etag : null;
}

type Ids = ReadonlyMap<string, readonly (string | undefined)[]>;

/** The change with other marks in its cells. */
function withMarks(change: Change, to: (place: string, marks: Mark[]) => Mark[]): Change["body"] {
  const items = itemsOf(change);
  if (items) return { ...change.body, items: items.map((item) => (item.grades ? { ...item, grades: to(placeOfItem(item), item.grades) } : item)) };
  const { grades } = change.body as { grades?: Mark[] };
  return grades ? { ...change.body, grades: to(change.targets[0] ?? "", grades) } : change.body;
}

/** The body with what it calls after marks of the entry `key` called by their ids; a mark without id is a new one. */
export function named(change: Change, key: string, ids: Ids): Change["body"] {
  if (!refers(change, `${PENDING}${key}:`)) return change.body;
  return withMarks(change, (place, marks) =>
    marks.map((mark) => {
      if (!mark.grade?.startsWith(`${PENDING}${key}:`)) return mark;
      const id = ids.get(place)?.[Number(mark.grade.slice(PENDING.length + key.length + 1))];
      return { ...mark, grade: id };
    }),
  );
}

/** The body as it can be sent: no mark is called after an entry that is not known any more. */
export function sendable(change: Change): Change["body"] {
  if (!callsPending(change)) return change.body;
  return withMarks(change, (_, marks) =>
    marks.map((mark) => (mark.grade?.startsWith(PENDING) ? { ...mark, grade: undefined } : mark)),
  );
}

/** Whether a mark is called after an entry. */
export function callsPending(change: Change): boolean {
  return refers(change, PENDING);
}

function refers(change: Change, prefix: string): boolean {
  const cells = itemsOf(change) ?? [change.body as { grades?: Mark[] }];
  return cells.some(({ grades }) => Array.isArray(grades) && grades.some((mark) => mark.grade?.startsWith(prefix)));
}

/** The ids that the marks of a change have by its own body. */
export function idsIn(change: Change): Ids {
  const ids = new Map<string, (string | undefined)[]>();
  withMarks(change, (place, marks) => (ids.set(place, marks.map(({ grade }) => grade ?? undefined)), marks));
  return ids;
}

/** The ids that the marks of a change have now that it is answered. */
export function idsAfter(change: Change, answer: Answer): Ids {
  return new Map([...cellsAfter(change, answer)].map(([place, { marks }]) => [place, marks.map(({ grade }) => grade ?? undefined)]));
}

/**
 * The cells as they stand after a change was saved, by place: tag and marks with their ids. For caches of the page, and
 * for the changes that come next.
 */
export function cellsAfter(change: Change, answer: Answer): Map<string, { etag: string | undefined; marks: Mark[] }> {
  const cells = new Map<string, { etag: string | undefined; marks: Mark[] }>();
  const items = new Map(answer.items?.map((item) => [placeOfItem(item), item]));
  withMarks({ ...change, body: sendable(change) }, (place, marks) => {
    if (answer.current !== undefined) {
      cells.set(place, { etag: answer.etag, marks: onTopOf(marks, gradesIn(answer.current)) });
    } else {
      const saved = items.get(place) ?? answer;
      cells.set(place, { etag: saved.etag, marks: withIds(marks, saved.grades ?? []) });
    }
    return marks;
  });
  return cells;
}

/** The answer names what became of each grade in the order annulled (no value), changed, recorded; each in the body's order. */
function withIds(marks: readonly Mark[], became: readonly { grade: string; value: string | null }[]): Mark[] {
  const sent = new Set(marks.map(({ grade }) => grade));
  const annulled = new Set(became.filter(({ value }) => value === null).map(({ grade }) => grade));
  const recorded = became.filter(({ grade, value }) => value !== null && !sent.has(grade));
  return marks.map((mark) => {
    if (mark.grade && !annulled.has(mark.grade)) return mark;
    const next = recorded.shift();
    return next ? { ...mark, grade: next.grade } : mark;
  });
}

function gradesIn(current: unknown): Mark[] {
  return (current as { grades?: Mark[] } | null)?.grades ?? [];
}

/** My marks as corrections of those that stand there: by id, then the same mark, then whichever is left. */
function onTopOf(mine: readonly Mark[], standing: readonly Mark[]): Mark[] {
  const free = new Map(standing.map((mark) => [mark.grade, mark]));
  const taken = mine.map((mark) => {
    const found = mark.grade ? free.get(mark.grade) : undefined;
    if (found) free.delete(found.grade);
    return found?.grade;
  });
  for (const alike of [(a: Mark, b: Mark) => saying(a) === saying(b), () => true]) {
    mine.forEach((mark, i) => {
      const found = taken[i] ? undefined : [...free.values()].find((other) => alike(mark, other));
      if (!found) return;
      taken[i] = found.grade;
      free.delete(found.grade);
    });
  }
  return mine.map((mark, i) => ({ ...mark, grade: taken[i] }));
}

const saying = ({ value, work, makeup_on, retake_of }: Mark) => JSON.stringify([value, work, makeup_on ?? null, retake_of ?? null]);

/** The tags that an answer tells, by place. */
export function tagsAfter(change: Change, answer: Answer): ReadonlyMap<string, string> {
  const tags = new Map<string, string>();
  for (const item of answer.items ?? []) tags.set(placeOfItem(item), item.etag);
  const [target, ...more] = change.targets;
  if (answer.etag !== undefined && target !== undefined && more.length === 0) tags.set(placeOf(target), answer.etag);
  return tags;
}

/** The change on top of what those tags stand for. The same object if none of them concerns it. */
export function onTags<C extends Change>(change: C, tags: ReadonlyMap<string, string | null>): C {
  const items = itemsOf(change);
  if (items) {
    if (!items.some((item) => item.expected !== undefined && tags.has(placeOfItem(item)))) return change;
    const renewed = items.map((item) => {
      const tag = tags.get(placeOfItem(item));
      return item.expected === undefined || tag === undefined ? item : { ...item, expected: tag };
    });
    return { ...change, body: { ...change.body, items: renewed } };
  }
  const tag = change.targets.length === 1 ? tags.get(placeOf(change.targets[0] ?? "")) : undefined;
  return tag === undefined || change.expected === undefined || change.expected === tag ? change : { ...change, expected: tag };
}

/** The tag that the change expects at a place; undefined: none is stated. */
export function expectedAt(change: Change, place: string): string | null | undefined {
  const items = itemsOf(change);
  return items ? items.find((item) => placeOfItem(item) === place)?.expected : change.expected;
}

/** A bulk without the item of that place; nothing if that was all. */
export function without<C extends Change>(change: C, place: string): C | undefined {
  const items = (itemsOf(change) ?? []).filter((item) => placeOfItem(item) !== place);
  const targets = change.targets.filter((target) => placeOf(target) !== place);
  return items.length === 0 ? undefined : { ...change, targets, body: { ...change.body, items } };
}

// -- conflicts ----------------------------------------------------------------------------------------------------

type Refusal = Item & { problem: ProblemDocument };

/** The refused items of a bulk. */
export function refusals(problem: ProblemDocument): Refusal[] {
  return problem.code === "bulk-refused" && Array.isArray(problem["items"]) ? (problem["items"] as Refusal[]) : [];
}

/** Whether nothing but another value in the meantime stands against it. */
export function overtaken(problem: ProblemDocument): boolean {
  const items = refusals(problem);
  return problem.code === OVERTAKEN || (items.length > 0 && items.every((item) => item.problem.code === OVERTAKEN));
}

/** Whether what stands there is what the change wanted. */
export function stands(change: Change, current: unknown): boolean {
  const mine = change.body as Record<string, unknown>;
  const there = (current ?? {}) as Record<string, unknown>;
  switch ((change.targets[0] ?? "").split(":")[0]) {
    case "cell":
      return same((mine["grades"] as Mark[]).map(saying), gradesIn(current).map(saying));
    case "attendance":
      return Array.isArray(there["marks"]) && same(missedIn(mine["marks"]), missedIn(there["marks"]));
    case "homework":
      return mine["text"] === there["homework"] && (mine["due_on"] ?? null) === (there["due_on"] ?? null);
    case "lesson":
      return Object.entries(mine).every(([name, value]) => value === null || value === undefined || value === there[name]);
    case "final":
      if (change.method === "DELETE") return (there["value"] ?? null) === null;
      return ["value", "order_no", "source"].every((name) => (mine[name] ?? "") === (there[name] ?? ""));
    default:
      return false;
  }
}

function missedIn(marks: unknown): string[] {
  return (marks as { student: string; hours?: number; late?: number; left_early?: number }[]).map(({ student, hours, late, left_early }) =>
    JSON.stringify([student, hours ?? 0, late ?? 0, left_early ?? 0]),
  );
}

function same(some: string[], others: string[]): boolean {
  return some.length === others.length && [...some].sort().join() === [...others].sort().join();
}

/** The items of a bulk that stand there already, as changes of their own. */
export function standing(change: Change, problem: ProblemDocument): string[] {
  const items = new Map(itemsOf(change)?.map((item) => [placeOfItem(item), item]));
  return refusals(problem).flatMap((refused) => {
    const place = placeOfItem(refused);
    const item = items.get(place);
    return item && stands({ ...change, method: "PUT", targets: [place], body: item }, refused.problem["current"]) ? [place] : [];
  });
}

/** The change over what stands there now, as the conflict's problem tells it. */
export function overwriting<C extends Change>(change: C, problem: ProblemDocument): C {
  const found = refusals(problem).length > 0 ? refusals(problem).map((item) => [placeOfItem(item), item.problem] as const) : [[placeOf(change.targets[0] ?? ""), problem] as const];
  const there = new Map(found);
  const tags = new Map(found.map(([place, { etag }]) => [place, tagged(etag)]));
  const body = withMarks(change, (place, marks) => (there.has(place) ? onTopOf(marks, gradesIn(there.get(place)?.["current"])) : marks));
  // A lesson that somebody else has entered is not entered again: mine becomes its amendment.
  if (change.method === "PUT" && change.targets[0]?.startsWith("lesson:")) {
    const { hours, kind, topic, topic_no } = body as Record<string, unknown>;
    return { ...change, method: "PATCH", body: { hours, kind, topic, topic_no }, expected: tagged(problem["etag"]) };
  }
  return onTags({ ...change, body }, tags);
}
