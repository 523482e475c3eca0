/** The first run of a college: six steps, each with how far it is. Pure. */

export const STEPS = ["year", "people", "disciplines", "load", "timetable", "codes"] as const;
export type Step = (typeof STEPS)[number];

/** What there is of everything; all counts of today. `staffed`: staff who have an account or a code on the way. */
export type Counts = {
  years: number;
  bells: number;
  groups: number;
  /** Groups that have a period of the running year. */
  calendared: number;
  /** Groups without a curator, who alone issues the codes of their students and parents. */
  uncurated: number;
  people: number;
  students: number;
  teachers: number;
  disciplines: number;
  assignments: number;
  lessons: number;
  staff: number;
  staffed: number;
};

export type Progress = { step: Step; state: "done" | "next" | "later"; done: number; of: number };

/** Every step's progress; the first that is not done is the next one. */
export function progressOf(counts: Counts): readonly Progress[] {
  const parts: Record<Step, readonly boolean[]> = {
    year: [counts.years > 0, counts.bells > 0],
    people: [counts.groups > 0, counts.students > 0, counts.teachers > 0, counts.groups > 0 && counts.calendared === counts.groups],
    disciplines: [counts.disciplines > 0],
    load: [counts.assignments > 0],
    timetable: [counts.lessons > 0],
    codes: [counts.teachers > 0 && counts.staffed >= counts.staff],
  };
  let found = false;
  return STEPS.map((step) => {
    const done = parts[step].filter(Boolean).length;
    const of = parts[step].length;
    const state = done === of ? "done" : found ? "later" : "next";
    found ||= state === "next";
    return { step, state, done, of };
  });
}

/** The academic year in which a day lies, by its usual bounds: «2026/27», from 1 September to 30 June. */
export function usualYear(today: string): { title: string; starts_on: string; ends_on: string } {
  const year = Number(today.slice(0, 4)) - (today.slice(5) < "07-01" ? 1 : 0);
  return { title: `${year}/${String(year + 1).slice(2)}`, starts_on: `${year}-09-01`, ends_on: `${year + 1}-06-30` };
}

/** The two halves of a year: to the end of December, and from the second Monday of January. */
export function halvesOf(year: { starts_on: string; ends_on: string }): readonly { starts_on: string; ends_on: string }[] {
  const first = Number(year.starts_on.slice(0, 4));
  const turn = `${first}-12-31`;
  if (turn <= year.starts_on || turn >= year.ends_on) return [{ starts_on: year.starts_on, ends_on: year.ends_on }];
  const january = new Date(Date.UTC(first + 1, 0, 8));
  january.setUTCDate(january.getUTCDate() + ((8 - january.getUTCDay()) % 7));
  const second = january.toISOString().slice(0, 10);
  return [
    { starts_on: year.starts_on, ends_on: turn },
    { starts_on: second, ends_on: year.ends_on },
  ];
}
