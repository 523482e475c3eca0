/** The line below the grid: where one stands, what is there, why nothing can be entered, how an entry fares. */

import { useState, useSyncExternalStore } from "react";
import { word, words } from "../domain/texts";
import { day } from "../format";
import { cellTarget } from "../lesson/lesson-state";
import { missedOf, saidOf } from "../lesson/parts";
import { TroubleSheet } from "../lesson/sheets";
import { text as lessonText } from "../lesson/texts";
import type { Entry } from "../outbox";
import { Button } from "../ui/button";
import { inWords } from "../ui/notes";
import { Refused } from "../api/problem";
import { finalIn } from "./cells";
import type { Cursor } from "./cursor";
import { cellAt, lockAt, missedIn, type Entries, type Locked } from "./grid-state";
import type { Spread, SpreadLesson, SpreadStudent } from "./spread";
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
  const entry = entries.get(lesson ? cellTarget(lesson.lesson, student.student) : `final:${student.student}`);
  const standing = lesson ? saidOf(cellAt(student, lesson.lesson, undefined)) : word(words.value, student.final?.value ?? null);
  const mine = lesson ? saidOf(cellAt(student, lesson.lesson, entry)) : word(words.value, finalIn(student.final, entry));
  const said = lesson
    ? [
        `${day(lesson.date, "long")}, ${word(words.lessonKind, lesson.kind)}`,
        lesson.topic,
        [missedOf(missedIn(lesson).get(student.student), lesson.hours), mine].filter(Boolean).join(", ") || text.empty,
        ...cellAt(student, lesson.lesson, entry).grades.map((grade) => word(words.work, grade.work)),
      ]
    : [text.finalLong, mine];
  const lock = readOnly ? undefined : lesson ? lockAt(spread, lesson, student, today) : undefined;
  const bad = entry?.state === "refused" || entry?.state === "conflict";
  return (
    <div className="journal-status" role="status" aria-label={text.line}>
      <span>
        <b>{name(student.student)}</b>
        {` · ${said.filter(Boolean).join(" · ")}`}
      </span>
      {lock && <span className="journal-lock">{lockSaid(lock)}</span>}
      {entry && <Fare entry={entry} />}
      {entry && bad && (
        <Button small onPress={() => setTrouble(true)}>
          {text.openTrouble}
        </Button>
      )}
      {trouble && entry && <TroubleSheet entry={entry} mine={mine} theirs={theirsOf(entry, standing)} name={name(student.student)} onClose={() => setTrouble(false)} />}
    </div>
  );
}

/** Why it is locked, whom to ask, by which clause. */
function lockSaid(lock: Locked): string {
  if (lock === "away") return `${text.awayTitle}. ${text.awayWhy} ${text.awayWho}`;
  const { title, why, who, clause } = lessonText.barred[lock];
  return `${title}. ${why} ${who} (${text.clause(clause.replace(/^R\s*/, ""))})`;
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
function theirsOf(entry: Entry, standing: string): string {
  const current = entry.problem?.["current"] as { grades?: { value: string }[]; value?: string } | null | undefined;
  if (current?.grades) return current.grades.map(({ value }) => word(words.value, value)).join("/");
  return current?.value ? word(words.value, current.value) : standing;
}
