/**
 * The queue as plain data: what adding, sending and answering make of the entries of one person, and what may be sent
 * next. Pure: the same step on the same entries gives the same entries, so that it can be shown at once and carried out
 * on the stored ones afterwards.
 *
 * Order: what depends on each other goes one after the other as it was entered, the rest side by side. A cell depends on
 * its lesson, on that lesson's attendance (R 8.4: no grade beside an absence) and on the student's final.
 */

import type { ProblemDocument } from "../api/problem";
import { expectedAt, idsAfter, idsIn, named, onTags, overtaken, overwriting, refusals, sendable, standing, stands, tagged, tagsAfter, without } from "./bodies";
import { type Answer, type Change, type Entry, enters, itemsOf, partsOf, placeOf, placeOfItem } from "./entry";

export type Entries = readonly Entry[];
export type Step = (entries: Entries) => Entries;

/** How many entries of one page are on their way at once. */
export const PER_PAGE = 6;
const FAULT = 500;

const stuck = ({ state }: Entry) => state === "refused" || state === "conflict";
const unsent = ({ state, tries }: Entry) => state === "waiting" && tries === 0;
/** Nothing of it is written: it was never sent, or the journal has said no. After a fault (5xx) nobody knows. */
const open = (entry: Entry) => unsent(entry) || (stuck(entry) && (entry.problem?.status ?? FAULT) < FAULT);
const only = ({ targets }: Change) => (targets.length === 1 && targets[0] !== "page" ? targets[0] : undefined);
const alike = (some: Change, other: Change) => some.method === other.method && some.path === other.path;

/** A key never stands for two bodies. Derived, so that a step carried out twice makes the same one. */
function renewed(key: string): string {
  const [first, times] = key.split("~");
  return `${first}~${Number(times ?? 1) + 1}`;
}

/** `entry` calls no mark after `gone` any more: what the entry has no id for becomes a mark of its own. */
function released(entry: Entry, gone: Entry): Entry {
  const body = named(entry, gone.key, idsIn(gone));
  return body === entry.body ? entry : { ...entry, body };
}

/** A refused bulk without a place for which another change has been entered since. */
function ceded(bulk: Entry, place: string): Entry[] {
  const rest = without(bulk, place);
  return rest ? [{ ...rest, key: renewed(bulk.key) }] : [];
}

/**
 * A new change at the end of the queue. One of the same place that was never sent gives way to it (an amendment takes
 * the other's fields along), and so does one that was refused. What it replaces in the journal is what the first of them
 * saw; only who answers a conflict has seen what stands there now.
 */
export function add(change: Change, key: string, person: string, made_at: string): Step {
  return (entries) => {
    const last = entries.reduce((most, { seq }) => Math.max(most, seq), 0);
    const made: Entry = { ...change, key, person, made_at, seq: last + 1, state: "waiting", tries: 0 };
    const target = only(change);
    const before = target === undefined ? undefined : entries.findLast((entry) => entry.page === change.page && entry.targets.includes(target));
    if (target === undefined || !before) return [...entries, made];
    const rest = entries.filter((entry) => entry !== before);
    const based = { ...made, expected: seenBy(before, change, placeOf(target)) };
    if (only(before) === undefined) {
      return stuck(before) ? [...rest, ...ceded(before, placeOf(target)), released(based, before)].sort(bySeq) : [...entries, based];
    }
    if (!alike(before, change)) return [...entries, based];
    const body = change.method === "PATCH" ? { ...before.body, ...change.body } : change.body;
    if (unsent(before)) return [...rest, released({ ...based, body, seq: before.seq }, before)].sort(bySeq);
    if (stuck(before)) return [...rest, released({ ...based, body }, before)];
    return [...entries, based];
  };
}

const bySeq = (some: Entry, other: Entry) => some.seq - other.seq;

function seenBy(before: Entry, change: Change, place: string): string | null | undefined {
  if (change.expected === undefined) return undefined;
  if (before.state === "conflict" && before.problem && only(before) !== undefined) return tagged(before.problem["etag"]);
  const seen = expectedAt(before, place);
  return seen === undefined ? change.expected : seen;
}

/** On its way: from now on it stays as it is. */
export function start(keys: ReadonlySet<string>): Step {
  return (entries) =>
    entries.map((entry) => {
      if (entry.state !== "waiting" || !keys.has(entry.key)) return entry;
      return { ...entry, body: sendable(entry), state: "sending", tries: entry.tries + 1 };
    });
}

/** Nobody answered, so nobody knows: it is sent again under the same key. Without keys: all that were on their way. */
export function again(keys?: ReadonlySet<string>): Step {
  return (entries) => {
    const back = (entry: Entry) => entry.state === "sending" && (!keys || keys.has(entry.key));
    return entries.some(back) ? entries.map((entry) => (back(entry) ? { ...entry, state: "waiting" } : entry)) : entries;
  };
}

/** Saved: it leaves the queue, and what waits behind it learns tags and ids. */
export function saved(key: string, answer: Answer): Step {
  return (entries) => {
    const done = entries.find((entry) => entry.key === key);
    if (!done) return entries;
    const tags = tagsAfter(done, answer);
    const ids = idsAfter(done, answer);
    return entries.flatMap((entry) => {
      if (entry === done) return [];
      if (entry.page !== done.page || !open(entry)) return [entry];
      const body = named(entry, key, ids);
      return [onTags(body === entry.body ? entry : { ...entry, body }, tags)];
    });
  };
}

/** What a refusal means: saved after all (what stands there is what was wanted), or refused. */
export function verdict(entry: Entry, problem: ProblemDocument): Answer | undefined {
  if (!overtaken(problem)) return undefined;
  if (!itemsOf(entry)) {
    if (!stands(entry, problem["current"])) return undefined;
    const etag = tagged(problem["etag"]) ?? undefined;
    return { etag, current: problem["current"] };
  }
  return standing(entry, problem).length === itemsOf(entry)?.length ? { current: null } : undefined;
}

/** The journal said no. What was entered for the same place since then takes its turn instead. */
export function refused(key: string, problem: ProblemDocument): Step {
  return (entries) => {
    const entry = entries.find((one) => one.key === key);
    if (!entry) return entries;
    const state = overtaken(problem) ? "conflict" : "refused";
    const target = only(entry);
    if (target !== undefined) {
      const next = entries.find((one) => one.seq > entry.seq && one.page === entry.page && only(one) === target && alike(one, entry) && open(one));
      if (!next) return entries.map((one) => (one === entry ? { ...entry, state, problem } : one));
      const expected = next.expected === undefined ? undefined : entry.expected;
      const body = entry.method === "PATCH" ? { ...entry.body, ...next.body } : next.body;
      return entries.flatMap((one) => (one === entry ? [] : [one === next ? released({ ...next, expected, body }, entry) : one]));
    }
    const later = new Set(entries.flatMap((one) => (one.seq > entry.seq && one.page === entry.page && open(one) ? [placeOf(only(one) ?? "")] : [])));
    return entries.flatMap((one) => (one === entry ? answered(entry, state, problem, later) : [later.has(placeOf(only(one) ?? "")) ? released(one, entry) : one]));
  };
}

/** A refused bulk: without what stands there already and what has been entered anew; if nothing was wrong with the rest, it goes again. */
function answered(bulk: Entry, state: Entry["state"], problem: ProblemDocument, later: ReadonlySet<string>): Entry[] {
  const gone = [...standing(bulk, problem), ...(itemsOf(bulk) ?? []).map(placeOfItem).filter((place) => later.has(place))];
  if (gone.length === 0) return [{ ...bulk, state, problem }];
  const rest = gone.reduce<Entry | undefined>((left, place) => left && without(left, place), bulk);
  if (!rest) return [];
  const key = renewed(bulk.key);
  const wrong = refusals(problem).filter((item) => !gone.includes(placeOfItem(item)));
  if (wrong.length === 0 && refusals(problem).length > 0) return [{ ...rest, key, state: "waiting", tries: 0 }];
  return [{ ...rest, key, state, problem: { ...problem, items: wrong } }];
}

/** Given up by the person. What is on its way cannot be called back. */
export function discard(key: string): Step {
  return (entries) => {
    const gone = entries.find((entry) => entry.key === key);
    if (!gone || gone.state === "sending") return entries;
    return entries.flatMap((entry) => (entry === gone ? [] : [released(entry, gone)]));
  };
}

/** Once more; `more` mends the body, for instance by the reason that was missing. */
export function retry(key: string, more?: object): Step {
  return (entries) =>
    entries.map((entry) => {
      if (entry.key !== key || !stuck(entry)) return entry;
      const once = { ...entry, state: "waiting", problem: undefined } as const;
      if (more) return { ...once, body: { ...entry.body, ...more }, key: renewed(key), tries: 0 };
      return open(entry) ? { ...once, key: renewed(key), tries: 0 } : once;
    });
}

/** The answer to a conflict: mine, over what stands there now. */
export function overwrite(key: string, more: object = {}): Step {
  return (entries) =>
    entries.map((entry) => {
      if (entry.key !== key || entry.state !== "conflict" || !entry.problem) return entry;
      const mine = overwriting(entry, entry.problem);
      return { ...mine, body: { ...mine.body, ...more }, state: "waiting", problem: undefined, key: renewed(key), tries: 0 };
    });
}

// -- what may be sent ---------------------------------------------------------------------------------------------

/** What earlier entries of a page hold. */
class Held {
  all = false;
  any = false;
  readonly whole = new Set<string>();
  readonly touched = new Set<string>();
  readonly cells = new Set<string>();
  readonly finals = new Set<string>();
  readonly students = new Set<string>();
  onTheWay = 0;

  blocks(target: string): boolean {
    const { kind, lesson, student } = partsOf(target);
    if (kind === "page") return this.any;
    if (kind === "final") return this.finals.has(student) || this.students.has(student);
    if (kind === "cell") return this.whole.has(lesson) || this.cells.has(target) || this.finals.has(student);
    return this.touched.has(lesson);
  }

  hold(target: string): void {
    const { kind, lesson, student } = partsOf(target);
    this.any = true;
    if (kind === "page") this.all = true;
    else if (kind === "final") this.finals.add(student);
    else if (kind === "cell") {
      this.touched.add(lesson);
      this.cells.add(target);
      this.students.add(student);
    } else this.holdLesson(lesson);
  }

  holdLesson(lesson: string): void {
    this.touched.add(lesson);
    this.whole.add(lesson);
  }
}

/** The entries that may be sent now, in order. */
export function due(entries: Entries): Entry[] {
  const pages = new Map<string, Held>();
  const found: Entry[] = [];
  for (const entry of entries) if (entry.state === "sending") heldOn(pages, entry.page).onTheWay += 1;
  for (const entry of entries) {
    const held = heldOn(pages, entry.page);
    // A lesson that was not taken is not there: what belongs to it has to wait until that is settled.
    if (stuck(entry)) {
      if (entry.state === "refused" && enters(entry)) held.holdLesson(partsOf(entry.targets[0] ?? "").lesson);
      continue;
    }
    if (entry.state === "waiting" && held.onTheWay < PER_PAGE && !held.all && !entry.targets.some((target) => held.blocks(target))) {
      found.push(entry);
      held.onTheWay += 1;
    }
    for (const target of entry.targets) held.hold(target);
  }
  return found;
}

function heldOn(pages: Map<string, Held>, page: string): Held {
  const held = pages.get(page) ?? new Held();
  pages.set(page, held);
  return held;
}
