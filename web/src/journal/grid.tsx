/**
 * The page as a grid: students × lessons. By keyboard alone, like a spreadsheet; nothing waits for a save.
 *
 * Keys are handled once, for the whole table. A key that changes something makes an entry of the outbox, and only the
 * cells that the entry concerns are drawn again.
 */

import { memo, useEffect, useRef, useState, type KeyboardEvent } from "react";
import { word, words } from "../domain/texts";
import { day } from "../format";
import { barredFrom, entered, usualWork, type Written } from "../lesson/lesson-state";
import { SecondSheet } from "../lesson/sheets";
import { outbox } from "../outbox";
import { notify } from "../ui/toast";
import { CellDialog } from "./cell-dialog";
import { ENDS, fareOf, marksIn, Row } from "./cells";
import { Cursor, placeIn, type Place } from "./cursor";
import { FinalDialog } from "./final-dialog";
import { useFlashes } from "./flash";
import { actOf, blockOf, byRow, cellAt, finalLock, isAbsent, lockAt, mayBeAbsent, missedIn, type Act, type Entries } from "./grid-state";
import { KeysDialog } from "./keys";
import type { Keeping } from "./keeping";
import { LessonPanel } from "./lesson-panel";
import { PasteDialog } from "./paste";
import type { Spread, SpreadLesson, SpreadStudent, Value, Work } from "./spread";
import { finalLockSaid, lockSaid, StatusLine } from "./status-line";
import { text } from "./texts";

type Open =
  | { kind: "cell" | "erase"; lesson: SpreadLesson; student: SpreadStudent }
  | { kind: "second"; lesson: SpreadLesson; student: SpreadStudent; written: Written }
  | { kind: "final"; student: SpreadStudent }
  | { kind: "lesson"; lesson: string }
  | { kind: "paste"; at: Place; block: string[][] }
  | { kind: "keys" };

/** Widths of the columns as journal.css has them. */
const NAME_PX = 206;
const LESSON_PX = 52;
const END_PX = 48;

export type GridProps = {
  spread: Spread;
  keeping: Keeping;
  lessons: readonly SpreadLesson[];
  students: readonly SpreadStudent[];
  name: (student: string) => string;
  entries: Entries;
  today: string;
  work: Work | "";
  /** The page as it was: nothing can be entered; targets that have changed since. */
  changed?: ReadonlySet<string>;
};

export function Grid({ spread, keeping, lessons, students, name, entries, today, work, changed }: GridProps) {
  const [cursor] = useState(() => new Cursor({ row: 0, column: Math.max(0, lessons.length - 1) }));
  const table = useRef<HTMLTableElement>(null);
  const second = useRef(false);
  const [open, setOpen] = useState<Open>();
  const readOnly = changed !== undefined;
  const columns = lessons.length + 1;
  const [rows] = useState(byRow);
  const entriesOf = rows(entries, students);
  const barred = lessons.map((lesson) => (readOnly || barredFrom(spread, lesson, today) ? "1" : "0")).join("");
  useEffect(() => cursor.settle(table.current, students.length, columns));
  useFlashes(cursor, spread, lessons, students, entries);
  useEffect(() => cursor.reveal(), [cursor]);

  const workFor = (lesson: SpreadLesson): Work => work || usualWork(lesson.kind);
  const at = () => {
    const { row, column } = cursor.place();
    return { student: students[row], lesson: lessons[column] };
  };

  const enter = (value: Value, lesson: SpreadLesson, student: SpreadStudent) => {
    const row = keeping.rowOf(lesson, student);
    const absent = isAbsent(row.missed, lesson.hours);
    const written: Written = { value, work: workFor(lesson), ...(absent && value !== "." && { makeup_on: today }) };
    if (written.makeup_on) notify(text.makeup(day(today, "short")));
    const adds = second.current && row.cell.grades.length > 0;
    second.current = false;
    const marks = adds ? [...row.cell.grades, written] : entered(row, written);
    if (marks) keeping.write(lesson, student, marks);
    else setOpen({ kind: "second", lesson, student, written });
  };

  const onFinal = (act: Act, student: SpreadStudent) => {
    if (readOnly) return;
    const lock = finalLock(spread, student, today);
    if (act.kind === "open" && lock !== "not-responsible") return setOpen({ kind: "final", student });
    if (lock) return notify(finalLockSaid(lock, spread), { kind: "bad" });
    const value = act.kind === "value" ? act.value : act.kind === "absent" ? "na" : undefined;
    if (act.kind === "erase") return setOpen({ kind: "final", student });
    if (value === undefined || value === ".") return notify(text.onlyFinal, { kind: "bad" });
    if (student.final?.value) return setOpen({ kind: "final", student });
    keeping.setFinal(student, { value });
  };

  const onCell = (act: Act, lesson: SpreadLesson, student: SpreadStudent) => {
    if (act.kind === "open") return setOpen({ kind: "cell", lesson, student });
    if (readOnly) return;
    const lock = lockAt(spread, lesson, student, today);
    if (act.kind === "absent" || act.kind === "late") {
      if (lock && lock !== "final") return notify(lockSaid(lock), { kind: "bad" });
      if (act.kind === "late") return keeping.toggleLate(lesson, student.student);
      const row = keeping.rowOf(lesson, student);
      if (!isAbsent(row.missed, lesson.hours) && !mayBeAbsent(row.cell)) return notify(text.hasGrade, { kind: "bad" });
      return keeping.toggleAbsent(lesson, student.student);
    }
    if (lock) return notify(lockSaid(lock), { kind: "bad" });
    if (act.kind === "value" && act.value !== "na") return enter(act.value, lesson, student);
    if (act.kind === "second") {
      second.current = true;
      return notify(text.secondNext);
    }
    if (act.kind === "erase") {
      const { entry, cell } = keeping.rowOf(lesson, student);
      if (entry?.state === "waiting" && entry.tries === 0) outbox.discard(entry.key);
      else if (cell.grades.length > 0) setOpen({ kind: "erase", lesson, student });
    }
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (open || !placeIn(event.target)) return;
    const act = actOf(event);
    if (!act) return;
    const { row, column } = cursor.place();
    if (act.kind === "move" && act.leaves && (column + act.columns < 0 || column + act.columns >= columns)) return;
    event.preventDefault();
    switch (act.kind) {
      case "move":
        return cursor.go({ row: row + act.rows, column: column + act.columns }, students.length, columns, act.select);
      case "edge":
        return cursor.go({ row: edge(act.row, row, students.length), column: edge(act.column, column, columns) }, students.length, columns);
      case "undo":
        return notify(keeping.undo() ? text.undone : text.nothingToUndo);
      case "help":
        return setOpen({ kind: "keys" });
      default: {
        const { student, lesson } = at();
        if (student && lesson) onCell(act, lesson, student);
        else if (student) onFinal(act, student);
      }
    }
  };

  const onPaste = (event: React.ClipboardEvent) => {
    if (open || readOnly || !placeIn(event.target)) return;
    const block = blockOf(event.clipboardData.getData("text/plain"));
    if (block.length === 0) return;
    event.preventDefault();
    setOpen({ kind: "paste", at: cursor.place(), block });
  };

  const onCopy = (event: React.ClipboardEvent) => {
    if (open || !placeIn(event.target)) return;
    const [from, to] = cursor.picked();
    const lines = students.slice(from.row, to.row + 1).map((student) =>
      lessons
        .slice(from.column, to.column + 1)
        .map((lesson) => marksIn(keeping.rowOf(lesson, student).cell) || (isAbsent(missedIn(lesson).get(student.student), lesson.hours) ? words.shortAway : ""))
        .join("\t"),
    );
    event.clipboardData.setData("text/plain", lines.join("\n"));
    event.preventDefault();
  };

  const [openLesson] = useState(() => (lesson: string) => setOpen({ kind: "lesson", lesson }));
  const close = () => setOpen(undefined);
  return (
    <>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the grid inside is what is used by key */}
      <div className="journal-scroll" role="group" aria-label={text.grid} onKeyDown={onKeyDown} onPaste={onPaste} onCopy={onCopy}>
        <table
          role="grid"
          aria-label={text.grid}
          aria-rowcount={students.length + 1}
          aria-colcount={lessons.length + 1 + ENDS}
          aria-multiselectable="true"
          style={{ width: NAME_PX + lessons.length * LESSON_PX + ENDS * END_PX }}
          ref={table}
          onFocus={(event) => {
            const place = placeIn(event.target);
            if (place) cursor.arrived(place);
          }}
          onDoubleClick={(event) => {
            const place = placeIn(event.target);
            const [student, lesson] = place ? [students[place.row], lessons[place.column]] : [];
            if (student) setOpen(lesson ? { kind: "cell", lesson, student } : { kind: "final", student });
          }}
        >
          <Heads minGrades={spread.page.rules.min_grades} lessons={lessons} fares={faresOf(lessons, entries)} onOpen={openLesson} />
          <tbody>
            {students.map((student, row) => (
              <Row
                key={student.student}
                student={student}
                name={name(student.student)}
                row={row}
                lessons={lessons}
                saved={spread.lessons}
                barred={barred}
                entries={entriesOf.get(student.student) ?? entries}
                minGrades={spread.page.rules.min_grades}
                minSubstantial={spread.page.rules.min_substantial}
                finalBarred={readOnly || finalLock(spread, student, today) !== undefined}
                changed={changed}
              />
            ))}
          </tbody>
        </table>
      </div>
      <StatusLine cursor={cursor} spread={spread} lessons={lessons} students={students} name={name} entries={entries} today={today} readOnly={readOnly} />
      {open?.kind === "cell" && (
        <CellDialog spread={spread} keeping={keeping} lesson={open.lesson} student={open.student} name={name(open.student.student)} work={workFor(open.lesson)} today={today} readOnly={readOnly} onClose={close} />
      )}
      {(open?.kind === "second" || open?.kind === "erase") && (
        <SecondSheet
          row={{ ...keeping.rowOf(open.lesson, open.student), name: name(open.student.student) }}
          value={open.kind === "second" ? open.written.value : undefined}
          onSecond={() => {
            if (open.kind === "second") keeping.write(open.lesson, open.student, [...keeping.rowOf(open.lesson, open.student).cell.grades, open.written]);
            close();
          }}
          onCorrect={(reason) => {
            const { grades } = cellAt(open.student, open.lesson.lesson, keeping.rowOf(open.lesson, open.student).entry);
            const last = grades.at(-1);
            const others = grades.slice(0, -1);
            keeping.write(open.lesson, open.student, open.kind === "second" && last ? [...others, { ...last, ...open.written }] : others, reason);
            close();
          }}
          onClose={close}
        />
      )}
      {open?.kind === "final" && <FinalDialog keeping={keeping} student={open.student} name={name(open.student.student)} mayWrite={!readOnly && spread.you.finals} onClose={close} />}
      {open?.kind === "lesson" && (
        <LessonPanel spread={spread} keeping={keeping} lesson={open.lesson} students={students} entries={entries} today={today} work={work} readOnly={readOnly} onClose={close} />
      )}
      {open?.kind === "paste" && (
        <PasteDialog spread={spread} keeping={keeping} students={students} lessons={lessons} name={name} entries={entries} at={open.at} block={open.block} today={today} workFor={workFor} onClose={close} />
      )}
      {open?.kind === "keys" && <KeysDialog onClose={close} />}
    </>
  );
}

function edge(to: "first" | "last" | undefined, from: number, size: number): number {
  return to === undefined ? from : to === "first" ? 0 : size - 1;
}

/** How the entries fare that concern a whole lesson, one word each. */
function faresOf(lessons: readonly SpreadLesson[], entries: Entries): string {
  return lessons.map(({ lesson }) => ["attendance", "lesson", "homework"].map((kind) => fareOf(entries.get(`${kind}:${lesson}`))).find(Boolean) ?? "").join();
}

type HeadsProps = { minGrades: number; lessons: readonly SpreadLesson[]; fares: string; onOpen: (lesson: string) => void };

/** The heads of the columns: day, kind, what is missing; the whole topic where the pointer rests. */
const Heads = memo(function Heads({ minGrades, lessons, fares, onOpen }: HeadsProps) {
  const fareAt = fares.split(",");
  const ends: [short: string, long: string][] = [
    [text.mean, text.meanLong],
    [text.missed, text.missedLong],
    [text.counts, text.countsLong(minGrades)],
    [text.proposed, text.proposedLong],
    [text.final, text.finalLong],
  ];
  return (
    <thead>
      <tr role="row" aria-rowindex={1}>
        <th role="columnheader" scope="col" aria-colindex={1} className="journal-name">
          {text.student}
        </th>
        {lessons.map((lesson, column) => (
          <th key={lesson.lesson} role="columnheader" scope="col" aria-colindex={column + 2} className={["journal-head", lesson.lock && "locked", fareAt[column]].filter(Boolean).join(" ")}>
            <button type="button" onClick={() => onOpen(lesson.lesson)} title={[day(lesson.date, "long"), lesson.topic].filter(Boolean).join(". ")}>
              <span className="hidden">{headOf(lesson)}</span>
              <b aria-hidden="true">{day(lesson.date, "short")}</b>
              <span aria-hidden="true">{`${word(words.shortKind, lesson.kind)} ${text.pairShort(lesson.pair)}`}</span>
              <span className="journal-topic" aria-hidden="true">{lesson.topic}</span>
              {lesson.attendance.marks === null && <span className="journal-lacks" aria-hidden="true" />}
            </button>
          </th>
        ))}
        {ends.map(([short, long], n) => (
          <th key={short} role="columnheader" scope="col" aria-colindex={lessons.length + 2 + n} className={`journal-endhead e${ENDS - n}`} title={long} aria-label={long}>
            {short}
          </th>
        ))}
      </tr>
    </thead>
  );
});

function headOf(lesson: SpreadLesson): string {
  const said = [text.lessonHead(day(lesson.date), lesson.pair, word(words.lessonKind, lesson.kind)), lesson.topic];
  if (lesson.attendance.marks === null) said.push(text.noAttendance);
  if (lesson.lock) said.push(text.locked);
  return said.filter(Boolean).join("; ");
}
