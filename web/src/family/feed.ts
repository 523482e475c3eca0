/** The card turned into what people look for: the newest entries first, homework by its day, absences. Pure. */

import type { Card, CardLesson, CardPage } from "./data";

export type Entry = { page: CardPage; lesson: CardLesson };

/** Lessons with a grade or an absence, newest first. */
export function entries(pages: readonly CardPage[]): Entry[] {
  return listed(pages, (lesson) => lesson.grades.length > 0 || isAbsence(lesson));
}

/** Lessons that the student missed, came late to or left early, newest first. */
export function absences(pages: readonly CardPage[]): Entry[] {
  return listed(pages, isAbsence);
}

/** Homework due on that day or later, the nearest first; without a day it is due at the end. */
export function homework(pages: readonly CardPage[], from: string): Entry[] {
  return listed(pages, ({ homework: set }) => Boolean(set?.text) && (set?.due_on ?? from) >= from).sort((a, b) =>
    (a.lesson.homework?.due_on ?? "9999").localeCompare(b.lesson.homework?.due_on ?? "9999"),
  );
}

function listed(pages: readonly CardPage[], wanted: (lesson: CardLesson) => boolean): Entry[] {
  return pages
    .flatMap((page) => page.lessons.filter(wanted).map((lesson) => ({ page, lesson })))
    .sort((a, b) => b.lesson.date.localeCompare(a.lesson.date) || b.lesson.pair - a.lesson.pair);
}

function isAbsence({ absence }: CardLesson): boolean {
  return Boolean(absence && (absence.hours > 0 || absence.late > 0 || absence.left_early > 0));
}

/** The card narrowed to a year and a period; empty strings narrow nothing. */
export function narrowed(card: Card, year: string, period: string): Card {
  return { ...card, disciplines: card.disciplines.filter((page) => (!year || page.year === year) && (!period || page.period === period)) };
}

/** The year to begin with: the last one that has begun. */
export function currentYear(card: Card): string {
  return card.years.at(-1)?.year ?? "";
}

/** The period that the day falls into, else the last one that has begun; "" where the year has none. */
export function currentPeriod(card: Card, year: string, today: string): string {
  const own = new Set(card.disciplines.map((page) => page.period));
  const periods = (card.years.find((each) => each.year === year)?.periods ?? []).filter((each) => own.has(each.period));
  const begun = periods.filter((each) => each.starts_on <= today).sort((a, b) => a.starts_on.localeCompare(b.starts_on));
  return (begun.findLast((each) => today <= each.ends_on) ?? begun.at(-1))?.period ?? "";
}
