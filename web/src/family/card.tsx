/** A student's card over all disciplines and years (R 2.4): grades, means, absences, homework, finals. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation, useParams } from "wouter";
import { useNames } from "../api/names";
import { titleOf, word, words } from "../domain/texts";
import { day, hundredths } from "../format";
import { useSignedIn } from "../shell/session";
import { useToday } from "../shell/start";
import { Choice } from "../ui/field";
import { Badge, Empty } from "../ui/notes";
import { List } from "../ui/list";
import { Loaded, Page } from "../ui/page";
import { Tabs } from "../ui/tabs";
import { cardOf, subjectsOf, type Card, type CardPage } from "./data";
import "./family.css";
import { absences, currentPeriod, currentYear, entries, homework, narrowed, type Entry } from "./feed";
import { HomeworkRows, LessonRows, Mark, Marks, Mean, NeededNote, WhoseChoice } from "./parts";
import { text } from "./texts";

const ALL = "all";

export default function CardOfStudent() {
  const subjects = subjectsOf(useSignedIn());
  const [, go] = useLocation();
  const student = useParams()["student"] ?? subjects[0]?.id;
  const named = subjects.find(({ id }) => id === student);
  const name = useNames(student && !named ? [student] : [], true);
  if (!student) {
    return (
      <Page title={text.me}>
        <Empty title={text.noStudents}>{text.noStudentsWhy}</Empty>
      </Page>
    );
  }
  const title = named ? (named.self ? text.me : named.name) : name(student);
  return (
    <Page title={title} actions={<WhoseChoice subjects={subjects} chosen={named ? student : ""} onChoose={(id) => go(`/card/${id}`)} />}>
      <Whole key={student} student={student} />
    </Page>
  );
}

function Whole({ student }: { student: string }) {
  const card = useQuery(cardOf(student));
  return <Loaded query={card}>{(whole) => (whole.disciplines.length > 0 ? <Opened whole={whole} /> : <Empty title={text.noCard}>{text.noCardWhy}</Empty>)}</Loaded>;
}

function Opened({ whole }: { whole: Card }) {
  const today = useToday();
  const [year, setYear] = useState(() => currentYear(whole));
  const [period, setPeriod] = useState(() => currentPeriod(whole, year, today) || ALL);
  const own = new Set(whole.disciplines.map((page) => page.period));
  const periods = (whole.years.find((each) => each.year === year)?.periods ?? []).filter((each) => own.has(each.period));
  const shown = narrowed(whole, year, period === ALL ? "" : period);
  const changeYear = (chosen: string) => {
    setYear(chosen);
    setPeriod(currentPeriod(whole, chosen, today) || ALL);
  };
  const missed = absences(shown.disciplines);
  const query = new URLSearchParams({ format: "csv", year, ...(period !== ALL && { period }) });
  return (
    <>
      <div className="row">
        <Choice label={text.year} value={year} onChange={changeYear} options={whole.years.map((each) => ({ id: each.year, name: titleOf(each) }))} />
        <Choice
          label={text.period}
          value={period}
          onChange={setPeriod}
          options={[...periods.map((each) => ({ id: each.period, name: titleOf(each) })), { id: ALL, name: text.allPeriods }]}
        />
        {whole.status !== "studying" && <Badge kind="warn">{word(words.status, whole.status)}</Badge>}
      </div>
      <Tabs
        label={text.disciplines}
        parts={[
          { id: "disciplines", name: text.byDiscipline, content: () => <Disciplines pages={shown.disciplines} today={today} /> },
          {
            id: "feed",
            name: text.feed,
            content: () => <Entries label={text.feed} entries={entries(shown.disciplines)} csv={`/api/reporting/students/${whole.student}/card?${query}`} />,
          },
          { id: "absences", name: text.absences, content: () => <Absences entries={missed} /> },
          { id: "homework", name: text.homework, content: () => <Homework entries={homework(shown.disciplines, today)} /> },
        ]}
      />
    </>
  );
}

function Disciplines({ pages, today }: { pages: readonly CardPage[]; today: string }) {
  if (pages.length === 0) return <Empty title={text.noDisciplines}>{text.noDisciplinesWhy}</Empty>;
  const sorted = [...pages].sort((a, b) => titleOf(a.discipline).localeCompare(titleOf(b.discipline), "ru"));
  return sorted.map((page) => <Discipline key={page.page} page={page} today={today} />);
}

const RECENT = 10;

function Discipline({ page, today }: { page: CardPage; today: string }) {
  const listed = entries([page]);
  const teacher = useNames(page.teachers);
  return (
    <details className="panel family-discipline">
      <summary>
        <span>
          <span className="title">{titleOf(page.discipline)}</span>
          <span className="small soft" style={{ display: "block" }}>
            {[page.discipline.code, ...page.teachers.map(teacher)].join(" · ")}
          </span>
        </span>
        <Mean page={page} />
        <span className="family-marks" style={{ justifyContent: "start" }}>
          {listed.slice(0, RECENT).map(({ lesson }) => (
            <Marks key={lesson.lesson} lesson={lesson} />
          ))}
        </span>
      </summary>
      <div className="all">
        <p className="small soft">
          {[
            page.attendance !== null && `${text.attendance}: ${hundredths(page.attendance)} %`,
            page.hours.missed > 0 && `${text.missed}: ${text.hours(page.hours.missed)} ${text.ofHours(page.hours.held)}`,
            page.programme && `${text.passed}: ${text.of(page.programme.passed, page.programme.topics)}`,
          ]
            .filter(Boolean)
            .join(" · ")}
        </p>
        {!page.final && page.needed && <NeededNote needed={page.needed} />}
        {page.carried.length > 0 && (
          <p className="row">
            {text.carried}
            {page.carried.map((grade, n) => (
              <Mark key={n} value={grade.value} title={word(words.work, grade.work)} />
            ))}
          </p>
        )}
        {page.taken.length > 0 && (
          <p className="row">
            {text.taken}
            {page.taken.map((final) => (
              <Mark key={final.page} value={final.value} />
            ))}
          </p>
        )}
        {homework([page], today).length > 0 && (
          <>
            <h3>{text.homework}</h3>
            <HomeworkRows entries={homework([page], today)} />
          </>
        )}
        {listed.length > 0 ? <LessonRows entries={listed} discipline={false} /> : <Empty title={text.noNewest}>{text.noNewestWhy}</Empty>}
      </div>
    </details>
  );
}

function Entries({ label, entries: rows, csv }: { label: string; entries: readonly Entry[]; csv?: string }) {
  return (
    <List
      label={label}
      rows={rows}
      rowKey={({ page, lesson }) => `${page.page}/${lesson.lesson}`}
      csv={csv}
      empty={<Empty title={text.noNewest}>{text.noNewestWhy}</Empty>}
      columns={[
        { key: "discipline", title: text.discipline, cell: ({ page }) => titleOf(page.discipline), value: ({ page }) => titleOf(page.discipline) },
        { key: "date", title: text.date, cell: ({ lesson }) => day(lesson.date), value: ({ lesson }) => lesson.date },
        { key: "topic", title: text.topic, cell: ({ lesson }) => lesson.topic || text.noTopic, value: ({ lesson }) => lesson.topic },
        { key: "marks", title: text.grades, cell: ({ lesson }) => <Marks lesson={lesson} />, value: ({ lesson }) => lesson.grades[0]?.value ?? null },
      ]}
    />
  );
}

function Absences({ entries: rows }: { entries: readonly Entry[] }) {
  return (
    <List
      label={text.absences}
      rows={rows}
      rowKey={({ page, lesson }) => `${page.page}/${lesson.lesson}`}
      empty={<Empty title={text.noAbsences}>{text.noAbsencesWhy}</Empty>}
      columns={[
        { key: "date", title: text.date, cell: ({ lesson }) => day(lesson.date, "long"), value: ({ lesson }) => lesson.date },
        { key: "discipline", title: text.discipline, cell: ({ page }) => titleOf(page.discipline), value: ({ page }) => titleOf(page.discipline) },
        { key: "what", title: text.what, cell: ({ lesson }) => <Marks lesson={{ ...lesson, grades: [] }} />, value: ({ lesson }) => lesson.absence?.hours ?? 0 },
        { key: "reason", title: text.reason, cell: ({ lesson }) => reasonOf(lesson.absence?.class), value: ({ lesson }) => reasonOf(lesson.absence?.class) },
      ]}
    />
  );
}

const reasonOf = (known: string | null | undefined) => (known ? word(words.absenceClass, known) : text.unclassified);

function Homework({ entries: rows }: { entries: readonly Entry[] }) {
  if (rows.length === 0) return <Empty title={text.noHomework}>{text.noHomeworkWhy}</Empty>;
  return (
    <div className="panel">
      <HomeworkRows entries={rows} />
    </div>
  );
}
