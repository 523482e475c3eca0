/** One group: summary of a period, absences and their reasons, pages, students, what is to be made up. */

import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearchParams } from "wouter";
import { useDisciplines, useGroups, useNames } from "../api/names";
import { word, words } from "../domain/texts";
import { day } from "../format";
import { rolesOf, useSignedIn } from "../shell/session";
import { Empty } from "../ui/notes";
import { List } from "../ui/list";
import { Loaded, Page } from "../ui/page";
import { Tabs, type Part } from "../ui/tabs";
import { Absences } from "./absences";
import { groupOf, makeupsOf, type GroupWhole } from "./data";
import { PageLines } from "./pages";
import { SummaryPart } from "./summary";
import { text } from "./texts";

export default function GroupPage() {
  const group = useParams()["group"] ?? "";
  const whole = useQuery(groupOf(group));
  return <Loaded query={whole}>{(data) => <Opened group={data} />}</Loaded>;
}

function Opened({ group }: { group: GroupWhole }) {
  const me = useSignedIn();
  const roles = rolesOf(me);
  const [query, setQuery] = useSearchParams();
  const curator = useNames(group.curator ? [group.curator] : [], true);
  const named = !roles.has("auditor") || roles.size > 1;
  const parts: Part[] = [
    { id: "summary", name: text.summary, content: () => <SummaryPart group={group.id} /> },
    ...(named ? [{ id: "absences", name: text.absences, content: () => <Absences group={group} /> }] : []),
    { id: "pages", name: text.pages, content: () => <PageLines narrowed={{ group: group.id }} /> },
    ...(named
      ? [
          { id: "members", name: text.members, content: () => <Members group={group} /> },
          { id: "makeups", name: text.makeups, content: () => <Makeups group={group.id} /> },
        ]
      : []),
  ];
  const lead = [group.specialty, `${text.curator}: ${group.curator ? curator(group.curator) : text.noCurator}`].filter(Boolean).join(" · ");
  return (
    <Page title={text.ownGroup(group.title)} lead={lead}>
      <Tabs label={text.ownGroup(group.title)} parts={parts} chosen={query.get("part") ?? "summary"} onChoose={(part) => setQuery({ part }, { replace: true })} />
    </Page>
  );
}

function Members({ group }: { group: GroupWhole }) {
  return (
    <List
      label={text.members}
      rows={group.members}
      rowKey={(member) => member.id}
      csv={`/api/identity/groups/${group.id}?format=csv`}
      sort={{ key: "name" }}
      empty={<Empty title={text.noMembers}>{text.noMembersWhy}</Empty>}
      columns={[
        { key: "name", title: text.student, cell: (member) => <Link to={`/people/${member.id}`}>{member.name}</Link>, value: (member) => member.name },
        { key: "starts", title: text.enrolled, cell: (member) => day(member.starts_on), value: (member) => member.starts_on },
        { key: "status", title: text.status, cell: (member) => word(words.status, member.status), value: (member) => word(words.status, member.status) },
        { key: "card", title: text.summary, cell: (member) => <Link to={`/card/${member.id}`}>{text.mean}</Link> },
      ]}
    />
  );
}

function Makeups({ group }: { group: string }) {
  const makeups = useQuery(makeupsOf(group));
  const name = useNames((makeups.data ?? []).map(({ student }) => student));
  const title = useGroups();
  const discipline = useDisciplines();
  return (
    <Loaded query={makeups}>
      {(rows) => (
        <List
          label={text.makeups}
          rows={rows}
          rowKey={(row) => `${row.student}/${row.on}`}
          empty={<Empty title={text.noMakeups}>{text.noMakeupsWhy}</Empty>}
          columns={[
            { key: "student", title: text.student, cell: (row) => name(row.student), value: (row) => name(row.student) },
            { key: "from", title: text.movedFrom, cell: (row) => title(row.from_group), value: (row) => title(row.from_group) },
            { key: "on", title: text.movedOn, cell: (row) => day(row.on), value: (row) => row.on },
            { key: "what", title: text.toMakeUp, cell: (row) => row.disciplines.map((each) => discipline(each.discipline)).join(", ") },
          ]}
        />
      )}
    </Loaded>
  );
}
