/** Absences of a group by student and reason; its curator says what each was for (domain: only a class, no diagnosis). */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { got, gradebook } from "../api/client";
import { word, words } from "../domain/texts";
import { day } from "../format";
import { groupsOf, useSignedIn } from "../shell/session";
import { useToday } from "../shell/start";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Choice, NativeField } from "../ui/field";
import { Empty, ProblemNote } from "../ui/notes";
import { List } from "../ui/list";
import { Loaded } from "../ui/page";
import { notify } from "../ui/toast";
import { absencesOf, summaryOf, type Absent, type GroupWhole } from "./data";
import { text } from "./texts";

export function Absences({ group }: { group: GroupWhole }) {
  const me = useSignedIn();
  const curates = groupsOf(me, "curator").some((own) => own.group === group.id);
  const summary = useQuery(summaryOf(group.id));
  const reasons = useQuery(absencesOf(group.id));
  const [classifying, setClassifying] = useState<string>();
  const name = new Map(group.members.map((member) => [member.id, member.name]));
  const said = new Map((reasons.data ?? []).map((each) => [each.student, each]));
  const hours = new Map((summary.data?.students ?? []).map((row) => [row.student, row.hours]));
  const figure = (student: string, key: "missed" | "ill" | "excused" | "unexcused" | "unclassified") => hours.get(student)?.[key] ?? 0;
  const span = (absent: Absent) => text.span(day(absent.starts_on, "short"), day(absent.ends_on, "short"));
  const column = (key: "missed" | "ill" | "excused" | "unexcused" | "unclassified", title: string) => ({
    key,
    title,
    cell: (student: string) => figure(student, key),
    value: (student: string) => figure(student, key),
    end: true,
  });
  return (
    <Loaded query={reasons}>
      {() => (
        <>
          <List
            label={text.absences}
            rows={group.members.map((member) => member.id)}
            rowKey={(student) => student}
            sort={{ key: "unclassified", down: true }}
            empty={<Empty title={text.noMembers}>{text.noMembersWhy}</Empty>}
            columns={[
              { key: "student", title: text.student, cell: (student) => name.get(student), value: (student) => name.get(student) ?? "" },
              column("missed", text.missed),
              column("ill", text.missedIll),
              column("excused", text.missedExcused),
              column("unexcused", text.missedUnexcused),
              column("unclassified", text.missedUnclassified),
              { key: "announced", title: text.announcedHead, cell: (student) => said.get(student)?.announced.map(span).join(", ") },
              {
                key: "classified",
                title: text.classifiedHead,
                cell: (student) => said.get(student)?.classified.map((each) => `${span(each)}: ${word(words.absenceClass, each.reason_class)}`).join(", "),
              },
              ...(curates
                ? [
                    {
                      key: "act",
                      title: text.reasonClass,
                      cell: (student: string) => (
                        <Button small onPress={() => setClassifying(student)}>
                          {text.classify}
                        </Button>
                      ),
                    },
                  ]
                : []),
            ]}
          />
          {classifying && <Classify student={classifying} name={name.get(classifying) ?? ""} group={group.id} onClose={() => setClassifying(undefined)} />}
        </>
      )}
    </Loaded>
  );
}

function Classify({ student, name, group, onClose }: { student: string; name: string; group: string; onClose: () => void }) {
  const today = useToday();
  const client = useQueryClient();
  const [from, setFrom] = useState(today);
  const [until, setUntil] = useState(today);
  const [reason, setReason] = useState("excused");
  const [error, setError] = useState<unknown>();
  const save = async (event: FormEvent) => {
    event.preventDefault();
    try {
      const header = { "Idempotency-Key": crypto.randomUUID() };
      const body = { student, starts_on: from, ends_on: until, reason_class: reason as "ill" };
      await got(gradebook.POST("/absences/classes", { params: { header }, body }));
      await Promise.all([client.invalidateQueries(absencesOf(group)), client.invalidateQueries({ queryKey: ["reporting"] })]);
      notify(text.classified);
      onClose();
    } catch (refused) {
      setError(refused);
    }
  };
  return (
    <Dialog title={text.classifyTitle(name)} onClose={onClose}>
      <form className="form" onSubmit={(event) => void save(event)}>
        <p className="soft">{text.classifyWhy}</p>
        <div className="pair">
          <NativeField label={text.from} type="date" value={from} onChange={setFrom} required />
          <NativeField label={text.until} type="date" value={until} min={from} onChange={setUntil} required />
        </div>
        <Choice label={text.reasonClass} value={reason} onChange={setReason} options={Object.entries(words.absenceClass).map(([id, said]) => ({ id, name: said }))} />
        {error !== undefined && <ProblemNote error={error} />}
        <footer>
          <Button type="submit" kind="primary">
            {text.save}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
