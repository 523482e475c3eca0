/** The first page of a student and of a guardian: the day, the newest entries, homework, for each child. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNames } from "../api/names";
import { day, hundredths, later, number } from "../format";
import { useSignedIn } from "../shell/session";
import { useToday } from "../shell/start";
import { Button, LinkButton } from "../ui/button";
import { Empty } from "../ui/notes";
import { Loaded } from "../ui/page";
import { Announce } from "./announce";
import { absencesOf, bells, cardOf, lessonsOf, subjectsOf, timeOf, type Subject } from "./data";
import "./family.css";
import { currentPeriod, currentYear, entries, homework, narrowed } from "./feed";
import { HomeworkRows, LessonLine, LessonRows, WhoseChoice } from "./parts";
import { text } from "./texts";

const NEWEST = 8;

export default function FamilyHome() {
  const subjects = subjectsOf(useSignedIn());
  const [chosen, choose] = useState(subjects[0]?.id ?? "");
  const subject = subjects.find(({ id }) => id === chosen);
  if (!subject) return <Empty title={text.noStudents}>{text.noStudentsWhy}</Empty>;
  return (
    <section className="stack" aria-label={subject.name}>
      <div className="row spread">
        <h2>{subject.self ? text.me : subject.name}</h2>
        <WhoseChoice subjects={subjects} chosen={chosen} onChoose={choose} />
      </div>
      <Whole key={subject.id} subject={subject} />
    </section>
  );
}

function Whole({ subject }: { subject: Subject }) {
  const today = useToday();
  const [announcing, setAnnouncing] = useState(false);
  const card = useQuery(cardOf(subject.id));
  const announced = useQuery(absencesOf(subject.id));
  const ahead = (announced.data ?? []).filter((absence) => absence.ends_on >= today);
  return (
    <>
      <Loaded query={card} lines={8}>
        {(whole) => {
          const year = currentYear(whole);
          const running = narrowed(whole, year, currentPeriod(whole, year, today));
          const held = running.disciplines.reduce((sum, page) => sum + page.hours.held, 0);
          const missed = running.disciplines.reduce((sum, page) => sum + page.hours.missed, 0);
          const newest = entries(whole.disciplines).slice(0, NEWEST);
          const due = homework(whole.disciplines, today);
          if (whole.disciplines.length === 0) return <Empty title={text.noCard}>{text.noCardWhy}</Empty>;
          return (
            <>
              <div className="family-figures">
                <div className="family-figure">
                  <span className="small soft">{text.meanShort}</span>
                  <b>{hundredths(meanOf(running.disciplines.map((page) => page.mean)))}</b>
                </div>
                <div className="family-figure">
                  <span className="small soft">{text.attendance}</span>
                  <b>{held > 0 ? `${number(100 - (100 * missed) / held, 1)} %` : "—"}</b>
                </div>
                <div className="family-figure">
                  <span className="small soft">{text.missed}</span>
                  <b>{text.hours(missed)}</b>
                  <span className="small soft">{text.ofHours(held)}</span>
                </div>
              </div>
              <div className="row">
                <LinkButton kind="primary" to={`/card/${subject.id}`}>
                  {text.open}
                </LinkButton>
                <Button onPress={() => setAnnouncing(true)}>{text.announce}</Button>
              </div>
              <div className="family-columns">
                <div className="panel stack">
                  <h3>{text.newest}</h3>
                  {newest.length > 0 ? <LessonRows entries={newest} /> : <Empty title={text.noNewest}>{text.noNewestWhy}</Empty>}
                </div>
                <div className="stack">
                  <Day student={subject.id} date={today} />
                  <Day student={subject.id} date={later(today, 1)} />
                  <div className="panel stack">
                    <h3>{text.homework}</h3>
                    {due.length > 0 ? <HomeworkRows entries={due} /> : <Empty title={text.noHomework}>{text.noHomeworkWhy}</Empty>}
                  </div>
                  {ahead.length > 0 && (
                    <div className="panel stack">
                      <h3>{text.announcements}</h3>
                      <ul className="family-rows">
                        {ahead.map((absence) => (
                          <li key={absence.absence}>{text.span(day(absence.starts_on), day(absence.ends_on))}</li>
                        ))}
                      </ul>
                    </div>
                  )}
                </div>
              </div>
            </>
          );
        }}
      </Loaded>
      {announcing && <Announce student={subject.id} onClose={() => setAnnouncing(false)} />}
    </>
  );
}

/** The plain mean of the disciplines' means, in hundredths. */
function meanOf(means: readonly (number | null)[]): number | null {
  const known = means.filter((mean) => mean !== null);
  return known.length === 0 ? null : Math.round(known.reduce((sum, mean) => sum + mean, 0) / known.length);
}

function Day({ student, date }: { student: string; date: string }) {
  const lessons = useQuery(lessonsOf({ student }, date, date));
  const rings = useQuery(bells);
  const name = useNames((lessons.data ?? []).map((lesson) => lesson.teacher).filter((id) => id !== null));
  return (
    <div className="family-day">
      <h3>{day(date, "long")}</h3>
      <Loaded query={lessons} lines={2}>
        {(all) =>
          all.length === 0 ? (
            <p className="soft">{text.noLessons}</p>
          ) : (
            all.map((lesson) => <LessonLine key={lesson.id} lesson={lesson} time={timeOf(rings.data, date, lesson.pair)} teacher={lesson.teacher ? name(lesson.teacher) : undefined} />)
          )
        }
      </Loaded>
    </div>
  );
}
