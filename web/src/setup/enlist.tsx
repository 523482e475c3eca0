/** Groups and people of the college: one by one, or by a list from a spreadsheet that the journal checks first. */

import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { got, identity } from "../api/client";
import type { components } from "../api/generated/identity";
import { word, words } from "../domain/texts";
import { rolesOf, useSignedIn } from "../shell/session";
import { language } from "../texts";
import { Button, LinkButton } from "../ui/button";
import { Note, ProblemNote } from "../ui/notes";
import { Loaded } from "../ui/page";
import { notify } from "../ui/toast";
import { GROUPS, header, peopleOf, useChange } from "./data";
import { Groups } from "./groups";
import { NewPerson } from "./newperson";
import { Part } from "./part";
import { Paste } from "./paste";
import { PeopleList } from "./peoplelist";
import { Periods } from "./periods";
import { keyOf, rosterOf, type Roster } from "./roster";
import { dayFrom, wordFrom, type Field, type Row } from "./table";
import { text } from "./texts";

const ROLES = ["student", "guardian", "teacher", "workshop_instructor", "curator", "study_office", "deputy_director", "director", "journal_administrator"];
const roleWords = Object.fromEntries(ROLES.map((role) => [role, word(words.role, role)]));

const FIELDS: readonly Field[] = [
  { key: "family", title: text.people.family, required: true },
  { key: "given", title: text.people.given, required: true },
  { key: "middle", title: text.people.middle },
  { key: "role", title: text.people.role, required: true, read: wordFrom(roleWords) },
  { key: "group", title: text.people.group },
  { key: "since", title: text.people.since, read: dayFrom },
  { key: "birth", title: text.people.birth, read: dayFrom },
  { key: "email", title: text.people.email },
  { key: "phone", title: text.people.phone },
  { key: "child", title: text.people.child },
  { key: "code", title: text.people.code },
];

export default function PeopleStep() {
  const administrator = rolesOf(useSignedIn()).has("journal_administrator");
  return (
    <>
      <Groups />
      <Enlisting administrator={administrator} />
      <Periods />
    </>
  );
}

const RECENT = { sort: "-registered", limit: 20 } as const;

function Enlisting({ administrator }: { administrator: boolean }) {
  const [adding, setAdding] = useState(false);
  const [pasting, setPasting] = useState(false);
  const query = useQuery(peopleOf(RECENT));
  return (
    <Part
      title={text.people.title}
      why={text.people.stepWhy}
      actions={
        <>
          <Button onPress={() => setAdding(true)}>{text.people.add}</Button>
          {administrator && <Button onPress={() => setPasting(!pasting)}>{pasting ? text.people.hide : text.people.pasteTitle}</Button>}
        </>
      }
    >
      {pasting && <PastePeople onDone={() => setPasting(false)} />}
      <Loaded query={query}>
        {({ items, total }) => (
          <>
            {total > items.length && (
              <div className="row spread">
                <span className="soft small">{text.people.recent(items.length, total)}</span>
                <LinkButton to="/people" small>
                  {text.people.everybody}
                </LinkButton>
              </div>
            )}
            <PeopleList people={items} empty={text.people.empty} emptyNext={text.people.emptyNext} />
          </>
        )}
      </Loaded>
      {adding && <NewPerson onClose={() => setAdding(false)} />}
    </Part>
  );
}

/** What no single cell tells: two lines of one person in one role, a group or a child that is missing. */
function further(row: Row, rows: readonly Row[]): readonly string[] {
  const { role = "", group = "", child = "" } = row.cells;
  const same = rows.find((other) => keyOf(other) === keyOf(row) && other.cells["role"] === role && other.cells["group"] === group && other.cells["child"] === child);
  const students = new Set(rows.filter(({ cells }) => cells["role"] === "student").flatMap(namesOf));
  const children = role === "guardian" ? child.split(/[;,]/).map((name) => name.trim()).filter(Boolean) : [];
  return [
    ...(same && same.line < row.line ? [text.people.twice(same.line)] : []),
    ...((role === "student" || role === "curator") && group === "" ? [text.people.needGroup] : []),
    ...(role === "guardian" && children.length === 0 ? [text.people.needChild] : []),
    ...children.filter((name) => !students.has(name.toLocaleLowerCase("ru"))).map(text.people.unknownChild),
  ];
}

const namesOf = ({ cells }: Row) =>
  [cells["code"] ?? "", [cells["family"], cells["given"]].join(" "), [cells["family"], cells["given"], cells["middle"]].join(" ")].map((name) => name.toLocaleLowerCase("ru"));

type Report = components["schemas"]["Imported"];
type Checked = { roster: Roster; report: Report };

/** The generated type asks for members that the journal fills by default. */
const send = async (roster: Roster, check: boolean): Promise<Report> => {
  const body = roster as unknown as components["schemas"]["Roster"];
  return got(identity.POST("/imports", { params: { query: { check }, header: header() }, body }));
};

function PastePeople({ onDone }: { onDone: () => void }) {
  const groups = useQuery(GROUPS);
  const [checked, setChecked] = useState<Checked | null>(null);
  const check = useMutation({
    mutationFn: async (rows: readonly Row[]): Promise<Checked> => {
      const roster = await rosterOf(rows, text.people.table, groups.data?.items ?? []);
      return { roster, report: await send(roster, true) };
    },
    onSuccess: setChecked,
  });
  const write = useChange(
    async ({ roster }: Checked) => send(roster, false),
    ({ kinds }) => {
      notify(text.people.imported(kinds["people"]?.created ?? 0));
      onDone();
    },
  );
  const counted = checked?.report.kinds["people"];
  return (
    <div className="panel stack">
      <div hidden={checked !== null}>
        <Paste fields={FIELDS} words={{ role: roleWords }} busy={check.isPending || !groups.data} onTake={(rows) => check.mutate(rows)} further={further} />
      </div>
      {check.error !== null && <ProblemNote error={check.error} />}
      {checked && (
        <div className="stack">
          <Note kind={checked.report.problems.length > 0 ? "bad" : "info"} title={text.people.wouldBe(counted?.created ?? 0, counted?.changed ?? 0, counted?.unchanged ?? 0)}>
            {checked.report.problems.length > 0 && (
              <>
                {text.people.badRows}
                <ul>
                  {checked.report.problems.map((problem) => (
                    <li key={`${problem.where} ${problem.ru}`}>{`${problem.where} — ${problem[language]}`}</li>
                  ))}
                </ul>
              </>
            )}
          </Note>
          {write.error !== null && <ProblemNote error={write.error} />}
          <div className="row">
            <Button kind="primary" isDisabled={write.isPending || checked.report.problems.length > 0} onPress={() => write.mutate(checked)}>
              {text.people.importIt}
            </Button>
            <Button onPress={() => setChecked(null)}>{text.people.back}</Button>
          </div>
        </div>
      )}
    </div>
  );
}
