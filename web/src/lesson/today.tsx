/** A teacher's first page: the day's lessons with their state, what is not filled in, finals that are due, own pages. */

import { useQueries, useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { useDisciplines, useGroups, useNames } from "../api/names";
import { word, words } from "../domain/texts";
import { clockOf, day, later } from "../format";
import { spreadOf } from "../journal/cache";
import type { Spread } from "../journal/spread";
import { useAllEntries, useEntries } from "../outbox";
import { useSignedIn } from "../shell/session";
import { useToday } from "../shell/start";
import { Button } from "../ui/button";
import { Badge, Empty, ProblemNote, Skeleton } from "../ui/notes";
import { Loaded } from "../ui/page";
import { addressOf, ahead as daysAhead, ownPages, taughtLessons, timeOf, type PageRow, type Planned } from "./data";
import { daysTo, momentOf, type Moment } from "./day";
import { useOwnGaps } from "./gaps";
import { filled } from "./lesson-state";
import "./lesson.css";
import { text } from "./texts";

const FINALS_AHEAD_DAYS = 21;
const GAPS_SHOWN = 5;

export default function Today() {
  const me = useSignedIn();
  const today = useToday();
  const [query, setQuery] = useSearchParams();
  const date = query.get("day") ?? today;
  const setDate = (day: string) => setQuery(day === today ? {} : { day }, { replace: true });
  const pages = useQuery(ownPages(me.person.id));
  return (
    <div className="lesson-home">
      <section className="stack" aria-labelledby="lesson-day">
        <div className="lesson-day-switch">
          <Button aria-label={text.dayBefore} onPress={() => setDate(later(date, -1))}>
            <span aria-hidden="true">←</span>
          </Button>
          <h2 id="lesson-day" aria-live="polite">
            {date === today ? `${text.today}, ${day(date, "long")}` : day(date, "long")}
          </h2>
          <Button aria-label={text.dayAfter} onPress={() => setDate(later(date, 1))}>
            <span aria-hidden="true">→</span>
          </Button>
        </div>
        <Day date={date} today={today} onGo={setDate} />
        {date !== today && (
          <Button kind="quiet" onPress={() => setDate(today)}>
            {text.toToday}
          </Button>
        )}
      </section>
      <div className="stack">
        <Gaps />
        <Loaded query={pages}>
          {(own) => (
            <>
              <Finals pages={own.filter(({ ends_on }) => ends_on <= later(today, FINALS_AHEAD_DAYS))} today={today} />
              <Pages pages={own} />
            </>
          )}
        </Loaded>
      </div>
    </div>
  );
}

// -- the day ------------------------------------------------------------------------------------------------------

function Day({ date, today, onGo }: { date: string; today: string; onGo: (date: string) => void }) {
  const me = useSignedIn().person.id;
  const lessons = useQuery(taughtLessons(date, date));
  return (
    <Loaded query={lessons} lines={6}>
      {(all) => {
        const mine = all.filter(({ teacher, regular_teacher }) => teacher === me || regular_teacher === me);
        if (mine.length === 0) return <NoLessons date={date} onGo={onGo} />;
        const clock = date === today ? clockOf(new Date()) : undefined;
        const times = mine.map(timeOf);
        const moments = momentOf(times, clock);
        const ahead = (n: number) => date > today || (clock !== undefined && clock < (times[n] ?? ""));
        return (
          <ol className="lesson-cards">
            {mine.map((lesson, n) => (
              <li key={lesson.id}>
                <Card lesson={lesson} time={times[n] ?? ""} moment={moments[n]} future={ahead(n)} />
              </li>
            ))}
          </ol>
        );
      }}
    </Loaded>
  );
}

function NoLessons({ date, onGo }: { date: string; onGo: (date: string) => void }) {
  const me = useSignedIn().person.id;
  const coming = useQuery(taughtLessons(later(date, 1), daysAhead(date)));
  const next = coming.data?.find(({ teacher, cancelled }) => teacher === me && !cancelled)?.date;
  if (coming.isPending) return <Skeleton lines={3} />;
  return (
    <Empty title={text.noLessons} action={next && <Button onPress={() => onGo(next)}>{text.goThere(day(next, "short"))}</Button>}>
      {next ? text.nextDay(day(next, "long")) : text.noneAhead}
    </Empty>
  );
}

function Card({ lesson, time, moment, future }: { lesson: Planned; time: string; moment: Moment | undefined; future: boolean }) {
  const me = useSignedIn().person.id;
  const group = useGroups()(lesson.group);
  const away = lesson.teacher !== me;
  const name = useNames(away && lesson.teacher ? [lesson.teacher] : []);
  const body = (
    <>
      <span className="when">
        <b>{lesson.pair}</b>
        <span className="small">{time}</span>
      </span>
      <span className="what">
        <span className="row">
          <b>{group}</b>
          {lesson.subgroup && <span className="soft">{text.subgroup(lesson.subgroup)}</span>}
          {moment && !lesson.cancelled && <Badge kind="info">{moment === "now" ? text.now : text.next}</Badge>}
        </span>
        <span>{lesson.title}</span>
        <span className="small soft">{[word(words.lessonKind, lesson.kind), lesson.room_title].filter(Boolean).join(" · ")}</span>
        <span className="row">
          {lesson.cancelled && <Badge kind="bad">{text.cancelled}</Badge>}
          {away ? <Badge kind="warn">{text.substitutedBy(name(lesson.teacher ?? ""))}</Badge> : lesson.substituted && <Badge kind="warn">{text.substitution}</Badge>}
          {lesson.moved && <Badge kind="warn">{text.moved}</Badge>}
          {!lesson.cancelled && !away && <State page={lesson.page} lesson={lesson.id} future={future} />}
        </span>
      </span>
    </>
  );
  const look = `lesson-card${moment === "now" ? " now" : ""}${lesson.cancelled ? " off" : ""}`;
  if (lesson.cancelled) return <div className={look}>{body}</div>;
  return (
    <Link className={look} to={addressOf(lesson.page, lesson.id, lesson.date)}>
      {body}
    </Link>
  );
}

/** How far the lesson is filled in, with what still waits to be sent. */
function State({ page, lesson, future }: { page: string; lesson: string; future: boolean }) {
  const spread = useQuery(spreadOf(page));
  const waiting = useAllEntries();
  const entries = useEntries(page);
  if (!spread.data) return <Badge>{spread.error ? text.noPage : "…"}</Badge>;
  const { held, attendance, topic, grades, away, late } = filled(spread.data, lesson, waiting, entries);
  if (!held) return future ? <Badge>{text.ahead}</Badge> : <Badge kind="warn">{text.notHeld}</Badge>;
  return (
    <>
      {!attendance && <Badge kind="warn">{text.noAttendance}</Badge>}
      {!topic && <Badge kind="warn">{text.noTopic}</Badge>}
      {attendance && topic && <Badge kind="good">{text.done}</Badge>}
      {away > 0 && <Badge>{text.away(away)}</Badge>}
      {late > 0 && <Badge>{text.lateCount(late)}</Badge>}
      {grades > 0 && <Badge>{text.grades(grades)}</Badge>}
    </>
  );
}

// -- beside the day -----------------------------------------------------------------------------------------------

function Gaps() {
  const { gaps, error, again } = useOwnGaps();
  const group = useGroups();
  return (
    <section className="panel stack" aria-labelledby="lesson-gaps">
      <div className="row spread">
        <h2 id="lesson-gaps">{text.gaps}</h2>
        {gaps && gaps.length > 0 && <Link to="/gaps">{text.gapsAll(gaps.length)}</Link>}
      </div>
      {gaps === undefined ? (
        error ? (
          <ProblemNote error={error} again={again} />
        ) : (
          <Skeleton lines={3} />
        )
      ) : gaps.length === 0 ? (
        <p className="soft">{`${text.gapsNone}. ${text.gapsNoneWhy}`}</p>
      ) : (
        <ul className="lesson-links">
          {gaps.slice(0, GAPS_SHOWN).map((gap) => (
            <li key={`${gap.lesson}/${gap.gap}`}>
              <Link to={addressOf(gap.page, gap.lesson, gap.date)}>
                <span className="row spread">
                  <b>{`${day(gap.date, "short")}, ${text.pair(gap.pair)} · ${group(gap.group)}`}</b>
                  <Badge kind="warn">{text.gap[gap.gap]}</Badge>
                </span>
                <span className="small soft">{gap.title}</span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** Pages whose finals are due soon, or late. */
function Finals({ pages, today }: { pages: readonly PageRow[]; today: string }) {
  const spreads = useQueries({ queries: pages.map(({ id }) => spreadOf(id)) });
  const due = spreads.flatMap(({ data }) => (data && data.page.unfinished.without_final.length > 0 ? [data] : []));
  if (due.length === 0) return null;
  return (
    <section className="panel stack" aria-labelledby="lesson-finals">
      <h2 id="lesson-finals">{text.finalsDue}</h2>
      <ul className="lesson-links">
        {due.map((spread) => (
          <DueFinals key={spread.page.id} spread={spread} today={today} />
        ))}
      </ul>
    </section>
  );
}

function DueFinals({ spread, today }: { spread: Spread; today: string }) {
  const { id, group, discipline, finals, unfinished } = spread.page;
  const title = `${useGroups()(group)} · ${useDisciplines()(discipline)}`;
  const deadline = day(finals.deadline, "short");
  const when = { early: text.finalsSoon(day(finals.opens, "short"), deadline), open: text.finalsOpen(deadline, daysTo(finals.deadline, today)), late: text.finalsLate(deadline) }[finals.state];
  return (
    <li>
      <Link to={`/journal/${id}`}>
        <b>{title}</b>
        <span className="small soft">{`${when}; ${text.finalsMissing(unfinished.without_final.length)}`}</span>
      </Link>
    </li>
  );
}

function Pages({ pages }: { pages: readonly PageRow[] }) {
  const group = useGroups();
  const discipline = useDisciplines();
  return (
    <section className="panel stack" aria-labelledby="lesson-pages">
      <h2 id="lesson-pages">{text.myPages}</h2>
      {pages.length === 0 ? (
        <p className="soft">{`${text.myPagesNone}. ${text.myPagesNoneWhy}`}</p>
      ) : (
        <ul className="lesson-links">
          {pages.map((page) => (
            <li key={page.id}>
              <Link to={`/journal/${page.id}`}>
                <b>{`${group(page.group)} · ${discipline(page.discipline)}`}</b>
                <span className="small soft">{[text.lessonsHeld(page.lessons), page.without_grades > 0 && text.ungraded(page.without_grades), text.until(day(page.ends_on, "short"))].filter(Boolean).join(", ")}</span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
