/** One lesson while it is kept: what is seen of it, and what the teacher can do to it. Every step shows at once. */

import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useNames } from "../api/names";
import { spreadOf } from "../journal/cache";
import type { Missed, Spread, SpreadLesson } from "../journal/spread";
import { outbox, useAllEntries, useEntries, type Change, type Entry } from "../outbox";
import { notify } from "../ui/toast";
import { amendmentChange, attendanceOf, cellOf, homeworkChange, isUnsent, undoChange, type Amendment, type Reason } from "./changes";
import { absentToggled, attendanceTarget, homeworkTarget, lateToggled, lessonTarget, rosterOf, rowsOf, seenLesson, withMissed, type Row, type Written } from "./lesson-state";
import { text } from "./texts";

const EVERY_MS = 20_000;
const LATE_MINUTES = 10;

/** The page of the lesson, looked at again now and then: a colleague may write on it too. */
export const useSpread = (page: string) => useQuery({ ...spreadOf(page), refetchInterval: EVERY_MS });

export type NamedRow = Row & { name: string };

export type Keeping = {
  lesson: SpreadLesson;
  rows: readonly NamedRow[];
  /** Entries of the lesson itself: its head, homework, attendance. */
  entries: { lesson: Entry | undefined; homework: Entry | undefined; attendance: Entry | undefined };
  toggleAbsent: (student: string) => void;
  toggleLate: (student: string) => void;
  setMissed: (missed: Missed) => void;
  allPresent: () => void;
  setCell: (row: Row, marks: readonly Written[], reason?: Reason) => void;
  amend: (amendment: Amendment) => void;
  assign: (homework: string, due_on: string | null) => void;
  /** Takes the last step back; undefined where there is none of this visit. */
  undo: (() => void) | undefined;
};

type Step = { key: string; before?: readonly Missed[] | null };

/** What is kept of that lesson; undefined: it is not in the journal yet. */
export function useKeeping(spread: Spread, id: string): Keeping | undefined {
  const page = spread.page.id;
  const waiting = useAllEntries();
  const entries = useEntries(page);
  const [last, setLast] = useState<Step>();
  const lesson = useMemo(() => seenLesson(spread, id, waiting), [spread, id, waiting]);
  const roster = useMemo(() => (lesson ? rosterOf(spread, lesson) : []), [spread, lesson]);
  const name = useNames(roster.map(({ student }) => student));
  const full = useNames(roster.map(({ student }) => student), true);
  if (!lesson) return undefined;
  const rows = rowsOf(roster, lesson, entries)
    .map((row) => ({ ...row, name: name(row.student) }))
    .sort((a, b) => full(a.student).localeCompare(full(b.student), "ru"));
  const saved = spread.lessons.find((each) => each.lesson === id) ?? lesson;
  const marks = lesson.attendance.marks ?? [];
  const add = (change: Change, before?: Step["before"]) => {
    const { key } = outbox.add(change);
    setLast({ key, ...(before !== undefined && { before }) });
  };
  const attend = (wanted: readonly Missed[]) => add(attendanceOf(page, saved, wanted), lesson.attendance.marks);
  const undo = last && (() => {
    setLast(undefined);
    const entry = waiting.find(({ key }) => key === last.key);
    const unsent = entry && (isUnsent(entry) || entry.state === "refused" || entry.state === "conflict");
    if (last.before && (!unsent || JSON.stringify(last.before) !== JSON.stringify(saved.attendance.marks))) outbox.add(attendanceOf(page, saved, last.before));
    else if (unsent) outbox.discard(last.key);
    else {
      outbox.add(undoChange(page));
      if (entry) notify(text.undoSent);
    }
  });
  return {
    lesson,
    rows,
    entries: { lesson: entries.get(lessonTarget(id)), homework: entries.get(homeworkTarget(id)), attendance: entries.get(attendanceTarget(id)) },
    toggleAbsent: (student) => attend(absentToggled(marks, student, lesson.hours)),
    toggleLate: (student) => attend(lateToggled(marks, student, LATE_MINUTES, lesson.hours)),
    setMissed: (missed) => attend(withMissed(marks, missed)),
    allPresent: () => attend([]),
    setCell: (row, wanted, reason) => add(cellOf(page, id, row, wanted, reason)),
    amend: (amendment) => add(amendmentChange(page, saved, amendment)),
    assign: (homework, due_on) => add(homeworkChange(page, saved, homework, due_on)),
    undo,
  };
}
