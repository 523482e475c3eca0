/** What the phone's journal asks the grade book for, as entries of the outbox. They are painted from their bodies. */

import type { Missed, SpreadLesson } from "../journal/spread";
import { pendingGrade, tagged, type Change, type Entry } from "../outbox";
import { attendanceTarget, cellTarget, homeworkTarget, lessonTarget, type Row, type Written } from "./lesson-state";

export type Reason = { code: string; text?: string };

/** The attendance of the whole lesson is one place of the page. */
export function attendanceOf(page: string, lesson: SpreadLesson, marks: readonly Missed[]): Change {
  return {
    page,
    targets: [attendanceTarget(lesson.lesson)],
    method: "PUT",
    path: `/pages/${page}/attendance/${lesson.lesson}`,
    body: { marks },
    expected: tagged(lesson.attendance.etag),
    shown: null,
  };
}

/** All marks of a cell. Those of an entry that is on its way are called after it: their ids come with its answer. */
export function cellOf(page: string, lesson: string, row: Row, marks: readonly Written[], reason?: Reason): Change {
  const before = row.entry && !isUnsent(row.entry) ? row.entry : undefined;
  const standing = row.cell.grades as readonly Written[];
  const grades = marks.map((mark) => {
    const index = standing.indexOf(mark);
    const grade = mark.grade ?? (before && index >= 0 ? pendingGrade(before.key, index) : undefined);
    const { value, work, makeup_on, retake_of } = mark;
    return { ...(grade && { grade }), value, work, ...(makeup_on && { makeup_on }), ...(retake_of && { retake_of }) };
  });
  return {
    page,
    targets: [cellTarget(lesson, row.student)],
    method: "PUT",
    path: `/pages/${page}/cells/${lesson}/${row.student}`,
    body: { grades, ...(reason && { reason }) },
    expected: tagged(row.cell.etag),
    shown: null,
  };
}

export type Entering = Pick<SpreadLesson, "assignment" | "date" | "pair" | "hours" | "kind" | "topic" | "topic_no">;

export function enteringChange(page: string, lesson: string, entering: Entering): Change {
  return { page, targets: [lessonTarget(lesson)], method: "PUT", path: `/pages/${page}/lessons/${lesson}`, body: entering, shown: null };
}

export type Amendment = Partial<Pick<Entering, "topic" | "topic_no" | "kind" | "hours">>;

export function amendmentChange(page: string, lesson: SpreadLesson, amendment: Amendment): Change {
  return {
    page,
    targets: [lessonTarget(lesson.lesson)],
    method: "PATCH",
    path: `/pages/${page}/lessons/${lesson.lesson}`,
    body: amendment,
    expected: tagged(lesson.etag),
    shown: null,
  };
}

export function homeworkChange(page: string, lesson: SpreadLesson, homework: string, due_on: string | null): Change {
  return {
    page,
    targets: [homeworkTarget(lesson.lesson)],
    method: "PUT",
    path: `/pages/${page}/lessons/${lesson.lesson}/homework`,
    body: { text: homework, due_on },
    expected: tagged(lesson.etag),
    shown: null,
  };
}

/** The journal takes the person's last action on the page back (rule G9). */
export function undoChange(page: string): Change {
  return { page, targets: ["page"], method: "POST", path: `/pages/${page}/undo`, body: {}, shown: null };
}

export const isUnsent = ({ state, tries }: Entry) => state === "waiting" && tries === 0;
