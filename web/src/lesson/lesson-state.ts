/**
 * A lesson as the teacher sees it while he keeps it: what the journal has, with his own entries that are still on their
 * way laid over it. Pure: the same page and entries give the same lesson.
 */

import { later } from "../format";
import type { Cell, Grade, Kind, Lock, Missed, Spread, SpreadLesson, SpreadStudent, Work } from "../journal/spread";
import type { Entry } from "../outbox";
import type { Amendment, Entering } from "./changes";
import type { Planned, Topic } from "./data";

export type Entries = ReadonlyMap<string, Entry>;

export const cellTarget = (lesson: string, student: string) => `cell:${lesson}:${student}`;
export const attendanceTarget = (lesson: string) => `attendance:${lesson}`;
export const lessonTarget = (lesson: string) => `lesson:${lesson}`;
export const homeworkTarget = (lesson: string) => `homework:${lesson}`;

/** The lesson with what waits to be sent; undefined: it is not in the journal, and nobody has begun it here. */
export function seenLesson(spread: Spread, lesson: string, waiting: readonly Entry[]): SpreadLesson | undefined {
  const held = spread.lessons.find((each) => each.lesson === lesson);
  return waiting
    .filter(({ page, targets }) => page === spread.page.id && targets.some((target) => target.endsWith(`:${lesson}`)))
    .reduce((so, entry) => laidOver(so, entry, spread, lesson), held);
}

function laidOver(so: SpreadLesson | undefined, entry: Entry, spread: Spread, lesson: string): SpreadLesson | undefined {
  const [kind] = (entry.targets[0] ?? "").split(":");
  if (kind === "lesson") return entry.method === "PUT" && !so ? begun(spread, lesson, entry.body as Entering) : so && { ...so, ...(entry.body as Amendment) };
  if (!so) return undefined;
  if (kind === "attendance") return { ...so, attendance: { ...so.attendance, marks: (entry.body as { marks: Missed[] }).marks } };
  if (kind !== "homework") return so;
  const { text, due_on } = entry.body as { text: string; due_on: string | null };
  return { ...so, homework: text, due_on };
}

/** A lesson that is entered but not answered yet. */
function begun(spread: Spread, lesson: string, entering: Entering): SpreadLesson {
  return {
    ...entering,
    lesson,
    taught_by: spread.you.id,
    number: 0,
    homework: "",
    due_on: null,
    late_by_days: 0,
    etag: "none",
    attendance: { etag: "none", marks: null },
    unlocked_until: null,
    lock: null,
  };
}

/** Who belongs to the lesson: enrolled on its day, of its subgroup where the split is agreed (R 8.5). */
export function rosterOf(spread: Spread, lesson: Pick<SpreadLesson, "date" | "assignment">): SpreadStudent[] {
  const subgroup = spread.assignments.find(({ assignment }) => assignment === lesson.assignment)?.subgroup;
  const taken = subgroup ? spread.subgroups[subgroup] : undefined;
  return spread.students.filter(
    ({ student, spans }) =>
      spans.some(({ on, until }) => on <= lesson.date && (until === null || lesson.date <= until)) && (!taken || taken.includes(student)),
  );
}

export type Row = {
  student: string;
  missed: Missed | undefined;
  cell: Cell;
  /** The own entry of the cell, on its way or refused. */
  entry: Entry | undefined;
  /** Why nothing can be entered for this student. */
  lock: Lock;
};

const EMPTY: Cell = { etag: "none", grades: [] };

export function rowsOf(roster: readonly SpreadStudent[], lesson: SpreadLesson, entries: Entries): Row[] {
  const missed = new Map(lesson.attendance.marks?.map((mark) => [mark.student, mark]));
  return roster.map((student) => {
    const entry = entries.get(cellTarget(lesson.lesson, student.student));
    const cell = student.cells[lesson.lesson] ?? EMPTY;
    return {
      student: student.student,
      missed: missed.get(student.student),
      cell: entry ? { ...cell, grades: gradesIn(entry, lesson.lesson, student.student) } : cell,
      entry,
      lock: student.lock,
    };
  });
}

/** The marks that an entry wants in a cell; it may be one of many cells in it. */
export function gradesIn(entry: Entry, lesson: string, student: string): Grade[] {
  const { grades, items } = entry.body as { grades?: Grade[]; items?: { lesson: string; student: string; grades: Grade[] }[] };
  return grades ?? items?.find((item) => item.lesson === lesson && item.student === student)?.grades ?? [];
}

/** Missing the whole lesson, beside which only a dot or a make-up may stand (R 8.4). */
export const isAbsent = (missed: Missed | undefined, hours: number) => (missed?.hours ?? 0) >= hours && hours > 0;

/** Whether an absence may be entered: no grade of the lesson itself stands there. */
export const mayBeAbsent = (cell: Cell) => cell.grades.every(({ value, makeup_on }) => value === "." || makeup_on !== undefined);

/** The marks with that one student's changed; a student who missed nothing is not listed. */
export function withMissed(marks: readonly Missed[], changed: Missed): Missed[] {
  const others = marks.filter(({ student }) => student !== changed.student);
  const { student, hours = 0, late = 0, left_early = 0 } = changed;
  if (hours + late + left_early === 0) return others;
  return [...others, { student, ...(hours > 0 && { hours }), ...(late > 0 && { late }), ...(left_early > 0 && { left_early }) }];
}

/** One tap: absent for the whole lesson; the next takes it back. */
export function absentToggled(marks: readonly Missed[], student: string, hours: number): Missed[] {
  const before = marks.find((mark) => mark.student === student);
  return withMissed(marks, isAbsent(before, hours) ? { student } : { student, hours });
}

/** One tap: late by the usual minutes; the next takes it back. Who was absent is not absent any more. */
export function lateToggled(marks: readonly Missed[], student: string, minutes: number, hours: number): Missed[] {
  const before = marks.find((mark) => mark.student === student);
  if (before?.late) return withMissed(marks, { ...before, late: 0 });
  return withMissed(marks, isAbsent(before, hours) ? { student, late: minutes } : { ...before, student, late: minutes });
}

export type Written = Omit<Grade, "grade"> & { grade?: string | null };

/** The cell with a grade entered by a tap; nothing where the teacher has to say first what is meant by a second one. */
export function entered(row: Row, written: Written): Written[] | undefined {
  const { grades } = row.cell;
  const unsent = row.entry?.state === "waiting" && row.entry.tries === 0;
  const fresh = (grade: Written) => !grade.grade && unsent;
  const last = grades.at(-1) as Written | undefined;
  if (!last) return [written];
  if (fresh(last)) return [...grades.slice(0, -1), { ...written }];
  const dot = grades.findLastIndex(({ value }) => value === ".");
  if (dot >= 0 && written.value !== ".") return grades.map((grade, n) => (n === dot ? { ...grade, value: written.value, work: grade.work, ...(written.makeup_on && { makeup_on: written.makeup_on }) } : grade));
  return undefined;
}

/** The next student who was there and may get a grade, from that one on; the same direction back with -1. */
export function nextPresent(rows: readonly Row[], from: string | null, hours: number, step: 1 | -1 = 1): string | null {
  const at = from === null ? (step === 1 ? -1 : rows.length) : rows.findIndex(({ student }) => student === from);
  for (let n = at + step; n >= 0 && n < rows.length; n += step) {
    const row = rows[n];
    if (row && !row.lock && !isAbsent(row.missed, hours)) return row.student;
  }
  return null;
}

/** The programme's next topic: the first of that kind of lesson which no lesson of this assignment has had, else the first. */
export function nextTopic(spread: Spread, assignment: string, kind: string, topics: readonly Topic[]): Topic | undefined {
  const had = new Set(spread.lessons.filter((lesson) => lesson.assignment === assignment).map(({ topic_no }) => topic_no));
  const left = topics.filter(({ number }) => !had.has(number));
  return left.find((topic) => topic.kind === kind) ?? left[0];
}

/** What the journal takes to enter a planned lesson. */
export function enteringOf(planned: Planned, topic: Topic | undefined): Entering {
  const { assignment, date, pair, hours, kind } = planned;
  return { assignment, date, pair, hours, kind, topic: topic?.title ?? "", topic_no: topic?.number ?? null };
}

export type Barred = "closed" | "foreign" | "future" | "late" | "final";

/** Why nothing of the lesson can be changed by this person today; undefined: it can. The order is the journal's own. */
export function barredFrom(spread: Spread, lesson: Pick<SpreadLesson, "lesson" | "assignment" | "date" | "lock">, today: string): Barred | undefined {
  if (!spread.you.assignments.includes(lesson.assignment) && !spread.you.lessons.includes(lesson.lesson)) return "foreign";
  if (spread.page.lock || spread.page.closed) return "closed";
  if (lesson.date > today) return "future";
  return lesson.lock ? "late" : undefined;
}

/** Whether the days of entering a lesson that is not in the journal yet are over; the deputy may have unlocked it. */
export function overdue(spread: Spread, date: string, today: string): boolean {
  return later(date, spread.page.rules.entry_limit_days) < today;
}

/** The work that a grade is most often given for in a lesson of that kind. */
export function usualWork(kind: Kind): Work {
  const works: Partial<Record<Kind, Work>> = { practical: "practical", practice: "practical", laboratory: "laboratory", coursework: "coursework", exam: "test" };
  return works[kind] ?? "oral";
}

/** Whether this page is kept by pass and fail: whatever its latest grades are. */
export function byPass(spread: Spread): boolean {
  const values = spread.students.flatMap(({ cells }) => Object.values(cells).flatMap(({ grades }) => grades.map(({ value }) => value)));
  return values.some((value) => value === "pass" || value === "fail") && !values.some((value) => "5432".includes(value));
}

export type Filled = { held: boolean; attendance: boolean; topic: boolean; grades: number; away: number; late: number };

/** How far a lesson is filled in. */
export function filled(spread: Spread, lesson: string, waiting: readonly Entry[], entries: Entries): Filled {
  const seen = seenLesson(spread, lesson, waiting);
  if (!seen) return { held: false, attendance: false, topic: false, grades: 0, away: 0, late: 0 };
  const rows = rowsOf(rosterOf(spread, seen), seen, entries);
  return {
    held: true,
    attendance: seen.attendance.marks !== null,
    topic: seen.topic !== "",
    grades: rows.reduce((sum, { cell }) => sum + cell.grades.length, 0),
    away: rows.filter(({ missed }) => missed?.hours).length,
    late: rows.filter(({ missed }) => missed?.late).length,
  };
}

export type OwnGap = { gap: "not_held" | "no_attendance" | "no_topic"; page: string; lesson: string; date: string; pair: number; group: string; discipline: string };

/** Lessons of that page which the teacher held, or should have held, before today, and what each lacks first. */
export function gapsOf(spread: Spread, planned: readonly Planned[], teacher: string, today: string, waiting: readonly Entry[]): OwnGap[] {
  const { id: page, group, discipline } = spread.page;
  const held = spread.lessons.filter(({ taught_by, date }) => taught_by === teacher && date < today);
  const known = new Set(spread.lessons.map(({ lesson }) => lesson));
  const owed = planned.filter((lesson) => lesson.teacher === teacher && !lesson.cancelled && lesson.date < today && !known.has(lesson.id));
  const places = [...held.map(({ lesson, date, pair }) => ({ lesson, date, pair })), ...owed.map(({ id, date, pair }) => ({ lesson: id, date, pair }))];
  return places.flatMap((place) => {
    const lesson = seenLesson(spread, place.lesson, waiting);
    const gap = !lesson ? "not_held" : lesson.attendance.marks === null ? "no_attendance" : lesson.topic === "" ? "no_topic" : undefined;
    return gap ? [{ gap, page, group, discipline, ...place }] : [];
  });
}
