/** What the phone's journal reads beside the page itself: the teacher's timetable, his pages, programmes, bells. */

import { queryOptions } from "@tanstack/react-query";
import { got, gradebook, reporting, schedule } from "../api/client";
import type { components as OfGradebook } from "../api/generated/gradebook";
import type { components as OfReporting } from "../api/generated/reporting";
import type { components as OfSchedule } from "../api/generated/schedule";
import { later } from "../format";

export type Planned = OfSchedule["schemas"]["Lesson"];
export type Topic = OfSchedule["schemas"]["Topic"];
export type PageRow = OfGradebook["schemas"]["PageLine"];
export type GroupGap = OfReporting["schemas"]["GapLine"];

const AT_ONCE = 500;

/** Lessons that the person holds, or that a substitute holds for him; both days included. */
export const taughtLessons = (from: string, to: string) =>
  queryOptions({
    queryKey: ["schedule", "/lessons", { mine: true }, from, to],
    queryFn: async () => {
      const lessons: Planned[] = [];
      for (;;) {
        const query = { mine: true, from, to, limit: AT_ONCE, offset: lessons.length };
        const answer = await got(schedule.GET("/lessons", { params: { query } }));
        lessons.push(...answer.items);
        if (lessons.length >= answer.total || answer.items.length === 0) return lessons;
      }
    },
  });

/** The pages of the teacher himself that are still kept. */
export const ownPages = (teacher: string) =>
  queryOptions({
    queryKey: ["gradebook", "/pages", { teacher, state: "open" }],
    queryFn: async () => {
      const query = { teacher, state: "open" as const, limit: 500 };
      return (await got(gradebook.GET("/pages", { params: { query } }))).items;
    },
  });

/** The topics of the programme, in order; none where no programme is adopted. */
export const topicsOf = ({ group, discipline, period }: { group: string; discipline: string; period: string }) =>
  queryOptions({
    queryKey: ["schedule", "/programmes", group, discipline, period],
    queryFn: async () => {
      const query = { group, discipline, period, limit: 1 };
      const found = await got(schedule.GET("/programmes", { params: { query } }));
      return found.items[0]?.topics ?? [];
    },
    staleTime: 10 * 60_000,
  });

/** When the bells ring for it: «08:30–10:00»; "" where none are set. */
export const timeOf = ({ starts, ends }: Planned) => (starts && ends ? `${starts.slice(0, 5)}–${ends.slice(0, 5)}` : "");

export const addressOf = (page: string, lesson: string, date: string) => `/journal/${page}/lessons/${lesson}?date=${date}`;

/** As far as one looks ahead for the next lesson: over the winter holidays. */
export const ahead = (day: string) => later(day, 30);

const GAPS_AT_MOST = 1000;

/** What a group's journal lacks up to yesterday, as reporting finds it. */
export const gapsOfGroup = (group: string) =>
  queryOptions({
    queryKey: ["reporting", "/groups/{group}/gaps", group],
    queryFn: async () => {
      const asked = reporting.GET("/groups/{group}/gaps", { params: { path: { group }, query: { limit: GAPS_AT_MOST } } });
      return (await got(asked)).items;
    },
  });
