/** Pages of the journal with their state: what is filled in, how many finals stand, signed, closed. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { useDisciplines, useGroups, useNames } from "../api/names";
import { word, words } from "../domain/texts";
import { day } from "../format";
import { Badge, Empty } from "../ui/notes";
import { List, type Column } from "../ui/list";
import { Loaded } from "../ui/page";
import { pagesOf, stateOf, type PageLine, type PageState } from "./data";
import { text } from "./texts";

const LOOK: Record<PageState, "info" | "warn" | "good"> = { open: "info", signed: "warn", closed: "good" };

export function StateBadge({ page }: { page: PageLine }) {
  const state = stateOf(page);
  return <Badge kind={LOOK[state]}>{word(words.pageState, state)}</Badge>;
}

export function PageLines({
  narrowed,
  state,
  tools,
  more = [],
}: {
  narrowed: { group?: string; period?: string; teacher?: string };
  state?: PageState;
  tools?: ReactNode;
  more?: Column<PageLine>[];
}) {
  const pages = useQuery(pagesOf(narrowed));
  const shown = (pages.data ?? []).filter((page) => !state || stateOf(page) === state);
  const responsible = (page: PageLine) => page.teachers.filter((each) => each.responsible || page.teachers.length === 1).map((each) => each.teacher);
  const name = useNames(shown.flatMap(responsible));
  const discipline = useDisciplines();
  const group = useGroups();
  const query = new URLSearchParams({ ...narrowed, format: "csv" });
  const taught = (page: PageLine) => responsible(page).map(name).join(", ");
  return (
    <Loaded query={pages} lines={8}>
      {() => (
        <List
          label={text.pages}
          rows={shown}
          rowKey={(page) => page.id}
          tools={tools}
          sort={{ key: "discipline" }}
          csv={`/api/gradebook/pages?${query}`}
          empty={<Empty title={text.noPages}>{text.noPagesWhy}</Empty>}
          columns={[
            { key: "discipline", title: text.discipline, cell: (page) => <Link to={`/journal/${page.id}`}>{discipline(page.discipline)}</Link>, value: (page) => discipline(page.discipline) },
            ...(narrowed.group ? [] : [{ key: "group", title: text.group, cell: (page: PageLine) => group(page.group), value: (page: PageLine) => group(page.group) }]),
            { key: "teachers", title: text.teachers, cell: taught, value: taught },
            { key: "ends", title: text.ends, cell: (page) => day(page.ends_on), value: (page) => page.ends_on },
            { key: "lessons", title: text.lessons, cell: (page) => page.lessons, value: (page) => page.lessons, end: true },
            { key: "gaps", title: text.gapsHead, cell: (page) => page.without_attendance, value: (page) => page.without_attendance, end: true },
            { key: "finals", title: text.finalsHead, cell: (page) => page.finals, value: (page) => page.finals, end: true },
            { key: "state", title: text.state, cell: (page) => <StateBadge page={page} />, value: (page) => word(words.pageState, stateOf(page)) },
            ...more,
          ]}
        />
      )}
    </Loaded>
  );
}
