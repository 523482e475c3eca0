/** What the room reads and changes: the college's lists, people and groups. */

import { queryOptions, useMutation, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { got, identity, schedule } from "../api/client";
import type { components as Identity } from "../api/generated/identity";
import type { components as Schedule } from "../api/generated/schedule";

type Catalogue = Schedule["schemas"];
type Directory = Identity["schemas"];

export type Period = { id: string; year: string; group: string; title: string; kind: "semester" | "checkpoint" | "year"; starts_on: string; ends_on: string; weekend: number[]; holidays: string[] };
export type Room = Catalogue["Room"];
export type Bells = { starts_on: string; bells: Bell[] };
export type Bell = Catalogue["Bell"];
export type Discipline = Catalogue["Discipline"];
export type Assignment = Catalogue["Assignment"];
export type LessonKind = Assignment["kinds"][number];
export type Topic = Catalogue["Topic"];
export type Slot = Catalogue["Slot"];
export type Parity = Slot["parity"];
export type Timetable = { id: string; group: string; period: string; starts_on: string; ends_on: string; slots: Slot[] };
export type Year = { id: string; title: string; starts_on: string; ends_on: string };

export type Group = Directory["GroupLine"];
export type Held = Directory["HeldRole"];
export type Person = Directory["PersonShown"];
export type Card = Directory["PersonWhole"];
export type State = NonNullable<Person["state"]>;
export type Enrolment = NonNullable<Card["enrolments"]>[number];
export type GuardianLink = NonNullable<Card["guardians"]>[number];
export type Issued = Directory["CodeIssued"];

/** What every change carries. */
export const header = () => ({ "Idempotency-Key": crypto.randomUUID() });

// -- reading what was just written --------------------------------------------------------------------------------

const POSITION = ["schedule", "position"] as const;

/** The lists of schedule follow its log; after a change of ours they are asked for at least as far as that. */
function after(client: QueryClient): { min_position?: string } {
  const position = client.getQueryData<string>(POSITION);
  return position ? { min_position: position } : {};
}

/** A change, after which everything of this room is read anew. Its error is shown where it was asked for. */
export function useChange<Wish, Answer>(act: (wish: Wish) => Promise<Answer>, done?: (answer: Answer, wish: Wish) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: async (answer, wish) => {
      const position = (answer as { position?: string } | undefined)?.position;
      if (position?.startsWith("schedule:")) client.setQueryData(POSITION, position);
      await client.invalidateQueries({ predicate: ({ queryKey }) => (queryKey[0] === "schedule" && queryKey[1] !== "position") || queryKey[0] === "identity" });
      done?.(answer, wish);
    },
  });
}

// -- lists --------------------------------------------------------------------------------------------------------

const ALL = 1000;

export const YEARS = queryOptions({
  queryKey: ["schedule", "/years"],
  queryFn: async ({ client }) => (await got(schedule.GET("/years", { params: { query: after(client) } }))),
});
export const ROOMS = queryOptions({
  queryKey: ["schedule", "/rooms"],
  queryFn: async ({ client }) => (await got(schedule.GET("/rooms", { params: { query: { limit: ALL, ...after(client) } } }))),
});
export const BELLS = queryOptions({
  queryKey: ["schedule", "/bells"],
  queryFn: async ({ client }) => (await got(schedule.GET("/bells", { params: { query: after(client) } }))),
});
export const DISCIPLINES = queryOptions({
  queryKey: ["schedule", "/disciplines"],
  queryFn: async ({ client }) =>
    (await got(schedule.GET("/disciplines", { params: { query: { limit: ALL, ...after(client) } } }))),
});
export const PERIODS = queryOptions({
  queryKey: ["schedule", "/periods"],
  queryFn: async ({ client }) => (await got(schedule.GET("/periods", { params: { query: { limit: ALL, ...after(client) } } }))),
});
export const assignmentsOf = (narrowed: { group?: string; period?: string }) =>
  queryOptions({
    queryKey: ["schedule", "/assignments", narrowed],
    queryFn: async ({ client }) =>
      (await got(schedule.GET("/assignments", { params: { query: { ...narrowed, limit: ALL, ...after(client) } } }))),
  });
export const programmesOf = (narrowed: { group?: string; period?: string }) =>
  queryOptions({
    queryKey: ["schedule", "/programmes", narrowed],
    queryFn: async ({ client }) =>
      (await got(schedule.GET("/programmes", { params: { query: { ...narrowed, limit: ALL, ...after(client) } } }))),
  });
export const timetablesOf = (group: string, period: string) =>
  queryOptions({
    queryKey: ["schedule", "/timetables", group, period],
    queryFn: async ({ client }) =>
      (await got(schedule.GET("/timetables/{group}", { params: { path: { group }, query: { period, ...after(client) } } }))),
    enabled: group !== "" && period !== "",
  });
/** How many dated lessons there are in these days. */
export const plannedLessons = (from: string, to: string) =>
  queryOptions({
    queryKey: ["schedule", "/lessons", "count", from, to],
    queryFn: async ({ client }) =>
      ((await got(schedule.GET("/lessons", { params: { query: { from, to, limit: 1, ...after(client) } } })))).total,
  });

export const GROUPS = queryOptions({
  queryKey: ["identity", "/groups", "whole"],
  queryFn: async () => (await got(identity.GET("/groups", { params: { query: { limit: 500 } } }))),
});

export type Wanted = { text?: string; group?: string; role?: string; state?: State; sort?: "name" | "-registered"; limit?: number; offset?: number };
export const peopleOf = (wanted: Wanted) =>
  queryOptions({
    queryKey: ["identity", "/people", wanted],
    queryFn: async () => (await got(identity.GET("/people", { params: { query: wanted } }))),
  });
/** How many people there are of a role or state. */
export const countOf = (wanted: Wanted) => peopleOf({ ...wanted, limit: 1 });

/** The roles of people who teach. */
export const TEACHING = ["teacher", "workshop_instructor"] as const;

/** Everybody who may be given teaching, by name. */
export const TEACHERS = queryOptions({
  queryKey: ["identity", "/people", "teaching"],
  queryFn: async () => {
    const found = await Promise.all(
      TEACHING.map(async (role) => (await got(identity.GET("/people", { params: { query: { role, limit: 500 } } })))),
    );
    const each = new Map(found.flatMap(({ items }) => items).map((person) => [person.id, person]));
    return [...each.values()].sort((a, b) => a.name.localeCompare(b.name, "ru"));
  },
});

export const personOf = (person: string) =>
  queryOptions({
    queryKey: ["identity", "/people/{person}", person],
    queryFn: async () => (await got(identity.GET("/people/{person}", { params: { path: { person } } }))),
  });

/** A code for that person, shown this once. */
export async function issueCode(person: string): Promise<Issued> {
  return (await got(identity.POST("/people/{person}/codes", { params: { path: { person }, header: header() } })));
}
