/** Pieces that the pages of students and guardians share: marks, rows of lessons, the switch between children. */

import type { ReactNode } from "react";
import { titleOf, word, words } from "../domain/texts";
import { day, hundredths } from "../format";
import { Choice } from "../ui/field";
import { Badge } from "../ui/notes";
import type { CardGrade, CardLesson, CardPage, Needed, Planned, Subject } from "./data";
import type { Entry } from "./feed";
import { text } from "./texts";

const LOOK: Record<string, string> = { "5": "v5", "4": "v4", "3": "v3", "2": "v2", ".": "dot", pass: "pass", fail: "fail" };

export function Mark({ value, replaced, title }: { value: string; replaced?: boolean; title?: string }) {
  return (
    <span className={`family-mark ${LOOK[value] ?? ""} ${replaced ? "replaced" : ""}`} title={title}>
      {word(words.value, value)}
    </span>
  );
}

const told = (grade: CardGrade) =>
  [word(words.work, grade.work), grade.makeup_on && text.makeup(day(grade.makeup_on, "short")), grade.replaced && text.replaced].filter(Boolean).join(", ");

/** The marks of one lesson: grades, and what was missed of it. */
export function Marks({ lesson }: { lesson: CardLesson }) {
  const { absence } = lesson;
  return (
    <span className="family-marks">
      {absence && absence.hours > 0 && <span className="family-mark away">{text.absent(absence.hours)}</span>}
      {absence && absence.late > 0 && <span className="family-mark away">{text.lateBy(absence.late)}</span>}
      {absence && absence.left_early > 0 && <span className="family-mark away">{text.leftEarly(absence.left_early)}</span>}
      {lesson.grades.map((grade) => (
        <Mark key={grade.grade} value={grade.value} replaced={Boolean(grade.replaced)} title={told(grade)} />
      ))}
    </span>
  );
}

/** Lessons as rows: discipline, day and topic, kinds of work; marks at the end. */
export function LessonRows({ entries, discipline = true }: { entries: readonly Entry[]; discipline?: boolean }) {
  return (
    <ul className="family-rows">
      {entries.map(({ page, lesson }) => (
        <li key={`${page.page}/${lesson.lesson}`}>
          <span className="what">
            {discipline && <b>{titleOf(page.discipline)}</b>}
            <span className="small soft" style={{ display: "block" }}>
              {`${day(lesson.date, "long")} · ${lesson.topic || text.noTopic}`}
            </span>
            {lesson.grades.length > 0 && <span className="small soft">{lesson.grades.map(told).join("; ")}</span>}
          </span>
          <Marks lesson={lesson} />
        </li>
      ))}
    </ul>
  );
}

/** Homework as rows: what, of which discipline, for which day. */
export function HomeworkRows({ entries }: { entries: readonly Entry[] }) {
  return (
    <ul className="family-rows">
      {entries.map(({ page, lesson }) => (
        <li key={`${page.page}/${lesson.lesson}`}>
          <span className="what">
            <b>{titleOf(page.discipline)}</b>
            <span style={{ display: "block" }}>{lesson.homework?.text}</span>
          </span>
          {lesson.homework?.due_on && <Badge kind="info">{text.due(day(lesson.homework.due_on, "short"))}</Badge>}
        </li>
      ))}
    </ul>
  );
}

/** One line of the timetable. */
export function LessonLine({ lesson, time, teacher, group }: { lesson: Planned; time: string; teacher?: string | undefined; group?: string }) {
  const beside = [lesson.room_title, teacher, group, lesson.subgroup && text.subgroup(lesson.subgroup)].filter(Boolean);
  return (
    <div className={lesson.cancelled ? "family-lesson off" : "family-lesson"}>
      <span className="when">
        {text.pair(lesson.pair)}
        <span className="small soft" style={{ display: "block" }}>
          {time}
        </span>
      </span>
      <span>
        <b>{titleOf(lesson)}</b>
        <span className="small soft" style={{ display: "block" }}>
          {[word(words.lessonKind, lesson.kind), ...beside].join(" · ")}
        </span>
        <Changed lesson={lesson} />
      </span>
    </div>
  );
}

function Changed({ lesson }: { lesson: Planned }) {
  const why = lesson.reason ? `: ${word(words.changeReason, lesson.reason)}` : "";
  if (lesson.cancelled) return <Badge kind="bad">{text.cancelled + why}</Badge>;
  if (lesson.substituted) return <Badge kind="warn">{text.substitution}</Badge>;
  return lesson.moved ? <Badge kind="warn">{text.moved}</Badge> : null;
}

/** The mean of a discipline and its final, once it is set. */
export function Mean({ page }: { page: CardPage }) {
  return (
    <span className="family-mean">
      <b>{hundredths(page.mean)}</b>
      <span className="small soft" style={{ display: "block" }}>
        {page.final ? `${text.final}: ${word(words.value, page.final)}` : text.meanShort}
      </span>
    </span>
  );
}

/** What has to come for a 5, a 4 and a 3, by the journal's reckoning; the lowest that is reached already stays unsaid. */
export function NeededNote({ needed }: { needed: Needed }) {
  const reached = (["5", "4", "3"] as const).find((value) => needed[value] === 0);
  const lines: ReactNode[] = (["5", "4", "3"] as const)
    .filter((value) => !reached || value > reached)
    .map((value) => {
      const n = needed[value];
      return <li key={value}>{n === null ? text.unreachable(value) : text.neededFives(n, value)}</li>;
    });
  return (
    <div className="note info">
      <b>{text.needed}</b>
      <ul style={{ margin: 0, paddingLeft: 20 }}>
        {reached && <li>{text.reached(reached)}</li>}
        {lines}
      </ul>
      <span className="small soft">{text.neededHint}</span>
    </div>
  );
}

/** Which of the children, or oneself; nothing where there is no choice. */
export function WhoseChoice({ subjects, chosen, onChoose }: { subjects: readonly Subject[]; chosen: string; onChoose: (id: string) => void }) {
  if (subjects.length < 2) return null;
  return <Choice label={text.whose} value={chosen} onChange={onChoose} options={subjects.map(({ id, short, self }) => ({ id, name: self ? text.me : short }))} />;
}
