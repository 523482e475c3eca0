/** The thematic plans: topics of a page in order, with hours and kind of lesson. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { got, schedule } from "../api/client";
import { word, words } from "../domain/texts";
import { Button, LinkButton } from "../ui/button";
import { Choice } from "../ui/field";
import { List } from "../ui/list";
import { Empty, Note, ProblemNote } from "../ui/notes";
import { Loaded } from "../ui/page";
import { notify } from "../ui/toast";
import { assignmentsOf, GROUPS, header, PERIODS, programmesOf, useChange, type LessonKind, type Topic } from "./data";
import { Part } from "./part";
import { Paste } from "./paste";
import { wholeFrom, wordFrom, type Field, type Row } from "./table";
import { text } from "./texts";

const FIELDS: readonly Field[] = [
  { key: "title", title: text.programmes.topic, required: true },
  { key: "hours", title: text.programmes.hours, required: true, read: wholeFrom },
  { key: "kind", title: text.programmes.kind, read: wordFrom(words.lessonKind) },
];

type Page = { key: string; group: string; discipline: string; period: string; name: string; planned: number };

export default function ProgrammesStep() {
  const load = useQuery(assignmentsOf({}));
  const groups = useQuery(GROUPS);
  const periods = useQuery(PERIODS);
  const [chosen, setChosen] = useState("");
  const pages = new Map<string, Page>();
  for (const { group, discipline, period, code, title, planned, subgroup } of load.data?.items ?? []) {
    const key = `${group} ${discipline} ${period}`;
    const name = [
      groups.data?.items.find(({ id }) => id === group)?.title,
      [code, title].filter(Boolean).join(" "),
      periods.data?.items.find(({ id }) => id === period)?.title,
    ].join(" · ");
    // Subgroups have the same topics, so their hours count once.
    const before = pages.get(key)?.planned ?? 0;
    pages.set(key, { key, group, discipline, period, name, planned: subgroup ? Math.max(before, planned) : before + planned });
  }
  const page = pages.get(chosen);
  return (
    <Part why={text.programmes.why}>
      <Loaded query={load}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={text.programmes.noPages} action={<LinkButton to="/setup/load">{text.step["load"]}</LinkButton>}>
              {text.programmes.noPagesNext}
            </Empty>
          ) : (
            <>
              <div className="setup-choice">
                <Choice
                  label={text.programmes.page}
                  value={chosen}
                  onChange={setChosen}
                  options={[...pages.values()].sort((a, b) => a.name.localeCompare(b.name, "ru")).map(({ key, name }) => ({ id: key, name }))}
                />
              </div>
              {page ? <Plan key={page.key} page={page} /> : <Empty title={text.programmes.choose}>{text.programmes.chooseNext}</Empty>}
            </>
          )
        }
      </Loaded>
    </Part>
  );
}

function Plan({ page }: { page: Page }) {
  const query = useQuery(programmesOf({ group: page.group, period: page.period }));
  const [pasting, setPasting] = useState(false);
  const { group, discipline, period } = page;
  const adopt = useChange(
    async (rows: readonly Row[]) => {
      const topics = rows.map(({ cells }) => ({ title: cells["title"] ?? "", hours: Number(cells["hours"]), kind: (cells["kind"] || "lecture") as LessonKind }));
      const path = { group, discipline, period };
      return got(schedule.PUT("/programmes/{group}/{discipline}/{period}", { params: { path, header: header() }, body: { topics } }));
    },
    () => {
      notify(text.programmes.adopted);
      setPasting(false);
    },
  );
  return (
    <Loaded query={query}>
      {({ items }) => {
        const plan = items.find((each) => each.discipline === discipline);
        return (
          <div className="stack">
            <div className="row spread">
              {plan ? <p>{`${text.programmes.has(plan.topic_count, plan.hours)} · ${text.programmes.against(plan.hours, page.planned)}`}</p> : <span />}
              <Button onPress={() => setPasting(!pasting)} {...(!plan && { kind: "primary" as const })}>
                {pasting ? text.people.hide : text.paste.label}
              </Button>
            </div>
            {pasting && (
              <div className="panel">
                <Paste fields={FIELDS} words={{ kind: words.lessonKind }} busy={adopt.isPending} onTake={(rows) => adopt.mutate(rows)}>
                  {plan && <Note kind="warn">{text.programmes.replaces}</Note>}
                </Paste>
              </div>
            )}
            {adopt.error !== null && <ProblemNote error={adopt.error} />}
            <List<Topic>
              label={page.name}
              rows={plan?.topics ?? []}
              rowKey={({ number }) => String(number)}
              csv={`/api/schedule/programmes?format=csv&group=${group}`}
              empty={<Empty title={text.programmes.none}>{text.programmes.noneNext}</Empty>}
              columns={[
                { key: "n", title: text.programmes.number, value: ({ number }) => number, cell: ({ number }) => number },
                { key: "title", title: text.programmes.topic, value: ({ title }) => title, cell: ({ title }) => title },
                { key: "kind", title: text.programmes.kind, value: ({ kind }) => word(words.lessonKind, kind), cell: ({ kind }) => word(words.lessonKind, kind) },
                { key: "hours", title: text.programmes.hours, end: true, value: ({ hours }) => hours, cell: ({ hours }) => hours },
              ]}
            />
          </div>
        );
      }}
    </Loaded>
  );
}
