/** What the journal lacks up to yesterday: a teacher's own lessons, or a group's; one click leads to the place to fill. */

import { useQueries } from "@tanstack/react-query";
import { useMemo, type ReactNode } from "react";
import { Link, useSearchParams } from "wouter";
import { useGroupList, useGroups, useNames } from "../api/names";
import { day } from "../format";
import { addressOf, gapsOfGroup, type GroupGap } from "../lesson/data";
import { useOwnGaps, type Named } from "../lesson/gaps";
import { groupsOf, rolesOf, useSignedIn, type Me } from "../shell/session";
import { Choice, type Option } from "../ui/field";
import { Badge, Empty, ProblemNote, Skeleton } from "../ui/notes";
import { List, type Column } from "../ui/list";
import { Page } from "../ui/page";
import { csvOf } from "../lesson/table";
import { text } from "../lesson/texts";

const MINE = "mine";
const EVERY_GROUP = "groups";
const ALL = "all";
const KINDS = ["not_held", "no_attendance", "no_topic", "no_final"] as const;

export default function Gaps() {
  const me = useSignedIn();
  const groups = useGroupList();
  const [query, setQuery] = useSearchParams();
  const choices = choicesOf(me, groups);
  const of = query.get("group") ?? choices[0]?.id ?? "";
  const kind = query.get("gap") ?? ALL;
  const set = (changed: Record<string, string>) => setQuery({ ...Object.fromEntries(query), ...changed }, { replace: true });
  const asked = of === EVERY_GROUP ? groups.map(({ id }) => id) : of ? [of] : [];
  const kinds = KINDS.filter((gap) => of !== MINE || gap !== "no_final");
  const tools = (
    <>
      {choices.length > 1 && <Choice label={text.whoseGaps} value={of} onChange={(group) => set({ group })} options={choices} />}
      <Choice label={text.gapKind} value={kind} onChange={(gap) => set({ gap })} options={[{ id: ALL, name: text.gapAny }, ...kinds.map((gap) => ({ id: gap, name: text.gap[gap] }))]} />
    </>
  );
  return (
    <Page title={text.gaps} lead={text.gapsLead}>
      {of === MINE ? (
        <Own kind={kind} tools={tools} />
      ) : asked.length > 0 ? (
        <OfGroups key={of} groups={asked} kind={kind} tools={tools} reads={readsPages(me)} />
      ) : (
        <Empty title={text.noGroups}>{text.noGroupsWhy}</Empty>
      )}
    </Page>
  );
}

/** Own lessons first, then the groups one curates, then the college's for those who run it. */
function choicesOf(me: Me, groups: readonly { id: string; title: string }[]): Option[] {
  const roles = rolesOf(me);
  const own = roles.has("teacher") || roles.has("workshop_instructor") ? [{ id: MINE, name: text.mineGaps }] : [];
  const curated = groupsOf(me, "curator").map(({ group, title }) => ({ id: group, name: title }));
  const known = new Set(curated.map(({ id }) => id));
  const runs = (["study_office", "deputy_director", "director", "journal_administrator", "auditor"] as const).some((role) => roles.has(role));
  if (!runs) return [...own, ...curated];
  return [...own, { id: EVERY_GROUP, name: text.everyGroup }, ...curated, ...groups.filter(({ id }) => !known.has(id)).map(({ id, title }) => ({ id, name: title }))];
}

/** The journal's administrator sees what is missing, but no page (R 4.5). */
function readsPages(me: Me): boolean {
  const roles = rolesOf(me);
  return (["curator", "study_office", "deputy_director", "director", "auditor"] as const).some((role) => roles.has(role));
}

const lookOf = (gap: keyof typeof text.gap) => <Badge kind={gap === "no_topic" ? "info" : "warn"}>{text.gap[gap]}</Badge>;

function Own({ kind, tools }: { kind: string; tools: ReactNode }) {
  const { gaps, error, again } = useOwnGaps();
  const group = useGroups();
  const rows = useMemo(() => gaps?.filter(({ gap }) => kind === ALL || gap === kind) ?? [], [gaps, kind]);
  const columns: Column<Named>[] = [
    { key: "date", title: text.date, cell: (gap) => <Link to={addressOf(gap.page, gap.lesson, gap.date)}>{text.when(day(gap.date), gap.pair)}</Link>, value: (gap) => `${gap.date} ${day(gap.date)} ${gap.pair}` },
    { key: "group", title: text.group, cell: (gap) => group(gap.group), value: (gap) => group(gap.group) },
    { key: "discipline", title: text.discipline, cell: (gap) => gap.title, value: (gap) => gap.title },
    { key: "gap", title: text.lacks, cell: (gap) => lookOf(gap.gap), value: (gap) => text.gap[gap.gap] },
  ];
  const table = csvOf(
    [text.date, text.pairNo, text.group, text.discipline, text.lacks],
    rows.map((gap) => [day(gap.date), String(gap.pair), group(gap.group), gap.title, text.gap[gap.gap]]),
  );
  if (!gaps) return error ? <ProblemNote error={error} again={again} /> : <Skeleton lines={8} />;
  return (
    <List
      label={text.gaps}
      rows={rows}
      rowKey={(gap) => `${gap.lesson}/${gap.gap}`}
      columns={columns}
      sort={{ key: "date", down: true }}
      tools={tools}
      csv={addressOfTable(table)}
      empty={<Empty title={text.gapsNone}>{text.gapsNoneWhy}</Empty>}
    />
  );
}

type Line = GroupGap & { group: string };

function OfGroups({ groups, kind, tools, reads }: { groups: readonly string[]; kind: string; tools: ReactNode; reads: boolean }) {
  const found = useQueries({ queries: groups.map(gapsOfGroup) });
  const rows: Line[] = found.flatMap(({ data }, n) => (data ?? []).filter(({ gap }) => kind === ALL || gap === kind).map((gap) => ({ ...gap, group: groups[n] ?? "" })));
  const name = useNames(rows.flatMap(({ teacher }) => teacher ?? []));
  const group = useGroups();
  const teacher = (gap: Line) => (gap.teacher ? name(gap.teacher) : "—");
  const where = (gap: Line) => (gap.lesson === null ? text.overOn(day(gap.date ?? "")) : text.when(day(gap.date ?? ""), gap.pair ?? 0));
  const columns: Column<Line>[] = [
    { key: "date", title: text.date, cell: (gap) => (gap.page && reads ? <Link to={`/journal/${gap.page}`}>{where(gap)}</Link> : where(gap)), value: (gap) => `${gap.date ?? ""} ${where(gap)}` },
    ...(groups.length > 1 ? [{ key: "group", title: text.group, cell: (gap: Line) => group(gap.group), value: (gap: Line) => group(gap.group) }] : []),
    { key: "discipline", title: text.discipline, cell: titleOf, value: titleOf },
    { key: "teacher", title: text.teacher, cell: teacher, value: teacher },
    { key: "gap", title: text.lacks, cell: (gap) => lookOf(gap.gap), value: (gap) => text.gap[gap.gap] },
    { key: "missing", title: text.howMany, cell: (gap) => gap.missing ?? "", value: (gap) => gap.missing, end: true },
  ];
  const failed = found.find(({ error, data }) => error && data === undefined);
  if (failed) return <ProblemNote error={failed.error} again={() => void failed.refetch()} />;
  if (found.some(({ isPending }) => isPending)) return <Skeleton lines={8} />;
  const query = new URLSearchParams({ format: "csv", ...(kind !== ALL && { gap: kind }) });
  const table = () =>
    csvOf(
      [text.date, text.group, text.discipline, text.teacher, text.lacks, text.howMany],
      rows.map((gap) => [where(gap), group(gap.group), titleOf(gap), teacher(gap), text.gap[gap.gap], String(gap.missing ?? "")]),
    );
  return (
    <List
      label={text.gaps}
      rows={rows}
      rowKey={(gap) => `${gap.page}/${gap.lesson}/${gap.gap}`}
      columns={columns}
      sort={{ key: "date", down: true }}
      tools={tools}
      csv={groups.length === 1 ? `/api/reporting/groups/${groups[0]}/gaps?${query}` : addressOfTable(table())}
      empty={<Empty title={text.gapsNone}>{text.gapsNoneWhy}</Empty>}
    />
  );
}

/** The address of a table that this browser has made itself. */
const addressOfTable = (table: string) => `data:text/csv;charset=utf-8,${encodeURIComponent(table)}`;

const titleOf = ({ discipline }: GroupGap) => [discipline.code, discipline.title].filter(Boolean).join(" ");
