/** What there is of everything, by totals of lists: no list is read whole that may be long. */

import { useQueries, useQuery } from "@tanstack/react-query";
import { useToday } from "../shell/start";
import { assignmentsOf, BELLS, countOf, GROUPS, PERIODS, plannedLessons, YEARS, DISCIPLINES } from "./data";
import { usualYear, type Counts } from "./steps";

const STAFF = ["teacher", "workshop_instructor", "study_office", "deputy_director", "director", "journal_administrator", "auditor"] as const;

/** The counts of the checklist, and the first error of their queries. */
export function useCounts(): { counts: Counts | undefined; error: unknown } {
  const today = useToday();
  const years = useQuery(YEARS);
  const running = years.data?.items.find(({ starts_on, ends_on }) => starts_on <= today && today <= ends_on) ?? years.data?.items.at(-1);
  const span = running ?? usualYear(today);
  const bells = useQuery(BELLS);
  const groups = useQuery(GROUPS);
  const periods = useQuery(PERIODS);
  const disciplines = useQuery(DISCIPLINES);
  const load = useQuery(assignmentsOf({}));
  const lessons = useQuery(plannedLessons(span.starts_on, span.ends_on));
  const totals = useQueries({
    queries: [
      countOf({}),
      countOf({ role: "student" }),
      ...STAFF.map((role) => countOf({ role })),
      ...STAFF.map((role) => countOf({ role, state: "none" })),
    ],
  });
  const queries = [years, bells, groups, periods, disciplines, load, lessons, ...totals];
  const error = queries.find((query) => query.error)?.error ?? null;
  if (!years.data || !bells.data || !groups.data || !periods.data || !disciplines.data || !load.data || lessons.data === undefined || totals.some(({ data }) => !data)) {
    return { counts: undefined, error };
  }
  const total = (n: number) => totals[n]?.data?.total ?? 0;
  const sum = (from: number) => STAFF.reduce((all, _, n) => all + total(from + n), 0);
  const calendared = new Set(periods.data.items.filter(({ year }) => year === running?.id).map(({ group }) => group));
  const staff = sum(2);
  return {
    error,
    counts: {
      years: years.data.total,
      bells: bells.data.total,
      groups: groups.data.total,
      calendared: groups.data.items.filter(({ id }) => calendared.has(id)).length,
      uncurated: groups.data.items.filter(({ curator }) => curator === null).length,
      people: total(0),
      students: total(1),
      teachers: total(2) + total(3),
      disciplines: disciplines.data.total,
      assignments: load.data.total,
      lessons: lessons.data,
      staff,
      staffed: staff - sum(2 + STAFF.length),
    },
  };
}
