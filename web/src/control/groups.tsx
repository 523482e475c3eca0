/** All groups within reach, with what is open on their pages. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { useNames } from "../api/names";
import { Empty } from "../ui/notes";
import { List } from "../ui/list";
import { Loaded, Page } from "../ui/page";
import { groups, pagesOf, type GroupLine, type PageLine } from "./data";
import { text } from "./texts";

export default function Groups() {
  return (
    <Page title={text.groups}>
      <Lines />
    </Page>
  );
}

/** The list itself, on the home page too. */
export function Lines() {
  const all = useQuery(groups);
  const pages = useQuery(pagesOf({ state: "open" }));
  const name = useNames((all.data ?? []).map((group) => group.curator).filter((id) => id !== null));
  const open = new Map<string, PageLine[]>();
  for (const page of pages.data ?? []) open.set(page.group, [...(open.get(page.group) ?? []), page]);
  const sum = (group: GroupLine, figure: (page: PageLine) => number) => (open.get(group.id) ?? []).reduce((total, page) => total + figure(page), 0);
  const curator = (group: GroupLine) => (group.curator ? name(group.curator) : text.noCurator);
  return (
    <Loaded query={all}>
      {(lines) => (
        <List
          label={text.groups}
          rows={lines}
          rowKey={(group) => group.id}
          sort={{ key: "title" }}
          csv="/api/identity/groups?format=csv"
          empty={<Empty title={text.noGroups}>{text.noGroupsWhy}</Empty>}
          columns={[
            { key: "title", title: text.group, cell: (group) => <Link to={`/groups/${group.id}`}>{group.title}</Link>, value: (group) => group.title },
            { key: "specialty", title: text.specialty, cell: (group) => group.specialty, value: (group) => group.specialty },
            { key: "curator", title: text.curator, cell: curator, value: curator },
            { key: "students", title: text.studentsHead, cell: (group) => group.students, value: (group) => group.students, end: true },
            { key: "pages", title: text.pagesOpen, cell: (group) => sum(group, () => 1), value: (group) => sum(group, () => 1), end: true },
            { key: "gaps", title: text.gapsHead, cell: (group) => sum(group, (page) => page.without_attendance), value: (group) => sum(group, (page) => page.without_attendance), end: true },
            { key: "finals", title: text.finalsHead, cell: (group) => sum(group, (page) => page.finals), value: (group) => sum(group, (page) => page.finals), end: true },
          ]}
        />
      )}
    </Loaded>
  );
}
