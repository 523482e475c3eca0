/** Small pieces of a lesson: marks, how an entry fares, why nothing can be changed. */

import { word, words } from "../domain/texts";
import type { Cell, Missed } from "../journal/spread";
import type { Entry } from "../outbox";
import { Note } from "../ui/notes";
import { text as common } from "../ui/texts";
import { isAbsent, type Barred } from "./lesson-state";
import { text } from "./texts";

const LOOK: Record<string, string> = { "5": "good", "4": "good", pass: "good", "3": "fair", "2": "bad", fail: "bad", ".": "bad" };

/** What stands in the cell, as one says it: «4/5», «зачёт»; nothing for an empty one. */
export const saidOf = (cell: Pick<Cell, "grades">) => cell.grades.map(({ value }) => word(words.value, value)).join("/");

/** What was missed, short: «н», «н, 1 ч», «оп 10». */
export function missedOf(missed: Missed | undefined, hours: number): string {
  if (!missed) return "";
  const away = isAbsent(missed, hours) ? text.absentShort : missed.hours ? text.missedHours(missed.hours) : "";
  return [away, missed.late && text.lateBy(missed.late), missed.left_early && text.leftBy(missed.left_early)].filter(Boolean).join(", ");
}

export function Marks({ cell }: { cell: Cell }) {
  return cell.grades.map(({ value, work, makeup_on, grade }, n) => (
    <span key={grade || n} className={`lesson-mark ${LOOK[value] ?? ""}`} title={word(words.work, work)}>
      {word(words.shortValue, value) === value ? word(words.value, value) : word(words.shortValue, value)}
      {makeup_on && <sup aria-hidden="true">{"*"}</sup>}
    </span>
  ));
}

/** A dot or a word about an entry on its way; nothing once it is saved. */
export function Fares({ entry }: { entry: Entry | undefined }) {
  if (!entry) return null;
  const bad = entry.state === "refused" || entry.state === "conflict";
  const said = bad ? text[entry.state === "conflict" ? "conflict" : "refused"] : entry.tries > 0 ? text.pending : text.waits;
  return (
    <span className={bad ? "lesson-fares bad" : "lesson-fares"} title={said}>
      <span aria-hidden="true">{bad ? "!" : "◌"}</span>
      <span className={bad ? "" : "hidden"}>{said}</span>
    </span>
  );
}

/** Why it is locked and who unlocks it, before anybody taps. */
export function BarredNote({ why }: { why: Barred }) {
  const said = text.barred[why];
  return (
    <Note kind="warn" title={said.title}>
      {`${said.why} ${said.who} `}
      <span className="small soft">{common.clause(said.clause)}</span>
    </Note>
  );
}
