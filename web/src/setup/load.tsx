/** The teaching load: who teaches what to which group in which period. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { got, schedule } from "../api/client";
import { useNames } from "../api/names";
import { word, words } from "../domain/texts";
import { useToday } from "../shell/start";
import { Button, LinkButton } from "../ui/button";
import { Checkbox, Choice, NativeField, TextField } from "../ui/field";
import { List } from "../ui/list";
import { Empty } from "../ui/notes";
import { Loaded } from "../ui/page";
import { notify } from "../ui/toast";
import { assignmentsOf, DISCIPLINES, GROUPS, header, PERIODS, TEACHERS, useChange, type Assignment, type LessonKind, type Period } from "./data";
import { FormDialog } from "./form";
import { Part } from "./part";
import { text } from "./texts";

type Reason = "illness" | "business_trip" | "leave" | "training" | "room" | "event" | "other";
const REASONS: readonly Reason[] = ["illness", "business_trip", "leave", "training", "event", "other"];
const KINDS = Object.keys(words.lessonKind) as LessonKind[];

export default function LoadStep() {
  const [group, setGroup] = useState("");
  const groups = useQuery(GROUPS);
  const periods = useQuery(PERIODS);
  const query = useQuery(assignmentsOf(group ? { group } : {}));
  const name = useNames(query.data?.items.flatMap(({ teacher }) => teacher ?? []) ?? []);
  const [adding, setAdding] = useState(false);
  const [passing, setPassing] = useState<Assignment | null>(null);
  const titleOf = (id: string) => groups.data?.items.find((each) => each.id === id)?.title ?? "…";
  const periodOf = (id: string) => periods.data?.items.find((each) => each.id === id)?.title ?? "…";
  const discipline = ({ code, title }: Assignment) => [code, title].filter(Boolean).join(" ");
  const where = (row: Assignment) => (row.subgroup ? `${titleOf(row.group)}, ${text.timetable.subgroup(row.subgroup)}` : titleOf(row.group));
  const kinds = (row: Assignment) => row.kinds.map((kind) => word(words.lessonKind, kind)).join(", ") || text.load.all;
  return (
    <Part
      why={text.load.why}
      actions={
        <Button kind="primary" onPress={() => setAdding(true)}>
          {text.load.add}
        </Button>
      }
    >
      <Loaded query={query}>
        {({ items }) => (
          <List
            label={text.step["load"] ?? ""}
            rows={items}
            rowKey={({ id }) => id}
            csv={`/api/schedule/assignments?format=csv${group ? `&group=${group}` : ""}`}
            search={items.length > 5}
            empty={<Empty title={text.load.none}>{text.load.noneNext}</Empty>}
            tools={
              (groups.data?.total ?? 0) > 1 && (
                <Choice
                  label={text.load.group}
                  value={group || "all"}
                  onChange={(value) => setGroup(value === "all" ? "" : value)}
                  options={[{ id: "all", name: text.people.anyGroup }, ...(groups.data?.items ?? []).map(({ id, title }) => ({ id, name: title }))]}
                />
              )
            }
            columns={[
              { key: "discipline", title: text.load.discipline, value: discipline, cell: discipline },
              { key: "group", title: text.load.group, value: where, cell: where },
              { key: "period", title: text.load.period, value: ({ period }) => periodOf(period), cell: ({ period }) => periodOf(period) },
              { key: "teacher", title: text.load.teacher, value: ({ teacher }) => teacher && name(teacher), cell: ({ teacher }) => (teacher ? name(teacher) : "—") },
              { key: "kinds", title: text.load.kinds, value: kinds, cell: kinds },
              {
                key: "responsible",
                title: text.load.responsibleTitle,
                value: ({ responsible }) => (responsible ? text.load.isResponsible : text.load.notResponsible),
                cell: ({ responsible }) => (responsible ? text.load.isResponsible : text.load.notResponsible),
              },
              { key: "hours", title: text.load.plan, end: true, value: ({ planned }) => planned, cell: ({ planned, timetabled }) => `${planned} / ${timetabled}` },
              {
                key: "do",
                title: text.actions,
                end: true,
                cell: (row) => (
                  <Button small onPress={() => setPassing(row)}>
                    {text.load.reassign}
                    <span className="hidden">{`: ${discipline(row)}, ${where(row)}`}</span>
                  </Button>
                ),
              },
            ]}
          />
        )}
      </Loaded>
      {adding && <NewAssignment group={group} onClose={() => setAdding(false)} />}
      {passing && <Reassign assignment={passing} onClose={() => setPassing(null)} />}
    </Part>
  );
}

/** The period that runs today, else the first that is still to come, else the last. */
export function runningOf(periods: readonly Period[], today: string): Period | undefined {
  const inOrder = [...periods].sort((a, b) => a.starts_on.localeCompare(b.starts_on));
  return inOrder.find(({ ends_on }) => today <= ends_on) ?? inOrder.at(-1);
}

function NewAssignment({ group: first, onClose }: { group: string; onClose: () => void }) {
  const today = useToday();
  const groups = useQuery(GROUPS);
  const periods = useQuery(PERIODS);
  const disciplines = useQuery(DISCIPLINES);
  const teachers = useQuery(TEACHERS);
  const [chosenGroup, setGroup] = useState(first);
  const group = chosenGroup || (groups.data?.total === 1 ? (groups.data.items[0]?.id ?? "") : "");
  const [chosenPeriod, setPeriod] = useState("");
  const [discipline, setDiscipline] = useState("");
  const [teacher, setTeacher] = useState("");
  const [hours, setHours] = useState("72");
  const [subgroup, setSubgroup] = useState("");
  const [kinds, setKinds] = useState<ReadonlySet<LessonKind>>(new Set());
  const [responsible, setResponsible] = useState(true);
  const own = periods.data?.items.filter((each) => each.group === group) ?? [];
  const period = own.some(({ id }) => id === chosenPeriod) ? chosenPeriod : (runningOf(own, today)?.id ?? "");
  const change = useChange(
    async () =>
      (await got(
        schedule.POST("/assignments", {
          params: { header: header() },
          body: { group, discipline, period, teacher, subgroup, kinds: KINDS.filter((kind) => kinds.has(kind)), hours: Number(hours), responsible },
        }),
      )),
    () => {
      notify(text.load.added);
      onClose();
    },
  );
  const toggle = (kind: LessonKind, on: boolean) => setKinds(new Set(on ? [...kinds, kind] : [...kinds].filter((other) => other !== kind)));
  return (
    <FormDialog title={text.load.title} onClose={onClose} change={change} submit={text.load.add} disabled={!group || !period || !discipline || !teacher} onSubmit={() => change.mutate(undefined)}>
      <div className="pair">
        <Choice label={text.load.group} value={group} onChange={setGroup} options={(groups.data?.items ?? []).map(({ id, title }) => ({ id, name: title }))} required />
        <Choice label={text.load.period} value={period} onChange={setPeriod} options={own.map(({ id, title }) => ({ id, name: title }))} required disabled={own.length === 0} />
      </div>
      {group && periods.data && own.length === 0 && <Empty title={text.periods.none} action={<LinkButton to="/setup/people">{text.step["people"]}</LinkButton>}>{text.load.noPeriod}</Empty>}
      <Choice
        label={text.load.discipline}
        value={discipline}
        onChange={setDiscipline}
        options={(disciplines.data?.items ?? []).map(({ id, code, title }) => ({ id, name: [code, title].filter(Boolean).join(" ") }))}
        required
      />
      {teachers.data?.length === 0 ? (
        <Empty title={text.load.noTeachers} action={<LinkButton to="/setup/people">{text.step["people"]}</LinkButton>}>
          {text.load.noTeachersNext}
        </Empty>
      ) : (
        <Choice label={text.load.teacher} value={teacher} onChange={setTeacher} options={(teachers.data ?? []).map(({ id, name }) => ({ id, name }))} required />
      )}
      <div className="pair">
        <NativeField label={text.load.hours} hint={text.load.hoursHint} type="number" min={0} max={2000} value={hours} onChange={setHours} required />
        <TextField label={text.load.subgroup} hint={text.load.subgroupHint} value={subgroup} onChange={setSubgroup} maxLength={10} />
      </div>
      <fieldset className="setup-checks">
        <legend>{text.load.kinds}</legend>
        {KINDS.map((kind) => (
          <Checkbox key={kind} label={word(words.lessonKind, kind)} checked={kinds.has(kind)} onChange={(on) => toggle(kind, on)} />
        ))}
      </fieldset>
      <span className="soft small">{text.load.kindsHint}</span>
      <Checkbox label={text.load.responsible} checked={responsible} onChange={setResponsible} />
    </FormDialog>
  );
}

function Reassign({ assignment, onClose }: { assignment: Assignment; onClose: () => void }) {
  const today = useToday();
  const teachers = useQuery(TEACHERS);
  const [teacher, setTeacher] = useState("");
  const [on, setOn] = useState(today);
  const [reason, setReason] = useState<Reason>("other");
  const change = useChange(
    async () =>
      (await got(
        schedule.POST("/assignments/{assignment}/reassignment", { params: { path: { assignment: assignment.id }, header: header() }, body: { teacher, on, reason } }),
      )),
    () => {
      notify(text.load.reassigned);
      onClose();
    },
  );
  return (
    <FormDialog title={text.load.reassignTitle} onClose={onClose} change={change} submit={text.load.reassign} disabled={!teacher} onSubmit={() => change.mutate(undefined)}>
      <p>{[assignment.code, assignment.title].filter(Boolean).join(" ")}</p>
      <Choice
        label={text.load.to}
        value={teacher}
        onChange={setTeacher}
        options={(teachers.data ?? []).filter(({ id }) => id !== assignment.teacher).map(({ id, name }) => ({ id, name }))}
        required
      />
      <div className="pair">
        <NativeField label={text.load.on} type="date" value={on} onChange={setOn} required min={assignment.starts_on} />
        <Choice label={text.load.reason} value={reason} onChange={(value) => setReason(value as Reason)} options={REASONS.map((id) => ({ id, name: word(words.changeReason, id) }))} />
      </div>
    </FormDialog>
  );
}
