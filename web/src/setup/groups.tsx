/** Study groups and their curators. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { got, identity } from "../api/client";
import { useNames } from "../api/names";
import { useToday } from "../shell/start";
import { Button } from "../ui/button";
import { Choice, NativeField, TextField } from "../ui/field";
import { List } from "../ui/list";
import { Empty } from "../ui/notes";
import { Loaded } from "../ui/page";
import { notify } from "../ui/toast";
import { GROUPS, header, TEACHERS, useChange, type Group } from "./data";
import { FormDialog } from "./form";
import { Part } from "./part";
import { text } from "./texts";

export function Groups() {
  const query = useQuery(GROUPS);
  const name = useNames(query.data?.items.flatMap(({ curator }) => curator ?? []) ?? []);
  const [forming, setForming] = useState<Group | "new" | null>(null);
  const [appointing, setAppointing] = useState<Group | null>(null);
  const curator = (group: Group) => (group.curator ? name(group.curator) : text.groups.nobody);
  return (
    <Part title={text.groups.title} why={text.groups.why} actions={<Button onPress={() => setForming("new")}>{text.groups.add}</Button>}>
      <Loaded query={query}>
        {({ items }) => (
          <List
            label={text.groups.title}
            rows={items}
            rowKey={({ id }) => id}
            csv="/api/identity/groups?format=csv&limit=500"
            search={items.length > 5}
            empty={<Empty title={text.groups.none}>{text.groups.noneNext}</Empty>}
            sort={{ key: "title" }}
            columns={[
              { key: "title", title: text.groups.name, value: ({ title }) => title, cell: ({ title }) => title },
              { key: "specialty", title: text.groups.specialty, value: ({ specialty }) => specialty, cell: ({ specialty }) => specialty || "—" },
              { key: "year", title: text.groups.admission, value: (group) => group.admission_year, cell: (group) => group.admission_year ?? "—" },
              { key: "students", title: text.groups.students, end: true, value: ({ students }) => students, cell: ({ students }) => students },
              { key: "curator", title: text.groups.curator, value: curator, cell: curator },
              {
                key: "do",
                title: text.actions,
                end: true,
                cell: (group) => (
                  <span className="row">
                    <Button small onPress={() => setAppointing(group)}>
                      {text.groups.appoint}
                      <span className="hidden">{`: ${group.title}`}</span>
                    </Button>
                    <Button small kind="quiet" onPress={() => setForming(group)}>
                      {text.groups.edit}
                      <span className="hidden">{`: ${group.title}`}</span>
                    </Button>
                  </span>
                ),
              },
            ]}
          />
        )}
      </Loaded>
      {forming && <GroupDialog group={forming === "new" ? null : forming} onClose={() => setForming(null)} />}
      {appointing && <CuratorDialog group={appointing} onClose={() => setAppointing(null)} />}
    </Part>
  );
}

function GroupDialog({ group, onClose }: { group: Group | null; onClose: () => void }) {
  const today = useToday();
  const [title, setTitle] = useState(group?.title ?? "");
  const [specialty, setSpecialty] = useState(group?.specialty ?? "");
  const [year, setYear] = useState(String(group?.admission_year ?? today.slice(0, 4)));
  const change = useChange(
    async () => {
      const body = { title, specialty, admission_year: year ? Number(year) : null };
      return group
        ? got(identity.PUT("/groups/{group}", { params: { path: { group: group.id }, header: header() }, body }))
        : got(identity.POST("/groups", { params: { header: header() }, body }));
    },
    () => {
      notify(group ? text.groups.saved(title) : text.groups.added(title));
      onClose();
    },
  );
  const name = group ? text.groups.edit : text.groups.add;
  return (
    <FormDialog title={name} onClose={onClose} change={change} submit={name} onSubmit={() => change.mutate(undefined)}>
      <TextField label={text.groups.name} value={title} onChange={setTitle} required maxLength={100} autoFocus />
      <TextField label={text.groups.specialty} value={specialty} onChange={setSpecialty} maxLength={100} />
      <NativeField label={text.groups.admission} type="number" min={1990} max={2100} value={year} onChange={setYear} />
    </FormDialog>
  );
}

function CuratorDialog({ group, onClose }: { group: Group; onClose: () => void }) {
  const teachers = useQuery(TEACHERS);
  const today = useToday();
  const [person, setPerson] = useState(group.curator ?? "");
  const [from, setFrom] = useState(today);
  const [order, setOrder] = useState("");
  const change = useChange(
    async () =>
      got(
        identity.POST("/groups/{group}/curators", {
          params: { path: { group: group.id }, header: header() },
          body: { person, starts_on: from || null, order_no: order },
        }),
      ),
    () => {
      notify(text.groups.appointed);
      onClose();
    },
  );
  return (
    <FormDialog title={text.groups.appointOf(group.title)} onClose={onClose} change={change} submit={text.groups.appoint} disabled={!person} onSubmit={() => change.mutate(undefined)}>
      {teachers.data?.length === 0 ? (
        <Empty title={text.load.noTeachers}>{text.load.noTeachersNext}</Empty>
      ) : (
        <Choice label={text.groups.curator} value={person} onChange={setPerson} options={(teachers.data ?? []).map(({ id, name }) => ({ id, name }))} required />
      )}
      <div className="pair">
        <NativeField label={text.person.starts} type="date" value={from} onChange={setFrom} required />
        <TextField label={text.person.order} value={order} onChange={setOrder} maxLength={50} />
      </div>
    </FormDialog>
  );
}
