/** What a teacher's own past lessons lack, the latest first; what waits to be sent counts as done. */

import { useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useDisciplines } from "../api/names";
import { later } from "../format";
import { spreadOf } from "../journal/cache";
import type { Spread } from "../journal/spread";
import { useAllEntries, type Entry } from "../outbox";
import { useSignedIn } from "../shell/session";
import { useToday } from "../shell/start";
import { openPages, pageOf, taughtLessons, type Planned } from "./data";
import { seenLesson } from "./lesson-state";

export type OwnGap = { gap: "not_held" | "no_attendance" | "no_topic"; page: string; lesson: string; date: string; pair: number; group: string; discipline: string };

/** Lessons of that page which the teacher held, or should have held, before today, and what each lacks first. */
export function gapsOf(spread: Spread, planned: readonly Planned[], teacher: string, today: string, waiting: readonly Entry[]): OwnGap[] {
  const { id: page, group, discipline } = spread.page;
  const held = spread.lessons.filter(({ taught_by, date }) => taught_by === teacher && date < today);
  const known = new Set(spread.lessons.map(({ lesson }) => lesson));
  const owed = planned.filter((lesson) => lesson.teacher === teacher && !lesson.cancelled && lesson.date < today && !known.has(lesson.id));
  const places = [...held.map(({ lesson, date, pair }) => ({ lesson, date, pair })), ...owed.map(({ id, date, pair }) => ({ lesson: id, date, pair }))];
  return places.flatMap((place) => {
    const lesson = seenLesson(spread, place.lesson, waiting);
    const gap = !lesson ? "not_held" : lesson.attendance.marks === null ? "no_attendance" : lesson.topic === "" ? "no_topic" : undefined;
    return gap ? [{ gap, page, group, discipline, ...place }] : [];
  });
}

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
