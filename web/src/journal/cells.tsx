/** One row of the grid and its cells. Each is drawn again only when something of its own has changed. */

import { memo } from "react";
import { words } from "../domain/texts";
import { hundredths } from "../format";
import { attendanceTarget, cellTarget } from "../lesson/lesson-state";
import type { Entry } from "../outbox";
import { cellAt, isAbsent, missedIn, type Entries } from "./grid-state";
import type { Final, Missed, SpreadLesson, SpreadStudent } from "./spread";
import { text } from "./texts";

const shortOf = (value: string) => words.shortValue[value] ?? value;

/** «4/5», «зач»; marks of a make-up with an asterisk. */
export const marksIn = (cell: { grades: readonly { value: string; makeup_on?: string | null }[] }) =>
  cell.grades.map(({ value, makeup_on }) => shortOf(value) + (makeup_on ? "*" : "")).join("/");

/** What was missed, as narrow as a cell: «н», «н1» for an hour of the pair, «оп9», «ух20». */
function missedShort(missed: Missed | undefined, hours: number): string {
  if (!missed) return "";
  const away = isAbsent(missed, hours) ? words.shortAway : missed.hours ? `${words.shortAway}${missed.hours}` : "";
  return [away, missed.late && text.lateShort(missed.late), missed.left_early && text.leftShort(missed.left_early)].filter(Boolean).join(" ");
}

/** How an entry fares, as a class of what shows it. */
export const fareOf = (entry: Entry | undefined) => (!entry ? undefined : entry.state === "refused" || entry.state === "conflict" ? "trouble" : "pending");

type CellProps = {
  row: number;
  column: number;
  shown: string;
  missed: Missed | undefined;
  hours: number;
  locked: boolean;
  fare: "trouble" | "pending" | undefined;
  changed: boolean;
};

const Cell = memo(function Cell({ row, column, shown, missed, hours, locked, fare, changed }: CellProps) {
  const away = missedShort(missed, hours);
  const low = shown !== "" && /^(2|нез|\.)$/.test(shown);
  return (
    <td
      role="gridcell"
      tabIndex={-1}
      data-row={row}
      data-column={column}
      aria-colindex={column + 2}
      aria-readonly={locked}
      className={["journal-cell", locked && "locked", fare, low && "low", isAbsent(missed, hours) && "away", changed && "changed"].filter(Boolean).join(" ")}
    >
      {away && <span className="journal-away">{away}</span>}
      {away && shown && " "}
      {shown}
    </td>
  );
});

type RowProps = {
  student: SpreadStudent;
  name: string;
  row: number;
  lessons: readonly SpreadLesson[];
  /** The same lessons as the journal has them: what differs is on its way. */
  saved: readonly SpreadLesson[];
  /** Which columns take no entries, one character each; a text, so that a row sees at once that nothing has changed. */
  barred: string;
  entries: Entries;
  minGrades: number;
  minSubstantial: number;
  finalBarred: boolean;
  changed: ReadonlySet<string> | undefined;
};

/** What the row ends with: mean, absences, count towards a final, the proposal, the final itself. */
export const ENDS = 5;

export const Row = memo(function Row({ student, name, row, lessons, saved, barred, entries, minGrades, minSubstantial, finalBarred, changed }: RowProps) {
  const entry = entries.get(`final:${student.student}`);
  const final = finalIn(student.final, entry);
  const enough = student.counts.grades >= minGrades && student.counts.substantial >= minSubstantial;
  return (
    <tr role="row" aria-rowindex={row + 2}>
      <th role="rowheader" scope="row" aria-colindex={1} className={student.enrolled ? "journal-name" : "journal-name gone"}>
        <span className="journal-number">{row + 1}</span>
        {name}
      </th>
      {lessons.map((lesson, column) => {
        const own = entries.get(cellTarget(lesson.lesson, student.student));
        const missed = missedIn(lesson).get(student.student);
        const held = saved[column];
        const differs = held !== undefined && held !== lesson && !alike(missedIn(held).get(student.student), missed);
        return (
          <Cell
            key={lesson.lesson}
            row={row}
            column={column}
            shown={marksIn(cellAt(student, lesson.lesson, own))}
            missed={missed}
            hours={lesson.hours}
            locked={barred[column] === "1" || student.lock !== null || student.away.includes(lesson.lesson)}
            fare={fareOf(own) ?? (differs ? fareOf(entries.get(attendanceTarget(lesson.lesson))) : undefined)}
            changed={changed?.has(cellTarget(lesson.lesson, student.student)) ?? false}
          />
        );
      })}
      <td role="gridcell" aria-colindex={lessons.length + 2} className="journal-end e5">
        {hundredths(student.mean)}
      </td>
      <td role="gridcell" aria-colindex={lessons.length + 3} className="journal-end e4">
        {student.hours.missed || ""}
      </td>
      <td role="gridcell" aria-colindex={lessons.length + 4} className={enough ? "journal-end e3" : "journal-end e3 few"}>
        {text.countOf(student.counts.grades, minGrades)}
      </td>
      <td role="gridcell" aria-colindex={lessons.length + 5} className="journal-end e2" title={student.proposal.why ? text.why[student.proposal.why] : undefined}>
        {student.proposal.value ? shortOf(student.proposal.value) : "—"}
      </td>
      <td
        role="gridcell"
        tabIndex={-1}
        data-row={row}
        data-column={lessons.length}
        aria-colindex={lessons.length + 6}
        aria-readonly={finalBarred}
        className={["journal-cell", "journal-final", "e1", finalBarred && "locked", fareOf(entry), changed?.has(`final:${student.student}`) && "changed"].filter(Boolean).join(" ")}
      >
        {final && shortOf(final)}
      </td>
    </tr>
  );
});

const alike = (some: Missed | undefined, other: Missed | undefined) => JSON.stringify(some) === JSON.stringify(other);

/** The final as it will stand: of the entry on its way, or of the journal. */
export function finalIn(final: Final | null, entry: Entry | undefined): string | null {
  if (!entry) return final?.value ?? null;
  if (entry.method === "DELETE") return null;
  const { value } = entry.body as { value?: string };
  return value ?? final?.value ?? null;
}
