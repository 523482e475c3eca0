/** The students of a lesson, one under the other: a tap on the name leads to the pad, one tap marks absent or late. */

import { useEffect, useRef } from "react";
import { isAbsent, mayBeAbsent, type Barred } from "./lesson-state";
import type { NamedRow } from "./keeping";
import { Fares, Marks, missedOf, saidOf } from "./parts";
import { notify } from "../ui/toast";
import { text } from "./texts";

const LONG_PRESS_MS = 500;

export type RowActions = {
  choose: (student: string) => void;
  absent: (student: string) => void;
  late: (student: string) => void;
  details: (student: string) => void;
  trouble: (student: string) => void;
};

export function Rows({ rows, hours, chosen, barred, actions }: { rows: readonly NamedRow[]; hours: number; chosen: string | null; barred: Barred | undefined; actions: RowActions }) {
  return (
    <ol className="lesson-rows">
      {rows.map((row) => (
        <StudentRow key={row.student} row={row} hours={hours} chosen={row.student === chosen} barred={barred !== undefined} actions={actions} />
      ))}
    </ol>
  );
}

function StudentRow({ row, hours, chosen, barred, actions }: { row: NamedRow; hours: number; chosen: boolean; barred: boolean; actions: RowActions }) {
  const here = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (chosen) here.current?.scrollIntoView({ block: "center", behavior: "smooth" });
  }, [chosen]);
  const { student, name, missed, cell, entry } = row;
  const away = isAbsent(missed, hours);
  const beside = !mayBeAbsent(cell);
  const bad = entry?.state === "refused" || entry?.state === "conflict";
  const said = [missedOf(missed, hours), saidOf(cell)].filter(Boolean).join(", ");
  const hold = useLongPress(() => actions.details(student));
  return (
    <li ref={here} className={`lesson-row${chosen ? " chosen" : ""}${away ? " away" : ""}`}>
      <button type="button" className="name" aria-pressed={chosen} disabled={barred} onClick={() => actions.choose(student)}>
        <span className="who">{name}</span>
        <span className="has">
          <span className="has" aria-hidden="true">
            {missed && <span className="lesson-missed">{missedOf(missed, hours)}</span>}
            <Marks cell={cell} />
          </span>
          <span className="hidden">{said}</span>
          {row.lock && (
            <span className="badge" title={text.barred.final.why}>
              {text.finalStands}
            </span>
          )}
          {!bad && <Fares entry={entry} />}
        </span>
      </button>
      <button
        type="button"
        className="toggle"
        aria-pressed={away}
        aria-label={text.of(text.absent, name)}
        disabled={barred}
        aria-disabled={beside && !away}
        onClick={() => (beside && !away ? notify(text.hasGrade, { kind: "bad" }) : actions.absent(student))}
      >
        {text.absentShort}
      </button>
      <button type="button" className="toggle" aria-pressed={Boolean(missed?.late)} aria-label={text.of(text.late, name)} disabled={barred} {...hold(() => actions.late(student))}>
        {text.lateShort}
      </button>
      {bad && (
        <button type="button" className="trouble" onClick={() => actions.trouble(student)}>
          <Fares entry={entry} />
          {entry.problem?.title}
        </button>
      )}
    </li>
  );
}

/** A long press does `long`, a tap what is given for it; the click that ends a long press does nothing. */
function useLongPress(long: () => void) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const held = useRef(false);
  return (tap: () => void) => ({
    onPointerDown: () => {
      held.current = false;
      timer.current = setTimeout(() => {
        held.current = true;
        long();
      }, LONG_PRESS_MS);
    },
    onPointerUp: () => clearTimeout(timer.current),
    onPointerLeave: () => clearTimeout(timer.current),
    onPointerCancel: () => clearTimeout(timer.current),
    onContextMenu: (event: { preventDefault: () => void }) => event.preventDefault(),
    onClick: () => {
      if (!held.current) tap();
      held.current = false;
    },
  });
}
