/** What the room reads: cards, lessons of the timetable, notices; and whose they may be. */

import { queryOptions } from "@tanstack/react-query";
import { got, gradebook, notifications, reporting, schedule } from "../api/client";
import { rolesOf, type Me } from "../shell/session";

export type Absence = { hours: number; late: number | boolean | null; left_early: number | boolean | null; class: string | null };
export type CardGrade = { grade: string; value: string; work: string; weight: number; makeup_on?: string; retake_of?: string; replaced?: boolean };
export type CardLesson = {
  lesson: string;
  date: string;
  pair: number;
  hours: number;
  kind: string;
  teacher: string;
  topic: string | null;
  grades: CardGrade[];
  homework?: { text: string; due_on: string | null } | null;
  absence?: Absence;
};
export type Needed = { "5": number | null; "4": number | null; "3": number | null };
export type CardPage = {
  page: string;
  group: { id: string; title: string };
  discipline: { id: string; code: string; title: string; kind: string };
  period: string;
  year: string;
  state: string;
  teachers: string[];
  mean: number | null;
  final: string | null;
  hours: { held: number; missed: number; late: number };
  attendance: number | null;
  programme: { topics: number; passed: number } | null;
  lessons: CardLesson[];
  carried: { value: string; work: string }[];
  taken: { page: string; value: string }[];
  needed?: Needed | null;
  missing?: { grades: number; substantial: number } | null;
};
export type Card = {
  student: string;
  status: string;
  years: { year: string; title: string; periods: { period: string; title: string; starts_on: string; ends_on: string }[] }[];
  hours: { held: number; missed: number; unexcused: number; unclassified: number; late: number };
  attendance: number | null;
  disciplines: CardPage[];
};

export type Planned = {
  id: string;
  date: string;
  pair: number;
  group: string;
  subgroup: string;
  code: string;
  title: string;
  kind: string;
  room_title: string | null;
  teacher: string;
  substituted: boolean;
  moved: boolean;
  cancelled: boolean;
  reason: string | null;
};

export type Notice = {
  id: string;
  at: string;
  kind: string;
  text: string;
  unread: boolean;
  own: boolean;
  withdrawn: boolean;
  student: string | null;
  page: string | null;
  discipline: { id: string; code: string; title: string } | null;
  lesson: { id: string; date: string; pair: number } | null;
  data: Record<string, unknown>;
};

export type Subject = { id: string; name: string; short: string; self: boolean };

/** Whose progress this person may read: his own as a student, his children's as a guardian. */
export function subjectsOf(me: Me): Subject[] {
  const own = rolesOf(me).has("student") ? [{ id: me.person.id, name: me.person.name, short: me.person.short_name, self: true }] : [];
  return [...own, ...me.children.map((child) => ({ id: child.id, name: child.name, short: child.short_name, self: false }))];
}

export const cardOf = (student: string) =>
  queryOptions({
    queryKey: ["reporting", "/students/card", student],
    queryFn: async () => (await got(reporting.GET("/students/{student}/card", { params: { path: { student } } }))) as unknown as Card,
  });

export type Whose = { student: string } | { group: string } | { mine: true };

export const lessonsOf = (whose: Whose, from: string, to: string) =>
  queryOptions({
    queryKey: ["schedule", "/lessons", whose, from, to],
    queryFn: async () => {
      const query = { ...whose, from, to, limit: 500 };
      return ((await got(schedule.GET("/lessons", { params: { query } }))) as unknown as { items: Planned[] }).items;
    },
  });

export const bells = queryOptions({
  queryKey: ["schedule", "/bells"],
  queryFn: async () =>
    ((await got(schedule.GET("/bells"))) as unknown as { items: { starts_on: string; bells: { pair: number; starts: string; ends: string }[] }[] }).items,
  staleTime: 60 * 60_000,
});

/** The time of a pair on that day by the bells in force: «08:30–10:00»; "" where none are set. */
export function timeOf(all: { starts_on: string; bells: { pair: number; starts: string; ends: string }[] }[] | undefined, date: string, pair: number): string {
  const inForce = (all ?? []).filter((each) => each.starts_on <= date).sort((a, b) => b.starts_on.localeCompare(a.starts_on))[0];
  const bell = inForce?.bells.find((each) => each.pair === pair);
  return bell ? `${bell.starts.slice(0, 5)}–${bell.ends.slice(0, 5)}` : "";
}

export type Announced = { absence: string; starts_on: string; ends_on: string };

export const absencesOf = (student: string) =>
  queryOptions({
    queryKey: ["gradebook", "/absences", student],
    queryFn: async () => {
      const answer = (await got(gradebook.GET("/absences", { params: { query: { student } } }))) as unknown as { items: { announced: Announced[] }[] };
      return answer.items.flatMap((item) => item.announced);
    },
  });

export type Inbox = { items: Notice[]; next: string | null; positions: Record<string, number> };

export async function inboxPage(kind: string, unread: boolean, cursor: string | null): Promise<Inbox> {
  const query = { limit: 50, unread, ...(kind && { kind: kind as "grade" }), ...(cursor && { cursor }) };
  return (await got(notifications.GET("/inbox", { params: { query } }))) as unknown as Inbox;
}
