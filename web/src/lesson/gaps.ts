/** What a teacher's own past lessons lack, the latest first; what waits to be sent counts as done. */

import { useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useDisciplines } from "../api/names";
import { Refused } from "../api/problem";
import { later } from "../format";
import { spreadOf } from "../journal/cache";
import { useAllEntries } from "../outbox";
import { useSignedIn } from "../shell/session";
import { useToday } from "../shell/start";
import { ownPages, taughtLessons } from "./data";
import { gapsOf, type OwnGap } from "./lesson-state";

/** A substitute may still fill in what he held within these days (access of the grade book). */
const SUBSTITUTE_DAYS = 14;

export type Named = OwnGap & { title: string };

/** undefined until everything that it is reckoned from is there. */
export function useOwnGaps(): { gaps: Named[] | undefined; error: unknown; again: () => void } {
  const me = useSignedIn().person.id;
  const today = useToday();
  const discipline = useDisciplines();
  const waiting = useAllEntries();
  const pages = useQuery(ownPages(me));
  const since = pages.data?.reduce((first, { starts_on }) => (starts_on < first ? starts_on : first), later(today, -SUBSTITUTE_DAYS));
  const lessons = useQuery({ ...taughtLessons(since ?? today, later(today, -1)), enabled: since !== undefined });
  const planned = useMemo(() => lessons.data?.filter(({ teacher }) => teacher === me), [lessons.data, me]);
  const spreads = useQueries({ queries: [...new Set(planned?.map(({ page }) => page))].map(spreadOf) });
  const error = pages.error ?? lessons.error ?? spreads.find((spread) => spread.error && !isGone(spread.error))?.error;
  const again = () => {
    for (const query of [pages, lessons, ...spreads]) if (query.error) void query.refetch();
  };
  if (!planned || spreads.some((spread) => spread.data === undefined && !isGone(spread.error))) return { gaps: undefined, error, again };
  const gaps = spreads.flatMap(({ data }) => (data ? gapsOf(data, planned.filter(({ page }) => page === data.page.id), me, today, waiting) : []));
  const latest = gaps.sort((a, b) => b.date.localeCompare(a.date) || b.pair - a.pair);
  return { gaps: latest.map((gap) => ({ ...gap, title: discipline(gap.discipline) })), error: undefined, again };
}

/** A page that is not there, or not his any more: nothing of it is his to fill. */
const isGone = (error: unknown) => error instanceof Refused && error.problem.status === 404;
