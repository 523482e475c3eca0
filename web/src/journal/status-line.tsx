/** The line below the grid: where one stands, what is there, why nothing can be entered, how an entry fares. */

import { useState, useSyncExternalStore } from "react";
import { word, words } from "../domain/texts";
import { day } from "../format";
import { attendanceTarget, cellTarget } from "../lesson/lesson-state";
import { missedOf, saidOf } from "../lesson/parts";
import { TroubleSheet } from "../lesson/sheets";
import { text as lessonText } from "../lesson/texts";
import type { Entry } from "../outbox";
import { Button } from "../ui/button";
import { inWords } from "../ui/notes";
import { Refused } from "../api/problem";
import { finalIn } from "./cells";
import type { Cursor } from "./cursor";
import { cellAt, finalLock, lockAt, missedIn, type Entries, type Locked } from "./grid-state";
import type { Missed, Spread, SpreadLesson, SpreadStudent } from "./spread";
import { text } from "./texts";

export function StatusLine({
  cursor,
  spread,
  lessons,
  students,
  name,
  entries,
  today,
  readOnly,
}: {
  cursor: Cursor;
  spread: Spread;
  lessons: readonly SpreadLesson[];
  students: readonly SpreadStudent[];
  name: (student: string) => string;
  entries: Entries;
  today: string;
  readOnly: boolean;
}) {
  const { row, column } = useSyncExternalStore(cursor.subscribe, cursor.place);
  const [trouble, setTrouble] = useState(false);
  const student = students[row];
  const lesson = lessons[column];
  if (!student) return null;
  const cell = entries.get(lesson ? cellTarget(lesson.lesson, student.student) : `final:${student.student}`);
  const entry = cell ?? (lesson && entries.get(attendanceTarget(lesson.lesson)));
  const missed = lesson && missedOf(missedIn(lesson).get(student.student), lesson.hours);
  const marks = lesson ? saidOf(cellAt(student, lesson.lesson, cell)) : word(words.value, finalIn(student.final, cell));
  const mine = entry && entry !== cell ? missed || text.wasThere : marks;
  const standing = lesson ? saidOf(cellAt(student, lesson.lesson, undefined)) : word(words.value, student.final?.value ?? null);
  const said = lesson
    ? [
        `${day(lesson.date, "long")}, ${word(words.lessonKind, lesson.kind)}`,
        lesson.topic,
        [missed, marks].filter(Boolean).join(", ") || text.empty,
        ...cellAt(student, lesson.lesson, cell).grades.map((grade) => word(words.work, grade.work)),
      ]
    : [text.finalLong, marks];
  const barred = readOnly || lesson ? undefined : finalLock(spread, student, today);
  const locked = readOnly || !lesson ? undefined : lockAt(spread, lesson, student, today);
  const lock = locked ? lockSaid(locked) : barred && finalLockSaid(barred, spread);
  const bad = entry?.state === "refused" || entry?.state === "conflict";
  return (
    <div className="journal-status" role="status" aria-label={text.line}>
      <span>
        <b>{name(student.student)}</b>
        {` · ${said.filter(Boolean).join(" · ")}`}
      </span>
      {lock && <span className="journal-lock">{lock}</span>}
      {entry && <Fare entry={entry} />}
      {entry && bad && (
        <Button small onPress={() => setTrouble(true)}>
          {text.openTrouble}
        </Button>
      )}
      {trouble && entry && <TroubleSheet entry={entry} mine={mine} theirs={theirsOf(entry, student.student, lesson?.hours ?? 0, standing)} name={name(student.student)} onClose={() => setTrouble(false)} />}
    </div>
  );
}

/** Why it is locked, whom to ask, by which clause. */
export function lockSaid(lock: Locked): string {
  if (lock === "away") return `${text.awayTitle}. ${text.awayWhy} ${text.awayWho}`;
  const { title, why, who, clause } = lessonText.barred[lock];
  return `${title}. ${why} ${who} (${text.clause(clause.replace(/^R\s*/, ""))})`;
}

/** Why no final can be set now, and who can help. */
export function finalLockSaid(lock: NonNullable<ReturnType<typeof finalLock>>, spread: Spread): string {
  if (lock === "closed") return lockSaid("closed");
  if (lock === "not-responsible") return text.finalsWhy;
  const { opens, deadline } = spread.page.finals;
  return lock === "early" ? text.finalsEarly(day(opens), day(deadline)) : text.finalsOver(day(deadline));
}

function Fare({ entry }: { entry: Entry }) {
  if (entry.state === "refused" || entry.state === "conflict") {
    const { what, why, next, clause } = inWords(entry.problem && new Refused(entry.problem));
    return (
      <span className="journal-trouble">
        <b>{entry.state === "conflict" ? text.conflict : text.refused}</b>
        {`: ${what}. ${why} ${next}`}
        {clause && ` (${text.clause(clause.replace(/^R\s*/, ""))})`}
      </span>
    );
  }
  return <span className="soft">{entry.tries > 0 ? text.sends : text.waits}</span>;
}

/** What the journal has, as a conflict tells it; what was read last where it does not. */
function theirsOf(entry: Entry, student: string, hours: number, standing: string): string {
  const current = entry.problem?.["current"] as { grades?: { value: string }[]; marks?: Missed[] | null; value?: string } | null | undefined;
  if (current?.grades) return current.grades.map(({ value }) => word(words.value, value)).join("/");
  if (current?.marks) return missedOf(current.marks.find((mark) => mark.student === student), hours) || text.wasThere;
  return current?.value ? word(words.value, current.value) : standing;
}
