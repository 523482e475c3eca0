/** Who uses this browser, by the session cookie that scripts never see. */

import { hashKey, queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { got, identity } from "../api/client";
import type { components } from "../api/generated/identity";
import { Refused } from "../api/problem";
import { START } from "./start";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type Child = Schemas["Child"];
export type Group = Schemas["ChildGroup"];

/** Roles of the staff table (domain), and the two that relations make: student and guardian. */
export type Role =
  | "teacher"
  | "workshop_instructor"
  | "curator"
  | "study_office"
  | "deputy_director"
  | "journal_administrator"
  | "director"
  | "auditor"
  | "student"
  | "guardian";

export const ME = queryOptions({
  queryKey: ["identity", "/me"],
  queryFn: async (): Promise<Me | null> => {
    try {
      return await got(identity.GET("/me"));
    } catch (error) {
      if (error instanceof Refused && error.problem.status === 401) return null;
      throw error;
    }
  },
  staleTime: 60_000,
});

/** The signed-in person; null when nobody is. */
export function useMe() {
  return useQuery(ME);
}

/** The signed-in person, inside the layout, where there is always one. */
export function useSignedIn(): Me {
  const { data } = useQuery(ME);
  if (!data) throw new Error("outside of the layout");
  return data;
}

export function rolesOf(me: Me): Set<Role> {
  const roles = new Set(me.person.roles.map(({ role }) => role as Role));
  if (me.children.length > 0) roles.add("guardian");
  return roles;
}

/** The groups that the person curates, attends … */
export function groupsOf(me: Me, relation: "curator" | "member"): Group[] {
  return me.person.roles.filter(({ role }) => role === relation).map(({ scope, title }) => ({ group: scope, title: title ?? "" }));
}

const BEGINNING: ReadonlySet<string> = new Set([ME, START].map(({ queryKey }) => hashKey(queryKey)));

/**
 * Start anew: another person, or none. What was read belongs to the one before. The queries of the beginning stay:
 * what is drawn hangs on them, and would not hear of others that take their place.
 */
export function useStartAnew() {
  const client = useQueryClient();
  return () => {
    client.removeQueries({ predicate: ({ queryKey }) => !BEGINNING.has(hashKey(queryKey)) });
    client.getMutationCache().clear();
    return client.fetchQuery({ ...ME, staleTime: 0 });
  };
}
