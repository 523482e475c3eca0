/**
 * Names of people and titles of things for the ids that other answers speak in. Ids asked for by several parts of a
 * page at one time go in one request. Whoever may not know a name, an auditor for one, sees a shortened id.
 */

import { useQueries, useQuery } from "@tanstack/react-query";
import { got, identity, schedule } from "./client";
import type { components } from "./generated/identity";

export type Name = components["schemas"]["Name"];

const AT_ONCE = 500;

/** What stands for a name that is still being asked for. */
export const UNKNOWN = "…";

let asked: { ids: Set<string>; answer: Promise<Map<string, Name>> } | undefined;

/** One more id into the request that leaves after this turn. */
function together(id: string): Promise<Name | null> {
  if (!asked || asked.ids.size >= AT_ONCE) {
    const ids = new Set<string>();
    const answer = new Promise<void>((leave) => setTimeout(leave)).then(async () => {
      asked = undefined;
      const body = { ids: [...ids] };
      const { names } = await got(identity.POST("/names", { body }));
      return new Map(Object.entries(names));
    });
    asked = { ids, answer };
  }
  asked.ids.add(id);
  return asked.answer.then((names) => names.get(id) ?? null);
}

/** The short names («Осипова М. Е.») of these people, by id; `full` for whole ones. */
export function useNames(ids: readonly string[], full = false): (id: string) => string {
  const unique = [...new Set(ids)];
  return useQueries({
    queries: unique.map((id) => ({ queryKey: ["name", id], queryFn: () => together(id), staleTime: Infinity })),
    combine: (results) => {
      const known = new Map(unique.map((id, n) => [id, results[n]]));
      return (id: string) => {
        const result = known.get(id);
        if (!result || result.isPending) return UNKNOWN;
        const name = full ? result.data?.name : result.data?.short_name.replaceAll(" ", "\u00a0");
        return name ?? pseudonym(id);
      };
    },
  });
}

/** How a person is called whose name is not to be known here. */
export function pseudonym(id: string): string {
  return `№ ${id.slice(0, 8)}`;
}

export type Titled = { id: string; title: string; code?: string };

/** The titles of all disciplines, by id: «ОП.08 Основы проектирования баз данных». */
export function useDisciplines(): (id: string) => string {
  const { data } = useQuery({
    queryKey: ["schedule", "/disciplines", "all"],
    queryFn: () => got(schedule.GET("/disciplines", { params: { query: { limit: 500 } } })),
    staleTime: 10 * 60_000,
  });
  const known = new Map(data?.items.map((each) => [each.id, each.code ? `${each.code} ${each.title}` : each.title]));
  return (id) => known.get(id) ?? UNKNOWN;
}

/** All groups, by title. */
export function useGroupList(): readonly Titled[] {
  const { data } = useQuery({
    queryKey: ["identity", "/groups", "all"],
    queryFn: () => got(identity.GET("/groups", { params: { query: { limit: 500 } } })),
    staleTime: 10 * 60_000,
  });
  return data?.items ?? [];
}

/** The titles of all groups, by id: «ИСП-21». */
export function useGroups(): (id: string) => string {
  const known = new Map(useGroupList().map((each) => [each.id, each.title]));
  return (id) => known.get(id) ?? UNKNOWN;
}
