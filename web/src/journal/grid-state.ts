/** The grid of a page in pure terms: what a key means, why a cell is locked, what a pasted block would do. */

import type { Entry } from "../outbox";
import { partsOf } from "../outbox/entry";
import { barredFrom, cellTarget, gradesIn, isAbsent, mayBeAbsent, type Barred } from "../lesson/lesson-state";
import type { Cell, Missed, Spread, SpreadLesson, SpreadStudent, Value } from "./spread";

export type Entries = ReadonlyMap<string, Entry>;

const EMPTY: Cell = { etag: "none", grades: [] };

/** What a cell shows: the journal's marks, or those of the own entry that is on its way. */
export function cellAt(student: SpreadStudent, lesson: string, entry: Entry | undefined): Cell {
  const cell = student.cells[lesson] ?? EMPTY;
  return entry ? { ...cell, grades: gradesIn(entry, lesson, student.student) } : cell;
}

const byMarks = new WeakMap<readonly Missed[], ReadonlyMap<string, Missed>>();

/** What each student missed of the lesson; the same map for the same marks. */
export function missedIn(lesson: SpreadLesson): ReadonlyMap<string, Missed> {
  const marks = lesson.attendance.marks ?? NOBODY;
  let found = byMarks.get(marks);
  if (!found) byMarks.set(marks, (found = new Map(marks.map((mark) => [mark.student, mark]))));
  return found;
}
const NOBODY: readonly Missed[] = [];

export type Locked = Barred | "away";

/** Why no grade can be entered there, told before anybody types; undefined: it can. The order is the journal's own. */
export function lockAt(spread: Spread, lesson: SpreadLesson, student: SpreadStudent, today: string): Locked | undefined {
  const barred = barredFrom(spread, lesson, today);
  if (barred) return barred;
  if (student.away.includes(lesson.lesson)) return "away";
  return student.lock ? "final" : undefined;
}

/** Why no final can be entered on the page now, told before anybody types (G1, G2, G4); undefined: it can, or only the journal knows. */
export function finalLock(spread: Spread, student: SpreadStudent, today: string): "closed" | "not-responsible" | "early" | "over" | undefined {
  if (spread.page.closed) return "closed";
  if (!spread.you.finals) return "not-responsible";
  if (spread.page.finals.state === "early") return "early";
  const until = student.permission?.late_until ?? null;
  return spread.page.finals.state === "late" && (until === null || until < today) ? "over" : undefined;
}

/** Tells the entries apart by the rows that they concern: a row none of whose entries has changed keeps its map. */
export function byRow(): (entries: Entries, students: readonly SpreadStudent[]) => ReadonlyMap<string, Entries> {
  let before: ReadonlyMap<string, Entries> = new Map();
  return (entries, students) => {
    const common: [string, Entry][] = [];
    const own = new Map<string, [string, Entry][]>();
    for (const [target, entry] of entries) {
      const { kind, student } = partsOf(target);
      if (kind === "attendance") common.push([target, entry]);
      else if (student) own.set(student, [...(own.get(student) ?? []), [target, entry]]);
    }
    before = new Map(
      students.map(({ student }) => {
        const now: Entries = new Map([...common, ...(own.get(student) ?? [])]);
        const old = before.get(student);
        return [student, old?.size === now.size && [...now].every(([target, entry]) => old.get(target) === entry) ? old : now];
      }),
    );
    return before;
  };
}

export type Act =
  | { kind: "move"; rows: number; columns: number; select?: boolean; leaves?: boolean }
  | { kind: "edge"; row?: "first" | "last"; column?: "first" | "last" }
  | { kind: "value"; value: Value | "na" }
  | { kind: "absent" | "late" | "second" | "erase" | "open" | "undo" | "help" };

type Pressed = { key: string; ctrlKey: boolean; metaKey: boolean; shiftKey: boolean; altKey: boolean };

const PAGE_ROWS = 10;
const MOVES: Record<string, [rows: number, columns: number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  PageUp: [-PAGE_ROWS, 0],
  PageDown: [PAGE_ROWS, 0],
};

/** Letters by the Russian layout and, on the same keys, by the Latin one. */
const LETTERS: Record<string, Act> = {
  "5": { kind: "value", value: "5" },
  "4": { kind: "value", value: "4" },
  "3": { kind: "value", value: "3" },
  "2": { kind: "value", value: "2" },
  ".": { kind: "value", value: "." },
  ю: { kind: "value", value: "." },
  "\u0437": { kind: "value", value: "pass" },
  p: { kind: "value", value: "pass" },
  "\u0445": { kind: "value", value: "fail" },
  "[": { kind: "value", value: "fail" },
  "\u043d": { kind: "absent" },
  y: { kind: "absent" },
  "\u043e": { kind: "late" },
  j: { kind: "late" },
  "/": { kind: "second" },
  "?": { kind: "help" },
  " ": { kind: "open" },
  f2: { kind: "open" },
  delete: { kind: "erase" },
  backspace: { kind: "erase" },
};

/** What a key means on a cell; undefined: nothing of ours. */
export function actOf(pressed: Pressed): Act | undefined {
  const { key, shiftKey } = pressed;
  if (pressed.altKey) return undefined;
  if (pressed.ctrlKey || pressed.metaKey) {
    if (key === "Home") return { kind: "edge", row: "first", column: "first" };
    if (key === "End") return { kind: "edge", row: "last", column: "last" };
    return key.toLowerCase() === "z" || key.toLowerCase() === "\u044f" ? { kind: "undo" } : undefined;
  }
  const move = MOVES[key];
  if (move) return { kind: "move", rows: move[0], columns: move[1], ...(shiftKey && { select: true }) };
  // At the ends of a row Tab leaves the grid, so that it traps nobody.
  if (key === "Tab") return { kind: "move", rows: 0, columns: shiftKey ? -1 : 1, leaves: true };
  if (key === "Enter") return { kind: "move", rows: shiftKey ? -1 : 1, columns: 0 };
  if (key === "Home") return { kind: "edge", column: "first" };
  if (key === "End") return { kind: "edge", column: "last" };
  return LETTERS[key.toLowerCase()];
}

/** A pasted or typed value as a mark; undefined for what is none. «5», « 4 », «.», «зач», «незачёт». */
export function valueOf(typed: string): Value | undefined {
  const said = typed.trim().toLocaleLowerCase("ru");
  if (/^[2-5.]$/.test(said)) return said as Value;
  if (/^(\u0437|\u0437\u0430\u0447|\u0437\u0430\u0447[\u0435\u0451]\u0442)\.?$/.test(said)) return "pass";
  if (/^(\u043d\u0435\u0437|\u043d\u0435\u0437\u0430\u0447[\u0435\u0451]\u0442|\u043d\/\u0437)\.?$/.test(said)) return "fail";
  return undefined;
}

/** Rows and columns of text from a spreadsheet; a trailing empty line is none. */
export function blockOf(pasted: string): string[][] {
  const lines = pasted.replace(/\r\n?/g, "\n").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line) => line.split("\t"));
}

export type Landing = {
  student: SpreadStudent | undefined;
  lesson: SpreadLesson | undefined;
  typed: string;
  value?: Value;
  /** Why it will not be entered. */
  skip?: Locked | "bad" | "outside" | "stands" | "absent";
};

/** Where each value of a block would land, beginning at that cell, and whether it can be entered there. Empty ones land nowhere. */
export function landings(
  spread: Spread,
  students: readonly SpreadStudent[],
  lessons: readonly SpreadLesson[],
  entries: Entries,
  at: { row: number; column: number },
  block: readonly (readonly string[])[],
  today: string,
): Landing[] {
  return block.flatMap((line, r) =>
    line.flatMap((typed, c): Landing[] => {
      if (typed.trim() === "") return [];
      const student = students[at.row + r];
      const lesson = lessons[at.column + c];
      if (!student || !lesson) return [{ student, lesson, typed, skip: "outside" }];
      const value = valueOf(typed);
      if (value === undefined) return [{ student, lesson, typed, skip: "bad" }];
      const lock = lockAt(spread, lesson, student, today);
      if (lock) return [{ student, lesson, typed, value, skip: lock }];
      if (cellAt(student, lesson.lesson, entries.get(cellTarget(lesson.lesson, student.student))).grades.length > 0) return [{ student, lesson, typed, value, skip: "stands" }];
      if (isAbsent(missedIn(lesson).get(student.student), lesson.hours) && value !== ".") return [{ student, lesson, typed, value, skip: "absent" }];
      return [{ student, lesson, typed, value }];
    }),
  );
}

/** Empty cells of a lesson that may get that value. */
export function blanks(spread: Spread, students: readonly SpreadStudent[], lesson: SpreadLesson, entries: Entries, today: string): SpreadStudent[] {
  const missed = missedIn(lesson);
  return students.filter(
    (student) =>
      !lockAt(spread, lesson, student, today) &&
      cellAt(student, lesson.lesson, entries.get(cellTarget(lesson.lesson, student.student))).grades.length === 0 &&
      !isAbsent(missed.get(student.student), lesson.hours),
  );
}

export { isAbsent, mayBeAbsent };

/** Cells that differ between two moments of the page, as targets of the outbox name them; finals too. */
export function changedBetween(then: Spread, now: Spread): Set<string> {
  const before = new Map(then.students.map((student) => [student.student, student]));
  const changed = new Set<string>();
  for (const student of now.students) {
    const old = before.get(student.student);
    for (const lesson of new Set([...Object.keys(student.cells), ...Object.keys(old?.cells ?? {})])) {
      if (student.cells[lesson]?.etag !== old?.cells[lesson]?.etag) changed.add(cellTarget(lesson, student.student));
    }
    if (student.final?.value !== old?.final?.value) changed.add(`final:${student.student}`);
  }
  const lessons = new Map(then.lessons.map((lesson) => [lesson.lesson, lesson]));
  for (const lesson of now.lessons) {
    const old = lessons.get(lesson.lesson);
    if (old?.attendance.etag === lesson.attendance.etag) continue;
    const [was, is] = [old ? missedIn(old) : new Map<string, Missed>(), missedIn(lesson)];
    for (const { student } of now.students) {
      if (JSON.stringify(was.get(student)) !== JSON.stringify(is.get(student))) changed.add(cellTarget(lesson.lesson, student));
    }
  }
  return changed;
}
