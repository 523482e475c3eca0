/** What the room reads: cards, lessons of the timetable, notices; and whose they may be. */

import { queryOptions } from "@tanstack/react-query";
import type { components as OfNotifications } from "../api/generated/notifications";
import type { components as OfReporting } from "../api/generated/reporting";
import type { components as OfSchedule } from "../api/generated/schedule";
import { got, gradebook, notifications, reporting, schedule } from "../api/client";
import { rolesOf, type Me } from "../shell/session";

type Reporting = OfReporting["schemas"];
type Notifications = OfNotifications["schemas"];

export type Card = Reporting["Card"];
export type CardPage = Reporting["CardPage"];
export type CardLesson = Reporting["CardLesson"];
export type CardGrade = Reporting["CardGrade"];
export type Needed = Reporting["Needed"];
export type Notice = Notifications["Notice"];

export type Planned = OfSchedule["schemas"]["Lesson"];

export type Subject = { id: string; name: string; short: string; self: boolean };

/** Whose progress this person may read: his own as a student, his children's as a guardian. */
export function subjectsOf(me: Me): Subject[] {
  const own = rolesOf(me).has("student") ? [{ id: me.person.id, name: me.person.name, short: me.person.short_name, self: true }] : [];
  return [...own, ...me.children.map((child) => ({ id: child.id, name: child.name, short: child.short_name, self: false }))];
}

export const cardOf = (student: string) =>
  queryOptions({
    queryKey: ["reporting", "/students/card", student],
    queryFn: () => got(reporting.GET("/students/{student}/card", { params: { path: { student } } })),
  });

export type Whose = { student: string } | { group: string } | { mine: true };

export const lessonsOf = (whose: Whose, from: string, to: string) =>
  queryOptions({
    queryKey: ["schedule", "/lessons", whose, from, to],
    queryFn: async () => {
      const query = { ...whose, from, to, limit: 500 };
      return (await got(schedule.GET("/lessons", { params: { query } }))).items;
    },
  });

export const bells = queryOptions({
  queryKey: ["schedule", "/bells", "in force"],
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
      const answer = await got(gradebook.GET("/absences", { params: { query: { student } } }));
      return answer.items.flatMap((item) => item.announced);
    },
  });

export function inboxPage(kind: Notice["kind"] | "all", unread: boolean, cursor: string | null): Promise<Notifications["Inbox"]> {
  const query = { limit: 50, unread, ...(kind !== "all" && { kind }), ...(cursor && { cursor }) };
  return got(notifications.GET("/inbox", { params: { query } }));
}
