/** The timetable by day and by week: of a student, of a teacher's own lessons, of a group. */

import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "wouter";
import { useGroupList, useGroups, useNames } from "../api/names";
import { day, later, monday } from "../format";
import { groupsOf, rolesOf, useSignedIn, type Me } from "../shell/session";
import { useToday } from "../shell/start";
import { Button } from "../ui/button";
import { Choice, NativeField, type Option } from "../ui/field";
import { Empty } from "../ui/notes";
import { Loaded, Page } from "../ui/page";
import { bells, lessonsOf, subjectsOf, timeOf, type Planned, type Whose } from "./data";
import "./family.css";
import { LessonLine } from "./parts";
import { text } from "./texts";

const MINE = "mine";
const GROUP = "group:";

export default function Timetable() {
  const me = useSignedIn();
  const today = useToday();
  const groups = useGroupList();
  const [query, setQuery] = useSearchParams();
  const choices = choicesOf(me, groups);
  const whose = query.get("of") ?? choices[0]?.id ?? "";
  const date = query.get("date") ?? today;
  const week = query.get("by") === "week";
  const set = (changed: Record<string, string>) => setQuery({ ...Object.fromEntries(query), ...changed }, { replace: true });
  const from = week ? monday(date) : date;
  const until = week ? later(from, 6) : date;
  const step = week ? 7 : 1;
  return (
    <Page title={text.timetable} lead={week ? text.span(day(from, "full"), day(until, "full")) : day(date, "long")}>
      <div className="row">
        {choices.length > 1 && <Choice label={text.whoseTimetable} value={whose} onChange={(of) => set({ of })} options={choices} />}
        <NativeField label={text.day} type="date" value={date} onChange={(chosen) => chosen && set({ date: chosen })} />
        <div className="row" style={{ alignSelf: "end" }}>
          <Button onPress={() => set({ date: later(date, -step) })}>{text.previous}</Button>
          <Button onPress={() => set({ date: today })}>{text.today}</Button>
          <Button onPress={() => set({ date: later(date, step) })}>{text.following}</Button>
          <Button kind="quiet" onPress={() => set({ by: week ? "day" : "week" })}>
            {week ? text.day : text.week}
          </Button>
        </div>
      </div>
      {whose ? <Days whose={whose} from={from} until={until} today={today} /> : <Empty title={text.noLessons}>{text.nearest}</Empty>}
    </Page>
  );
}

/** Whose timetables this person looks at: one's own lessons, each child's, own groups first, then all. */
function choicesOf(me: Me, groups: readonly { id: string; title: string }[]): Option[] {
  const roles = rolesOf(me);
  const own = roles.has("teacher") || roles.has("workshop_instructor") ? [{ id: MINE, name: text.mine }] : [];
  const students = subjectsOf(me).map(({ id, short, self }) => ({ id, name: self ? text.me : short }));
  const staff = ["curator", "study_office", "deputy_director", "director", "journal_administrator"] as const;
  const curated = groupsOf(me, "curator").map(({ group, title }) => ({ id: GROUP + group, name: title }));
  const known = new Set(curated.map(({ id }) => id));
  const all = own.length > 0 || staff.some((role) => roles.has(role)) ? groups.map(({ id, title }) => ({ id: GROUP + id, name: title })) : [];
  return [...own, ...students, ...curated, ...all.filter(({ id }) => !known.has(id))];
}

function whoseOf(chosen: string): Whose {
  if (chosen === MINE) return { mine: true };
  return chosen.startsWith(GROUP) ? { group: chosen.slice(GROUP.length) } : { student: chosen };
}

function Days({ whose, from, until, today }: { whose: string; from: string; until: string; today: string }) {
  const me = useSignedIn();
  const lessons = useQuery(lessonsOf(whoseOf(whose), from, until));
  const rings = useQuery(bells);
  const shown = (lessons.data ?? []).filter((lesson) => whose !== MINE || lesson.teacher === me.person.id);
  const name = useNames(shown.map((lesson) => lesson.teacher).filter((id) => id !== null));
  const group = useGroups();
  const days = Array.from({ length: from === until ? 1 : 7 }, (_, n) => later(from, n));
  const line = (lesson: Planned) => (
    <LessonLine
      key={lesson.id}
      lesson={lesson}
      time={timeOf(rings.data, lesson.date, lesson.pair)}
      {...(whose === MINE ? { group: group(lesson.group) } : { teacher: lesson.teacher ? name(lesson.teacher) : undefined })}
    />
  );
  return (
    <Loaded query={lessons} lines={6}>
      {() =>
        shown.length === 0 ? (
          <Empty title={text.noLessons}>{text.nearest}</Empty>
        ) : (
          <div className="family-week">
            {days
              .filter((date) => days.length === 1 || shown.some((lesson) => lesson.date === date))
              .map((date) => (
                <section key={date} className="family-day">
                  <h2 data-today={date === today ? "" : undefined}>{day(date, "long")}</h2>
                  {shown.filter((lesson) => lesson.date === date).map(line)}
                </section>
              ))}
          </div>
        )
      }
    </Loaded>
  );
}
