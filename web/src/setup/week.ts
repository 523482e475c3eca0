/** The weekly grid: lines of a timetable by day and pair, and whether a draft differs from what was published. Pure. */

import type { Assignment, LessonKind, Period, Slot, Timetable } from "./data";

/** The study days of a period, Monday = 1. */
export function daysOf(period: Pick<Period, "weekend">): readonly number[] {
  return [1, 2, 3, 4, 5, 6, 7].filter((weekday) => !period.weekend.includes(weekday));
}

export function slotsAt(slots: readonly Slot[], weekday: number, pair: number): readonly Slot[] {
  return slots.filter((slot) => slot.weekday === weekday && slot.pair === pair);
}

/** The timetable in force on a day: the latest publication that begins not after it, else the first to come. */
export function inForce(published: readonly Timetable[], today: string): Timetable | undefined {
  const begun = published.filter(({ starts_on }) => starts_on <= today);
  return begun.at(-1) ?? published[0];
}

const lineOf = ({ weekday, pair, assignment, room, kind, parity, joint }: Slot) => [weekday, pair, assignment, room, kind, parity, joint].join(" ");

/** The same lines, in whatever order. */
export function same(one: readonly Slot[], other: readonly Slot[]): boolean {
  const lines = (slots: readonly Slot[]) => slots.map(lineOf).sort().join("\n");
  return lines(one) === lines(other);
}

/** The kinds of lesson that an assignment may have in the timetable. */
export function kindsOf(assignment: Assignment | undefined, all: readonly LessonKind[]): readonly LessonKind[] {
  return assignment && assignment.kinds.length > 0 ? assignment.kinds : all;
}

/** The grid without the lines of assignments that are gone. */
export function cleaned(slots: readonly Slot[], assignments: readonly Assignment[]): readonly Slot[] {
  const known = new Set(assignments.map(({ id }) => id));
  return slots.filter(({ assignment }) => known.has(assignment));
}
