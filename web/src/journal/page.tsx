/** A page of the journal: the grid on a desk, the list of its lessons on a phone, and the page as it once was. */

import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { Link, useParams, useSearchParams } from "wouter";
import { got, gradebook } from "../api/client";
import { UNKNOWN, useDisciplines, useGroups, useNames } from "../api/names";
import { word, words } from "../domain/texts";
import { day, instant } from "../format";
import { enteringChange } from "../lesson/changes";
import { addressOf, taughtLessons, topicsOf, type Planned } from "../lesson/data";
import { enteringOf, nextTopic, seenLesson } from "../lesson/lesson-state";
import { outbox, useAllEntries, useEntries, type Entry } from "../outbox";
import { rolesOf, useSignedIn } from "../shell/session";
import { useToday } from "../shell/start";
import { Button, LinkButton } from "../ui/button";
import { Choice } from "../ui/field";
import { Badge, Empty, Note, Skeleton } from "../ui/notes";
import { Loaded, Page } from "../ui/page";
import { notify } from "../ui/toast";
import { useWide } from "../ui/wide";
import { spreadOf } from "./cache";
import { DeputyDialog } from "./deputy";
import { Exceptions } from "./exceptions";
import { Grid } from "./grid";
import { changedBetween } from "./grid-state";
import { Keeping } from "./keeping";
import { KeysDialog } from "./keys";
import "../lesson/lesson.css";
import "./journal.css";
import type { Spread, Work } from "./spread";
import { text } from "./texts";

const EVERY_MS = 5_000;
const USUAL = "usual";

export default function JournalPage() {
  const page = useParams()["page"] ?? "";
  const [query] = useSearchParams();
  const asOf = query.get("as_of");
  const now = useQuery({ ...spreadOf(page), refetchInterval: EVERY_MS });
  const then = useQuery({
    queryKey: ["gradebook", "/pages/{page}", page, "as_of", asOf],
    queryFn: () => got(gradebook.GET("/pages/{page}", { params: { path: { page }, query: { as_of: asOf ?? "" } } })),
    enabled: asOf !== null,
    staleTime: Infinity,
  });
  return (
    <Loaded query={now} lines={14}>
      {(spread) => (asOf === null ? <Opened spread={spread} /> : <Loaded query={then} lines={14}>{(old) => <Opened spread={old} now={spread} asOf={asOf} />}</Loaded>)}
    </Loaded>
  );
}

function Opened({ spread, now, asOf }: { spread: Spread; now?: Spread; asOf?: string }) {
  const me = useSignedIn();
  const today = useToday();
  const wide = useWide();
  const group = useGroups();
  const discipline = useDisciplines();
  const [keeping] = useState(() => new Keeping(spread));
  const waiting = useAllEntries();
  const own = useEntries(spread.page.id);
  const [work, setWork] = useState<Work | typeof USUAL>(USUAL);
  const [open, setOpen] = useState<"keys" | "deputy" | "exceptions">();
  const changed = useMemo(() => (now ? changedBetween(spread, now) : undefined), [spread, now]);
  const full = useNames(spread.students.map(({ student }) => student), true);
  const name = useNames(spread.students.map(({ student }) => student));
  useEffect(() => keeping.see(spread), [keeping, spread]);
  const entries = now ? NONE : own;
  const students = useMemo(() => [...spread.students].sort((a, b) => full(a.student).localeCompare(full(b.student), "ru")), [spread.students, full]);
  const lessons = useMemo(
    () => {
      if (now || !spread.lessons.some((lesson) => touched(own, lesson.lesson))) return spread.lessons;
      return spread.lessons.map((lesson) => (touched(own, lesson.lesson) ? (seenLesson(spread, lesson.lesson, waiting) ?? lesson) : lesson));
    },
    [spread, now, own, waiting],
  );
  // Rows stand by name: drawn before the names are known, they would change places under the teacher's hand.
  const named = spread.students.every(({ student }) => full(student) !== UNKNOWN && name(student) !== UNKNOWN);
  const title = text.page(group(spread.page.group), discipline(spread.page.discipline));
  const teaches = spread.you.assignments.length > 0 || spread.you.lessons.length > 0;
  const permits = !now && (rolesOf(me).has("deputy_director") || rolesOf(me).has("director"));
  const toAccept = students.filter((student) => student.proposal.value && !student.final?.value);
  return (
    <Page
      title={title}
      lead={text.span(day(spread.page.starts_on), day(spread.page.ends_on))}
      actions={
        <>
          {wide && <Button onPress={() => setOpen("keys")}>{text.keys}</Button>}
          {permits && <Button onPress={() => setOpen("deputy")}>{text.deputy}</Button>}
          <LinkButton to={`/journal/${spread.page.id}/history`}>{text.history}</LinkButton>
        </>
      }
    >
      {asOf !== undefined && (
        <Note kind="info" title={/^\d+$/.test(asOf) ? text.asOfPosition(asOf) : text.asOf(instant(asOf, true))}>
          <div className="row">
            <span>{text.changedSince(changed?.size ?? 0)}</span>
            <Link to={`/journal/${spread.page.id}`}>{text.backToNow}</Link>
          </div>
        </Note>
      )}
      <State spread={spread} />
      {!now && teaches && <NotHeld spread={spread} wide={wide} />}
      {spread.students.length === 0 ? (
        <Empty title={text.noStudents}>{text.noStudentsWhy}</Empty>
      ) : !named ? (
        <Skeleton lines={14} />
      ) : wide || now ? (
        <>
          {!now && !spread.page.closed && (teaches || spread.you.finals) && (
            <div className="row">
              <Choice
                label={text.work}
                value={work}
                onChange={(chosen) => setWork(chosen as Work)}
                options={[{ id: USUAL, name: text.workUsual }, ...Object.entries(words.work).map(([id, said]) => ({ id, name: said }))]}
              />
              {spread.you.finals && <FinalActions spread={spread} keeping={keeping} toAccept={toAccept.length} onExceptions={() => setOpen("exceptions")} />}
            </div>
          )}
          {spread.lessons.length === 0 && <Empty title={text.noLessons}>{text.noLessonsWhy}</Empty>}
          <Grid
            spread={spread}
            keeping={keeping}
            lessons={lessons}
            students={students}
            name={name}
            entries={entries}
            today={today}
            work={work === USUAL ? "" : work}
            {...(changed && { changed })}
          />
        </>
      ) : (
        <Narrow spread={spread} />
      )}
      {open === "keys" && <KeysDialog onClose={() => setOpen(undefined)} />}
      {open === "exceptions" && <Exceptions spread={spread} keeping={keeping} students={students} name={name} onClose={() => setOpen(undefined)} />}
      {open === "deputy" && <DeputyDialog spread={spread} students={students} name={name} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

const NONE: ReadonlyMap<string, Entry> = new Map();

function touched(entries: ReadonlyMap<string, unknown>, lesson: string): boolean {
  return entries.has(`attendance:${lesson}`) || entries.has(`lesson:${lesson}`) || entries.has(`homework:${lesson}`);
}

/** Signed, closed, when finals are due. */
function State({ spread }: { spread: Spread }) {
  const { closed, signed, finals, ends_on } = spread.page;
  return (
    <div className="row">
      {closed ? (
        <Badge kind="good">{text.closed(instant(closed.at))}</Badge>
      ) : (
        <Badge kind={finals.state === "late" ? "warn" : "info"}>{`${text.finalsDays(day(finals.opens, "short"), day(finals.deadline, "short"))} (${word(text.finalsState, finals.state)})`}</Badge>
      )}
      {signed && <Badge kind={signed.current || closed ? "good" : "warn"}>{`${text.signed(instant(signed.at))}${signed.current || closed ? "" : `; ${text.signedStale}`}`}</Badge>}
      <span className="hidden">{day(ends_on)}</span>
    </div>
  );
}

function FinalActions({ spread, keeping, toAccept, onExceptions }: { spread: Spread; keeping: Keeping; toAccept: number; onExceptions: () => void }) {
  const left = spread.page.unfinished.without_final.length;
  return (
    <div className="row" style={{ alignSelf: "end" }}>
      {toAccept > 0 && spread.page.finals.state !== "early" && (
        <Button
          kind="primary"
          onPress={() => {
            keeping.acceptAll();
            notify(text.accepted);
          }}
        >
          {text.accept(toAccept)}
        </Button>
      )}
      {spread.page.finals.state !== "early" && left > toAccept && <Button onPress={onExceptions}>{text.exceptions(left - toAccept)}</Button>}
      {left === 0 && !spread.page.signed?.current && <Button onPress={() => keeping.sign()}>{text.sign}</Button>}
    </div>
  );
}

/** Lessons of the timetable up to today that are not in the journal: one press enters each, with the programme's next topic. */
function NotHeld({ spread, wide }: { spread: Spread; wide: boolean }) {
  const today = useToday();
  const me = useSignedIn();
  const until = today < spread.page.ends_on ? today : spread.page.ends_on;
  const planned = useQuery({ ...taughtLessons(spread.page.starts_on, until), enabled: spread.page.starts_on <= until && !spread.page.closed });
  const topics = useQuery(topicsOf(spread.page));
  const entries = useEntries(spread.page.id);
  const held = new Set(spread.lessons.map(({ lesson }) => lesson));
  const open = (planned.data ?? []).filter(
    (lesson) => lesson.page === spread.page.id && lesson.teacher === me.person.id && !lesson.cancelled && !held.has(lesson.id) && !entries.has(`lesson:${lesson.id}`),
  );
  if (open.length === 0) return null;
  const enter = (lesson: Planned) => outbox.add(enteringChange(spread.page.id, lesson.id, enteringOf(lesson, nextTopic(spread, lesson.assignment, lesson.kind, topics.data ?? []))));
  return (
    <Note kind="warn" title={text.notHeld}>
      <div className="row">
        {open.map((lesson) =>
          wide ? (
            <Button key={lesson.id} small isDisabled={topics.isPending} onPress={() => enter(lesson)}>
              {text.enter(day(lesson.date, "short"), lesson.pair)}
            </Button>
          ) : (
            <LinkButton key={lesson.id} small to={addressOf(spread.page.id, lesson.id, lesson.date)}>
              {text.enter(day(lesson.date, "short"), lesson.pair)}
            </LinkButton>
          ),
        )}
      </div>
    </Note>
  );
}

/** On a phone nothing needs the grid: lessons, newest first, each opens as a list; finals as they stand. */
function Narrow({ spread }: { spread: Spread }) {
  const full = useNames(spread.students.map(({ student }) => student), true);
  const lessons = [...spread.lessons].reverse();
  const marks = (lesson: string) => spread.students.reduce((sum, student) => sum + (student.cells[lesson]?.grades.length ?? 0), 0);
  return (
    <>
      <h2>{text.narrowList}</h2>
      {lessons.length === 0 ? (
        <Empty title={text.noLessons}>{text.noLessonsWhy}</Empty>
      ) : (
        <ul className="journal-narrow">
          {lessons.map((lesson) => (
            <li key={lesson.lesson}>
              <Link to={addressOf(spread.page.id, lesson.lesson, lesson.date)}>
                <b>{day(lesson.date, "long")}</b>
                <span className="soft">{[word(words.lessonKind, lesson.kind), lesson.topic].filter(Boolean).join(" · ")}</span>
                <span className="row">
                  <Badge>{text.marks(marks(lesson.lesson))}</Badge>
                  {lesson.attendance.marks === null && <Badge kind="warn">{text.noAttendance}</Badge>}
                  {lesson.lock && <Badge>{text.locked}</Badge>}
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
      <h2>{text.finalLong}</h2>
      <ul className="journal-narrow">
        {[...spread.students]
          .sort((a, b) => full(a.student).localeCompare(full(b.student), "ru"))
          .map((student) => (
            <li key={student.student} className="row spread">
              <span>{full(student.student)}</span>
              <b>{student.final?.value ? word(words.value, student.final.value) : `(${word(words.value, student.proposal.value)})`}</b>
            </li>
          ))}
      </ul>
    </>
  );
}
