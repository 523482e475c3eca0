/** Students × disciplines of one period with the indicators of the group (R 2.6, 4.5.4, 7.1). */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { useNames } from "../api/names";
import { titleOf, word, words } from "../domain/texts";
import { hundredths } from "../format";
import { language } from "../texts";
import { Bars } from "../ui/chart";
import { Choice } from "../ui/field";
import { Empty } from "../ui/notes";
import { List, type Column } from "../ui/list";
import { Loaded } from "../ui/page";
import { summaryOf, type Summary, type SummaryStudent } from "./data";
import { text } from "./texts";

export function SummaryPart({ group }: { group: string }) {
  const [period, setPeriod] = useState<string>();
  const summary = useQuery(summaryOf(group, period));
  return (
    <Loaded query={summary} lines={10}>
      {(data) =>
        data.pages.length === 0 ? (
          <Empty title={text.noSummary}>{text.noSummaryWhy}</Empty>
        ) : (
          <>
            <div className="row">
              <Choice
                label={text.period}
                value={data.period.period}
                onChange={setPeriod}
                options={data.periods.map((each) => ({ id: each.period, name: `${each.year_title ?? "…"}, ${titleOf(each)}` }))}
              />
            </div>
            <Figures summary={data} />
            <Table summary={data} />
            <div className="panel stack">
              <h2>{text.distribution}</h2>
              <Bars title={text.distribution} bars={barsOf(data)} least={200} most={500} />
            </div>
            <details className="panel">
              <summary>{text.formulas}</summary>
              <ul>
                {Object.entries(data.formulas).map(([key, formula]) => (
                  <li key={key} className="small">
                    <b>{formula[language]}</b>
                    {`: ${formula.text}`}
                  </li>
                ))}
              </ul>
            </details>
          </>
        )
      }
    </Loaded>
  );
}

function Figures({ summary }: { summary: Summary }) {
  const { indicators } = summary;
  const figures: [name: string, value: string][] = [
    [text.attendance, percent(indicators.attendance)],
    [text.success, percent(indicators.success)],
    [text.quality, percent(indicators.quality)],
    [text.average, hundredths(indicators.average)],
    [text.missed, text.hours(indicators.hours.missed)],
  ];
  return (
    <div className="tiles">
      {figures.map(([name, value]) => (
        <div key={name} className="tile">
          <span className="small soft">{name}</span>
          <b>{value}</b>
        </div>
      ))}
    </div>
  );
}

const percent = (value: number | null) => (value === null ? "—" : text.percent(hundredths(value)));

function Table({ summary }: { summary: Summary }) {
  const name = useNames(summary.students.map(({ student }) => student));
  const columns: Column<SummaryStudent>[] = [
    { key: "student", title: text.student, cell: (row) => <Link to={`/card/${row.student}`}>{name(row.student)}</Link>, value: (row) => name(row.student) },
    ...summary.pages.map((page) => ({
      key: page.page,
      title: page.discipline.code ?? titleOf(page.discipline),
      cell: (row: SummaryStudent) => {
        const cell = row.cells[page.page];
        return cell ? <span title={titleOf(page.discipline)}>{cell.final ? <b>{word(words.value, cell.final)}</b> : hundredths(cell.mean)}</span> : "";
      },
      value: (row: SummaryStudent) => row.cells[page.page]?.mean ?? null,
      end: true,
    })),
    { key: "average", title: text.average, cell: (row) => hundredths(row.average), value: (row) => row.average, end: true },
    { key: "missed", title: text.missed, cell: (row) => row.hours.missed, value: (row) => row.hours.missed, end: true },
    { key: "attendance", title: text.attendance, cell: (row) => percent(row.attendance), value: (row) => row.attendance, end: true },
  ];
  return (
    <List
      label={text.summary}
      rows={summary.students}
      rowKey={(row) => row.student}
      sort={{ key: "student" }}
      csv={`/api/reporting/groups/${summary.group}/summary?format=csv&period=${summary.period.period}`}
      empty={<Empty title={text.noMembers}>{text.noMembersWhy}</Empty>}
      columns={columns}
    />
  );
}

/** The plain mean of the students' means in each discipline, in hundredths. */
function barsOf(summary: Summary) {
  return summary.pages.map((page) => {
    const means = summary.students.map((row) => row.cells[page.page]?.mean ?? null).filter((mean) => mean !== null);
    const mean = means.length === 0 ? null : Math.round(means.reduce((sum, each) => sum + each, 0) / means.length);
    return { name: titleOf(page.discipline), value: mean, said: hundredths(mean) };
  });
}
