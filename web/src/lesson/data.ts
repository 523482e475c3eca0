/** What the phone's journal reads beside the page itself: the teacher's timetable, his pages, programmes, bells. */

import { queryOptions } from "@tanstack/react-query";
import { got, gradebook, reporting, schedule } from "../api/client";
import { later } from "../format";

export type Planned = {
  id: string;
  date: string;
  pair: number;
  group: string;
  subgroup: string;
  discipline: string;
  code: string;
  title: string;
  kind: string;
  hours: number;
  room_title: string | null;
  period: string;
  assignment: string;
  teacher: string;
  regular_teacher: string;
  substituted: boolean;
  moved: boolean;
  cancelled: boolean;
  reason: string | null;
};

export type Topic = { number: number; title: string; hours: number; kind: string };

export type PageRow = {
  id: string;
  group: string;
  discipline: string;
  period: string;
  kind: string;
  starts_on: string;
  ends_on: string;
  closed: boolean;
  lessons: number;
  without_attendance: number;
  without_grades: number;
};

const AT_ONCE = 500;

/** Lessons that the person holds, or that a substitute holds for him; both days included. */
export const taughtLessons = (from: string, to: string) =>
  queryOptions({
    queryKey: ["schedule", "/lessons", { mine: true }, from, to],
    queryFn: async () => {
      const lessons: Planned[] = [];
      for (;;) {
        const query = { mine: true, from, to, limit: AT_ONCE, offset: lessons.length };
        const answer = (await got(schedule.GET("/lessons", { params: { query } }))) as unknown as { total: number; items: Planned[] };
        lessons.push(...answer.items);
        if (lessons.length >= answer.total || answer.items.length === 0) return lessons;
      }
    },
  });

/** Every page that the person may read now: his own, and those of his substitutions. */
export const openPages = queryOptions({
  queryKey: ["gradebook", "/pages", { state: "open" }],
  queryFn: async () => {
    const query = { state: "open" as const, limit: 500 };
    return ((await got(gradebook.GET("/pages", { params: { query } }))) as unknown as { items: PageRow[] }).items;
  },
});

/** The pages of the teacher himself that are still kept. */
export const ownPages = (teacher: string) =>
  queryOptions({
    queryKey: ["gradebook", "/pages", { teacher, state: "open" }],
    queryFn: async () => {
      const query = { teacher, state: "open" as const, limit: 500 };
      return ((await got(gradebook.GET("/pages", { params: { query } }))) as unknown as { items: PageRow[] }).items;
    },
  });

/** The topics of the programme, in order; none where no programme is adopted. */
export const topicsOf = ({ group, discipline, period }: { group: string; discipline: string; period: string }) =>
  queryOptions({
    queryKey: ["schedule", "/programmes", group, discipline, period],
    queryFn: async () => {
      const query = { group, discipline, period, limit: 1 };
      const found = (await got(schedule.GET("/programmes", { params: { query } }))) as unknown as { items: { topics: Topic[] }[] };
      return found.items[0]?.topics ?? [];
    },
    staleTime: 10 * 60_000,
  });

/** The page of a lesson of the timetable. */
export function pageOf(pages: readonly PageRow[] | undefined, lesson: Planned): string | undefined {
  return pages?.find(({ group, discipline, period }) => group === lesson.group && discipline === lesson.discipline && period === lesson.period)?.id;
}

export const addressOf = (page: string, lesson: string, date: string) => `/journal/${page}/lessons/${lesson}?date=${date}`;

/** As far as one looks ahead for the next lesson: over the winter holidays. */
export const ahead = (day: string) => later(day, 30);

export type GroupGap = {
  gap: "not_held" | "no_attendance" | "no_topic" | "no_final";
  page: string | null;
  discipline: { id: string; code: string | null; title: string | null };
  lesson: string | null;
  date: string | null;
  pair: number | null;
  teacher: string | null;
  missing: number | null;
};

const GAPS_AT_MOST = 1000;

/** What a group's journal lacks up to yesterday, as reporting finds it. */
export const gapsOfGroup = (group: string) =>
  queryOptions({
    queryKey: ["reporting", "/groups/{group}/gaps", group],
    queryFn: async () => {
      const asked = reporting.GET("/groups/{group}/gaps", { params: { path: { group }, query: { limit: GAPS_AT_MOST } } });
      return ((await got(asked)) as unknown as { items: GroupGap[] }).items;
    },
  });
