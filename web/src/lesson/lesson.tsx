/** A lesson on a phone: a list of students, toggles of absence in the rows, the pad of grades under the thumb. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams, useSearchParams } from "wouter";
import { UNKNOWN, useDisciplines, useGroups } from "../api/names";
import { word, words } from "../domain/texts";
import { day } from "../format";
import type { Cell, Grade, Kind, Spread, Value } from "../journal/spread";
import { outbox, useOutboxOf } from "../outbox";
import { useSignedIn } from "../shell/session";
import { useToday } from "../shell/start";
import { Button, LinkButton } from "../ui/button";
import { Empty, Note, Skeleton } from "../ui/notes";
import { Loaded, Page } from "../ui/page";
import { enteringChange, type Reason } from "./changes";
import { taughtLessons, topicsOf, type Planned } from "./data";
import { calledOf, Head, Trouble } from "./head";
import { useKeeping, useSpread, type Keeping } from "./keeping";
import { barredFrom, byPass, entered, enteringOf, nextPresent, nextTopic, overdue, usualWork, type Written } from "./lesson-state";
import "./lesson.css";
import { Pad, type Habits } from "./pad";
import { BarredNote, Fares, saidOf } from "./parts";
import { Rows } from "./rows";
import { AbsenceSheet, SecondSheet, TroubleSheet } from "./sheets";
import { text } from "./texts";

export default function LessonPage() {
  const { page = "", lesson = "" } = useParams();
  const spread = useSpread(page);
  useOutboxOf(useSignedIn().person.id);
  return <Loaded query={spread}>{(known) => <Lesson key={lesson} spread={known} id={lesson} />}</Loaded>;
}

function Lesson({ spread, id }: { spread: Spread; id: string }) {
  const keeping = useKeeping(spread, id);
  const discipline = useDisciplines()(spread.page.discipline);
  const group = useGroups()(spread.page.group);
  const [query] = useSearchParams();
  const date = keeping?.lesson.date ?? query.get("date");
  return (
    <Page title={keeping ? text.lessonOf(group, day(keeping.lesson.date, "short"), keeping.lesson.pair) : group} lead={keeping ? `${discipline} · ${word(words.lessonKind, keeping.lesson.kind)}` : discipline}>
      <nav className="lesson-ways" aria-label={text.ways}>
        <Link to={date ? `/?day=${date}` : "/"}>{text.back}</Link>
        <Link to={`/journal/${spread.page.id}`}>{text.wholePage}</Link>
      </nav>
      {keeping ? <Kept spread={spread} keeping={keeping} /> : <NotHeld spread={spread} id={id} />}
    </Page>
  );
}

// -- not in the journal yet -------------------------------------------------------------------------------------

function NotHeld({ spread, id }: { spread: Spread; id: string }) {
  const today = useToday();
  const [query] = useSearchParams();
  const date = query.get("date");
  const planned = useQuery(date ? taughtLessons(date, date) : taughtLessons(spread.page.starts_on, today));
  return (
    <Loaded query={planned}>
      {(lessons) => {
        const found = lessons.find((lesson) => lesson.id === id);
        if (found) return <Planned spread={spread} planned={found} today={today} />;
        return (
          <Empty title={text.lostLesson} action={<LinkButton to="/">{text.back}</LinkButton>}>
            {text.lostLessonWhy}
          </Empty>
        );
      }}
    </Loaded>
  );
}

function Planned({ spread, planned, today }: { spread: Spread; planned: Planned; today: string }) {
  const topics = useQuery(topicsOf(spread.page));
  const topic = nextTopic(spread, planned.assignment, planned.kind, topics.data ?? []);
  const barred = barredFrom(spread, { lesson: planned.id, assignment: planned.assignment, date: planned.date, lock: null }, today);
  return (
    <div className="stack">
      <p className="soft">{calledOf(planned)}</p>
      {barred ? (
        <BarredNote why={barred} />
      ) : (
        <>
          <Note>
            <p>{text.startWhy}</p>
            <p>{topic ? text.startTopic(topic.title) : text.startNoTopic}</p>
          </Note>
          {overdue(spread, planned.date, today) && <Note kind="warn">{text.overdue(spread.page.rules.entry_limit_days)}</Note>}
          <div className="lesson-bottom">
            <Button kind="primary" isDisabled={topics.isPending} onPress={() => outbox.add(enteringChange(spread.page.id, planned.id, enteringOf(planned, topic)))}>
              {text.start}
            </Button>
          </div>
        </>
      )}
    </div>
  );
}

// -- being kept -------------------------------------------------------------------------------------------------

type Sheet = { kind: "absence" | "trouble" | "erase"; student: string } | { kind: "second"; student: string; written: Written };

const HABITS = "zhurnal.lesson";

function Kept({ spread, keeping }: { spread: Spread; keeping: Keeping }) {
  const today = useToday();
  const { lesson, rows, entries } = keeping;
  const barred = barredFrom(spread, lesson, today);
  const [chosen, setChosen] = useState<string | null>(null);
  const [sheet, setSheet] = useState<Sheet>();
  const [habits, setHabits] = useHabits(spread, lesson.kind);
  const row = rows.find(({ student }) => student === chosen);
  const step = (by: 1 | -1) => setChosen((from) => nextPresent(rows, from, lesson.hours, by) ?? from);

  const write = (student: string, marks: readonly Written[], reason?: Reason) => {
    const of = rows.find((each) => each.student === student);
    if (!of) return;
    keeping.setCell(of, marks, reason);
    if (habits.advance && student === chosen) step(1);
  };
  const grade = (value: Value, makeup_on?: string) => {
    if (!row) return;
    const written = { value, work: habits.work, ...(makeup_on && { makeup_on }) };
    const marks = entered(row, written);
    if (marks) write(row.student, marks);
    else setSheet({ kind: "second", student: row.student, written });
  };
  const erase = () => {
    if (!row) return;
    if (row.entry?.state === "waiting" && row.entry.tries === 0) outbox.discard(row.entry.key);
    else setSheet({ kind: "erase", student: row.student });
  };

  if (rows.length === 0) return <Empty title={text.nobody}>{text.nobodyWhy}</Empty>;
  // Rows stand in the order of names: before these are known a tap could hit another student.
  if (rows.some(({ name }) => name === UNKNOWN)) return <Skeleton lines={10} />;
  const missed = lesson.attendance.marks ?? [];
  return (
    <div className={row ? "lesson with-pad" : "lesson"}>
      <div className="lesson-side">
        {barred && <BarredNote why={barred} />}
        <Head spread={spread} keeping={keeping} locked={barred !== undefined} />
        <Trouble entry={entries.attendance} />
      </div>
      <section className="lesson-list" aria-label={text.students}>
        <div className="row spread">
          <span>
            <b>{text.attendance}</b>
            {": "}
            <span className={lesson.attendance.marks ? "soft" : "lesson-lacking"}>
              {lesson.attendance.marks ? text.marked(missed.filter(({ hours }) => hours).length, missed.filter(({ late }) => late).length) : text.unmarked}
            </span>{" "}
            <Fares entry={entries.attendance} />
          </span>
        </div>
        <Rows
          rows={rows}
          hours={lesson.hours}
          chosen={chosen}
          barred={barred}
          actions={{
            choose: setChosen, // the pad has a close of its own; it may have moved to this student by itself
            absent: keeping.toggleAbsent,
            late: keeping.toggleLate,
            details: (student) => setSheet({ kind: "absence", student }),
            trouble: (student) => setSheet({ kind: "trouble", student }),
          }}
        />
      </section>
      {!barred && (
        <div className="lesson-bottom">
          {row ? (
            <Pad
              key={row.student}
              row={row}
              hours={lesson.hours}
              today={today}
              from={lesson.date}
              habits={habits}
              onHabits={setHabits}
              onGrade={grade}
              onErase={erase}
              onDetails={() => setSheet({ kind: "absence", student: row.student })}
              onStep={step}
              onUndo={keeping.undo}
              onClose={() => setChosen(null)}
            />
          ) : (
            <div className="lesson-actions">
              <Button isDisabled={!keeping.undo} onPress={() => keeping.undo?.()}>
                {text.undo}
              </Button>
              {!lesson.attendance.marks && (
                <Button kind="primary" onPress={keeping.allPresent}>
                  {text.allPresent}
                </Button>
              )}
              <Button {...(lesson.attendance.marks && { kind: "primary" })} onPress={() => step(1)}>
                {text.begin}
              </Button>
            </div>
          )}
        </div>
      )}
      {sheet && <Opened sheet={sheet} keeping={keeping} spread={spread} onWrite={write} onClose={() => setSheet(undefined)} />}
    </div>
  );
}

function Opened({
  sheet,
  keeping,
  spread,
  onWrite,
  onClose,
}: {
  sheet: Sheet;
  keeping: Keeping;
  spread: Spread;
  onWrite: (student: string, marks: readonly Written[], reason?: Reason) => void;
  onClose: () => void;
}) {
  const { lesson, rows } = keeping;
  const row = rows.find(({ student }) => student === sheet.student);
  if (!row) return null;
  const standing = row.cell.grades as readonly Written[];
  const done = (marks: readonly Written[], reason?: Reason) => {
    onWrite(row.student, marks, reason);
    onClose();
  };
  switch (sheet.kind) {
    case "absence":
      return <AbsenceSheet row={row} hours={lesson.hours} onSave={keeping.setMissed} onClose={onClose} />;
    case "erase":
      return <SecondSheet row={row} value={undefined} onSecond={onClose} onCorrect={(reason) => done(standing.slice(0, -1), reason)} onClose={onClose} />;
    case "second": {
      const { written } = sheet;
      const corrected = standing.map((grade, n) => (n === standing.length - 1 ? { ...grade, value: written.value, work: written.work } : grade));
      return (
        <SecondSheet row={row} value={written.value} onSecond={() => done([...standing, written])} onCorrect={(reason) => done(corrected, reason)} onClose={onClose} />
      );
    }
    case "trouble": {
      if (!row.entry) return null;
      const there = row.entry.problem?.["current"] as Cell | null | undefined;
      const saved: { grades: Grade[] } = there ?? spread.students.find(({ student }) => student === row.student)?.cells[lesson.lesson] ?? { grades: [] };
      return <TroubleSheet entry={row.entry} name={row.name} mine={saidOf(row.cell)} theirs={saidOf(saved)} onClose={onClose} />;
    }
  }
}

/** How this teacher enters grades: kept for his next lesson, the kind of work follows the kind of the lesson. */
function useHabits(spread: Spread, kind: Kind): [Habits, (habits: Habits) => void] {
  const [habits, setHabits] = useState<Habits>(() => ({ advance: localStorage.getItem(HABITS) !== "stay", work: usualWork(kind), pass: byPass(spread) }));
  return [
    habits,
    (wanted) => {
      localStorage.setItem(HABITS, wanted.advance ? "advance" : "stay");
      setHabits(wanted);
    },
  ];
}
