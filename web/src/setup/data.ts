/** What the room reads and changes: the college's lists, people and groups. */

import { queryOptions, useMutation, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { got, identity, schedule } from "../api/client";

export type Listed<T> = { items: T[]; total: number };
export type Year = { id: string; title: string; starts_on: string; ends_on: string };
export type Period = { id: string; year: string; group: string; title: string; kind: string; starts_on: string; ends_on: string; weekend: number[]; holidays: string[] };
export type Room = { id: string; title: string; capacity: number; kind: string };
export type Bell = { pair: number; starts: string; ends: string };
export type Bells = { starts_on: string; bells: Bell[] };
export type Discipline = { id: string; code: string; title: string; kind: string };
export type Assignment = {
  id: string;
  group: string;
  subgroup: string;
  discipline: string;
  code: string;
  title: string;
  period: string;
  teacher: string;
  responsible: boolean;
  kinds: LessonKind[];
  starts_on: string;
  ends_on: string | null;
  planned: number;
  timetabled: number;
};
export type LessonKind = "lecture" | "practical" | "laboratory" | "seminar" | "practice" | "coursework" | "consultation" | "exam";
export type Topic = { number: number; title: string; hours: number; kind: LessonKind };
export type Programme = { group: string; discipline: string; period: string; code: string; title: string; topic_count: number; hours: number; topics: Topic[] };
export type Parity = "every" | "odd" | "even";
export type Slot = { weekday: number; pair: number; assignment: string; room: string; kind: LessonKind; parity: Parity; joint: string };
export type Timetable = { id: string; group: string; period: string; starts_on: string; ends_on: string; slots: Slot[] };

export type Group = { id: string; title: string; specialty: string; admission_year: number | null; students: number; curator: string | null };
export type Held = { id: string; role: string; scope: string; title: string | null; starts_on: string; ends_on: string | null };
export type State = "active" | "none" | "disabled" | "erased" | "code";
export type Person = {
  id: string;
  name: string;
  short_name: string;
  erased: boolean;
  demo: boolean;
  family_name?: string;
  given_name?: string;
  middle_name?: string;
  email?: string;
  phone?: string;
  birth_date?: string | null;
  state?: State;
  login?: string | null;
  etag?: string;
  roles?: Held[];
};
export type Status = { status: string; on: string; order_no: string };
export type Enrolment = { enrolment: string; group: string; title: string; starts_on: string; ends_on: string | null; order_no: string; statuses: Status[] };
export type GuardianLink = { link: string; guardian: string; name: string; phone: string; starts_on: string; ends_on: string | null; basis: string; unlinked: boolean };
export type Card = Person & {
  enrolments?: Enrolment[];
  guardians?: GuardianLink[];
  children?: { id: string; name: string; short_name: string; until: string | null; groups: { group: string; title: string }[] }[];
};
export type Issued = { code: string; person: string; expires_at: string; reissued: boolean; secret?: string };

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
  queryFn: async ({ client }) => (await got(schedule.GET("/years", { params: { query: after(client) } }))) as unknown as Listed<Year>,
});
export const ROOMS = queryOptions({
  queryKey: ["schedule", "/rooms"],
  queryFn: async ({ client }) => (await got(schedule.GET("/rooms", { params: { query: { limit: ALL, ...after(client) } } }))) as unknown as Listed<Room>,
});
export const BELLS = queryOptions({
  queryKey: ["schedule", "/bells"],
  queryFn: async ({ client }) => (await got(schedule.GET("/bells", { params: { query: after(client) } }))) as unknown as Listed<Bells>,
});
export const DISCIPLINES = queryOptions({
  queryKey: ["schedule", "/disciplines"],
  queryFn: async ({ client }) =>
    (await got(schedule.GET("/disciplines", { params: { query: { limit: ALL, ...after(client) } } }))) as unknown as Listed<Discipline>,
});
export const PERIODS = queryOptions({
  queryKey: ["schedule", "/periods"],
  queryFn: async ({ client }) => (await got(schedule.GET("/periods", { params: { query: { limit: ALL, ...after(client) } } }))) as unknown as Listed<Period>,
});
export const assignmentsOf = (narrowed: { group?: string; period?: string }) =>
  queryOptions({
    queryKey: ["schedule", "/assignments", narrowed],
    queryFn: async ({ client }) =>
      (await got(schedule.GET("/assignments", { params: { query: { ...narrowed, limit: ALL, ...after(client) } } }))) as unknown as Listed<Assignment>,
  });
export const programmesOf = (narrowed: { group?: string; period?: string }) =>
  queryOptions({
    queryKey: ["schedule", "/programmes", narrowed],
    queryFn: async ({ client }) =>
      (await got(schedule.GET("/programmes", { params: { query: { ...narrowed, limit: ALL, ...after(client) } } }))) as unknown as Listed<Programme>,
  });
export const timetablesOf = (group: string, period: string) =>
  queryOptions({
    queryKey: ["schedule", "/timetables", group, period],
    queryFn: async ({ client }) =>
      (await got(schedule.GET("/timetables/{group}", { params: { path: { group }, query: { period, ...after(client) } } }))) as unknown as Listed<Timetable>,
    enabled: group !== "" && period !== "",
  });
/** How many dated lessons there are in these days. */
export const plannedLessons = (from: string, to: string) =>
  queryOptions({
    queryKey: ["schedule", "/lessons", "count", from, to],
    queryFn: async ({ client }) =>
      ((await got(schedule.GET("/lessons", { params: { query: { from, to, limit: 1, ...after(client) } } }))) as unknown as Listed<unknown>).total,
  });

export const GROUPS = queryOptions({
  queryKey: ["identity", "/groups", "whole"],
  queryFn: async () => (await got(identity.GET("/groups", { params: { query: { limit: 500 } } }))) as unknown as Listed<Group>,
});

export type Wanted = { text?: string; group?: string; role?: string; state?: State; sort?: "name" | "-registered"; limit?: number; offset?: number };
export const peopleOf = (wanted: Wanted) =>
  queryOptions({
    queryKey: ["identity", "/people", wanted],
    queryFn: async () => (await got(identity.GET("/people", { params: { query: wanted } }))) as unknown as Listed<Person>,
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
      TEACHING.map(async (role) => (await got(identity.GET("/people", { params: { query: { role, limit: 500 } } }))) as unknown as Listed<Person>),
    );
    const each = new Map(found.flatMap(({ items }) => items).map((person) => [person.id, person]));
    return [...each.values()].sort((a, b) => a.name.localeCompare(b.name, "ru"));
  },
});

export const personOf = (person: string) =>
  queryOptions({
    queryKey: ["identity", "/people/{person}", person],
    queryFn: async () => (await got(identity.GET("/people/{person}", { params: { path: { person } } }))) as unknown as Card,
  });

/** A code for that person, shown this once. */
export async function issueCode(person: string): Promise<Issued> {
  return (await got(identity.POST("/people/{person}/codes", { params: { path: { person }, header: header() } }))) as unknown as Issued;
}
