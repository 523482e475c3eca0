/** What a teacher's own past lessons lack, the latest first; what waits to be sent counts as done. */

import { useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useDisciplines } from "../api/names";
import { later } from "../format";
import { spreadOf } from "../journal/cache";
import { useAllEntries } from "../outbox";
import { useSignedIn } from "../shell/session";
import { useToday } from "../shell/start";
import { openPages, pageOf, taughtLessons } from "./data";
import { gapsOf, type OwnGap } from "./lesson-state";

export type Named = OwnGap & { title: string };

/** undefined until everything that it is reckoned from is there. */
export function useOwnGaps(): { gaps: Named[] | undefined; error: unknown; again: () => void } {
  const me = useSignedIn().person.id;
  const today = useToday();
  const discipline = useDisciplines();
  const waiting = useAllEntries();
  const pages = useQuery(openPages);
  const since = pages.data?.reduce((first, { starts_on }) => (starts_on < first ? starts_on : first), today) ?? today;
  const lessons = useQuery({ ...taughtLessons(since, later(today, -1)), enabled: pages.data !== undefined && since < today });
  const nothing = pages.data !== undefined && since >= today;
  const planned = useMemo(() => (nothing ? [] : lessons.data?.filter(({ teacher }) => teacher === me)), [nothing, lessons.data, me]);
  const ids = [...new Set(planned?.flatMap((lesson) => pageOf(pages.data, lesson) ?? []))];
  const spreads = useQueries({ queries: ids.map(spreadOf) });
  const error = pages.error ?? lessons.error ?? spreads.find((spread) => spread.error)?.error;
  const again = () => {
    for (const query of [pages, lessons, ...spreads]) if (query.error) void query.refetch();
  };
  if (!planned || spreads.some(({ data }) => data === undefined)) return { gaps: undefined, error, again };
  const gaps = spreads.flatMap(({ data }) => (data ? gapsOf(data, planned.filter((lesson) => pageOf(pages.data, lesson) === data.page.id), me, today, waiting) : []));
  const latest = gaps.sort((a, b) => b.date.localeCompare(a.date) || b.pair - a.pair);
  return { gaps: latest.map((gap) => ({ ...gap, title: discipline(gap.discipline) })), error: undefined, again };
}
