/** A short light on a cell: green when the journal has taken an entry, blue when somebody else has changed it. */

import { useCallback, useEffect, useRef } from "react";
import { useOnSaved, type Entry } from "../outbox";
import { partsOf } from "../outbox/entry";
import type { Cursor } from "./cursor";
import { changedBetween, type Entries } from "./grid-state";
import type { Spread, SpreadLesson, SpreadStudent } from "./spread";

const MS = 1_400;
const LIGHTS = { saved: "#bfe8cd", others: "#cfe1f7" };
/** More at once is a page read anew, not somebody's change. */
const AT_MOST = 200;

function light(cell: HTMLElement | null, how: keyof typeof LIGHTS): void {
  if (!cell || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  cell.animate([{ backgroundColor: LIGHTS[how] }, { backgroundColor: LIGHTS[how], offset: 0.4 }, {}], MS);
}

/** Lights cells of the grid; draws nothing itself. */
export function useFlashes(cursor: Cursor, spread: Spread, lessons: readonly SpreadLesson[], students: readonly SpreadStudent[], entries: Entries): void {
  const seen = useRef({ spread, lessons, students, entries });
  const own = useRef(new Set<string>());
  const cellOf = useCallback(
    (target: string) => {
      const { kind, lesson, student } = partsOf(target);
      const { lessons, students } = seen.current;
      const row = students.findIndex((each) => each.student === student);
      const column = kind === "final" ? lessons.length : lessons.findIndex((each) => each.lesson === lesson);
      return row < 0 || column < 0 ? null : cursor.cell({ row, column });
    },
    [cursor],
  );
  useOnSaved(
    useCallback(
      ({ page, targets }: Entry) => {
        if (page !== seen.current.spread.page.id) return;
        for (const target of targets) {
          own.current.add(target);
          light(cellOf(target), "saved");
        }
      },
      [cellOf],
    ),
  );
  useEffect(() => {
    const before = seen.current;
    seen.current = { spread, lessons, students, entries };
    if (before.spread === spread) return;
    const mine = (target: string) => own.current.has("page") || own.current.has(target) || own.current.has(`attendance:${partsOf(target).lesson}`) || entries.has(target);
    const changed = [...changedBetween(before.spread, spread)].filter((target) => !mine(target));
    own.current.clear();
    if (changed.length > AT_MOST) return;
    for (const target of changed) light(cellOf(target), "others");
  }, [cellOf, spread, lessons, students, entries]);
}
