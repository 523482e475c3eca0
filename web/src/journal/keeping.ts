/** What the teacher does to a page on a desk, as entries of the outbox. Every step shows at once. */

import { attendanceOf, cellOf, isUnsent, undoChange, type Reason } from "../lesson/changes";
import { absentToggled, cellTarget, lateToggled, type Row, type Written } from "../lesson/lesson-state";
import { outbox, tagged, type Change, type Entry } from "../outbox";
import { cellAt, missedIn } from "./grid-state";
import type { Missed, Spread, SpreadLesson, SpreadStudent } from "./spread";

const LATE_MINUTES = 10;

type FinalBody = { value: string; reason?: Reason; order_no?: string; source?: string };

export class Keeping {
  /** Keys of what was entered here, the last one at the end, with the attendance before it where that was changed. */
  private readonly steps: { key: string; attendance?: { lesson: SpreadLesson; marks: readonly Missed[] } }[] = [];

  constructor(private spread: Spread) {}

  /** The page as the journal has it now. */
  see(spread: Spread): void {
    this.spread = spread;
  }

  /** The row that the sheets of a lesson speak of. */
  rowOf(lesson: SpreadLesson, student: SpreadStudent): Row {
    const entry = this.entryOf(cellTarget(lesson.lesson, student.student));
    return { student: student.student, missed: missedIn(lesson).get(student.student), cell: cellAt(student, lesson.lesson, entry), entry, lock: student.lock };
  }

  entryOf(target: string): Entry | undefined {
    return outbox.entriesOf(this.spread.page.id).get(target);
  }

  write(lesson: SpreadLesson, student: SpreadStudent, marks: readonly Written[], reason?: Reason): void {
    this.add(cellOf(this.spread.page.id, lesson.lesson, this.rowOf(lesson, student), marks, reason));
  }

  /** The same value into many empty cells, in one request. */
  writeAll(cells: readonly { lesson: SpreadLesson; student: SpreadStudent; written: Written }[]): void {
    const page = this.spread.page.id;
    this.add({
      page,
      targets: cells.map(({ lesson, student }) => cellTarget(lesson.lesson, student.student)),
      method: "POST",
      path: `/pages/${page}/cells`,
      body: {
        items: cells.map(({ lesson, student, written }) => ({
          lesson: lesson.lesson,
          student: student.student,
          expected: tagged(student.cells[lesson.lesson]?.etag),
          grades: [written],
        })),
      },
      shown: null,
    });
  }

  toggleAbsent(lesson: SpreadLesson, student: string): void {
    this.attend(lesson, absentToggled(lesson.attendance.marks ?? [], student, lesson.hours));
  }

  toggleLate(lesson: SpreadLesson, student: string): void {
    this.attend(lesson, lateToggled(lesson.attendance.marks ?? [], student, LATE_MINUTES, lesson.hours));
  }

  attend(lesson: SpreadLesson, marks: readonly Missed[]): void {
    const saved = this.spread.lessons.find((each) => each.lesson === lesson.lesson) ?? lesson;
    this.add(attendanceOf(this.spread.page.id, saved, marks), { lesson: saved, marks: lesson.attendance.marks ?? [] });
  }

  setFinal(student: SpreadStudent, body: FinalBody): void {
    this.add(this.final(student, "PUT", body));
  }

  withdrawFinal(student: SpreadStudent, reason: Reason): void {
    this.add(this.final(student, "DELETE", { reason }));
  }

  private final(student: SpreadStudent, method: "PUT" | "DELETE", body: object): Change {
    const page = this.spread.page.id;
    return {
      page,
      targets: [`final:${student.student}`],
      method,
      path: `/pages/${page}/finals/${student.student}`,
      body,
      expected: tagged(student.final?.etag),
      shown: null,
    };
  }

  acceptAll(): void {
    const page = this.spread.page.id;
    this.add({ page, targets: ["page"], method: "POST", path: `/pages/${page}/finals`, body: { items: [], accept: true }, shown: null });
  }

  sign(): void {
    const page = this.spread.page.id;
    this.add({ page, targets: ["page"], method: "POST", path: `/pages/${page}/signature`, body: {}, shown: null });
  }

  /** Takes the last step of this visit back; false: there is none. */
  undo(): boolean {
    const last = this.steps.pop();
    if (!last) return false;
    const entry = outbox.entries.find(({ key }) => key === last.key);
    const unsent = entry && (isUnsent(entry) || entry.state === "refused" || entry.state === "conflict");
    if (unsent) outbox.discard(last.key);
    else if (last.attendance) {
      const { lesson, marks } = last.attendance;
      const now = this.spread.lessons.find((each) => each.lesson === lesson.lesson) ?? lesson;
      outbox.add(attendanceOf(this.spread.page.id, now, marks));
    } else outbox.add(undoChange(this.spread.page.id));
    return true;
  }

  private add(change: Change, attendance?: { lesson: SpreadLesson; marks: readonly Missed[] }): void {
    const { key } = outbox.add(change);
    this.steps.push({ key, ...(attendance && { attendance }) });
  }
}

