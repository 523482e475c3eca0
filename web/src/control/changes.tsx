/**
 * What was changed on all pages within reach, newest first (trust: "all changes by an account or session between two
 * moments, in seconds"). Every line leads to the page as it was then.
 */

import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useSearchParams } from "wouter";
import type { components } from "../api/generated/gradebook";
import { got, gradebook } from "../api/client";
import { useDisciplines, useGroups, useNames } from "../api/names";
import { word, words } from "../domain/texts";
import { instant } from "../format";
import { rolesOf, useSignedIn } from "../shell/session";
import { Button } from "../ui/button";
import { Choice, NativeField } from "../ui/field";
import { Badge, Empty } from "../ui/notes";
import { List } from "../ui/list";
import { Loaded, Page } from "../ui/page";
import { changeOf, idsIn } from "./change";
import { text } from "./texts";

type Line = components["schemas"]["PlacedEntry"];

const ALL = "all";
const LIMIT = 200;
const NARROWS = ["actor", "session", "student", "type", "since", "until"] as const;

export default function Changes() {
  const me = useSignedIn();
  const [query, setQuery] = useSearchParams();
  const wanted: Partial<Record<(typeof NARROWS)[number], string>> = {};
  for (const name of NARROWS) {
    const value = query.get(name);
    if (value) wanted[name] = name === "since" || name === "until" ? new Date(value).toISOString() : value;
  }
  const found = useInfiniteQuery({
    queryKey: ["gradebook", "/history", wanted],
    queryFn: ({ pageParam }) => got(gradebook.GET("/history", { params: { query: { ...wanted, limit: LIMIT, ...(pageParam && { before: pageParam }) } } })),
    initialPageParam: null as number | null,
    getNextPageParam: (last) => last.next,
  });
  const lines = found.data?.pages.flatMap((page) => page.items) ?? [];
  const name = useNames([...lines.map((line) => line.actor).filter(isPerson), ...lines.flatMap((line) => idsIn(line.data)), ...(wanted.actor ? [wanted.actor] : []), ...(wanted.student ? [wanted.student] : [])]);
  const group = useGroups();
  const discipline = useDisciplines();
  const set = (changed: Record<string, string>) => {
    const next = { ...Object.fromEntries(query), ...changed };
    setQuery(Object.fromEntries(Object.entries(next).filter(([, value]) => value && value !== ALL)), { replace: true });
  };
  const who = (line: Line) => (isPerson(line.actor) ? name(line.actor) : word(text.vias, "system"));
  const whose = (line: Line) => idsIn(line.data).map(name).join(", ");
  const where = (line: Line) => (line.page ? `${group(line.group ?? "")}, ${discipline(line.discipline ?? "")}` : "");
  const named = !rolesOf(me).has("auditor") || rolesOf(me).size > 1;
  return (
    <Page title={text.changes} lead={text.changesLead}>
      <div className="row">
        <NativeField label={text.fromTime} type="datetime-local" value={query.get("since") ?? ""} onChange={(since) => set({ since })} />
        <NativeField label={text.untilTime} type="datetime-local" value={query.get("until") ?? ""} onChange={(until) => set({ until })} />
        <Choice
          label={text.kind}
          value={query.get("type") ?? ALL}
          onChange={(type) => set({ type })}
          options={[{ id: ALL, name: text.allKinds }, ...Object.entries(words.event).map(([id, said]) => ({ id: `${id}.v1`, name: said }))]}
        />
      </div>
      <div className="row">
        {wanted.actor && <Narrowed name={text.who} value={name(wanted.actor)} onEnd={() => set({ actor: "" })} />}
        {wanted.student && <Narrowed name={text.whose} value={name(wanted.student)} onEnd={() => set({ student: "" })} />}
        {wanted.session && <Narrowed name={text.session} value={wanted.session.slice(0, 8)} onEnd={() => set({ session: "" })} />}
      </div>
      <Loaded query={found} lines={10}>
        {() => (
          <List
            label={text.changes}
            rows={lines}
            rowKey={(line) => line.event}
            csv={`/api/gradebook/history?${new URLSearchParams({ ...wanted, format: "csv" })}`}
            empty={<Empty title={text.noChanges}>{found.hasNextPage ? text.goOn : text.noChangesWhy}</Empty>}
            columns={[
              { key: "at", title: text.when, cell: (line) => instant(line.at, true), value: (line) => line.at },
              {
                key: "who",
                title: text.who,
                cell: (line) => (isPerson(line.actor) ? <Narrow to={{ actor: line.actor }}>{who(line)}</Narrow> : who(line)),
                value: who,
              },
              { key: "role", title: text.as, cell: (line) => (line.role ? word(words.role, line.role) : ""), value: (line) => word(words.role, line.role) },
              { key: "what", title: text.what, cell: (line) => eventOf(line.type), value: (line) => eventOf(line.type) },
              {
                key: "whose",
                title: text.whose,
                cell: (line) => (idsIn(line.data).length === 1 ? <Narrow to={{ student: idsIn(line.data)[0] ?? "" }}>{whose(line)}</Narrow> : whose(line)),
                value: whose,
              },
              { key: "change", title: text.oldNew, cell: (line) => changeOf(line.data), value: (line) => changeOf(line.data) },
              { key: "reason", title: text.reason, cell: (line) => <Why line={line} />, value: (line) => line.reason && word(words.reason, line.reason.code) },
              {
                key: "page",
                title: text.page,
                cell: (line) => line.page && <Link to={`/journal/${line.page}?as_of=${line.position}`}>{where(line)}</Link>,
                value: where,
              },
              {
                key: "session",
                title: text.session,
                cell: (line) => (line.session ? <Narrow to={{ session: line.session }}>{line.session.slice(0, 8)}</Narrow> : word(text.vias, line.via)),
                value: (line) => line.session,
              },
            ]}
          />
        )}
      </Loaded>
      {found.hasNextPage && (
        <div>
          <Button isDisabled={found.isFetchingNextPage} onPress={() => void found.fetchNextPage()}>
            {text.more}
          </Button>
        </div>
      )}
      {!named && <p className="small soft">{text.auditorWhy}</p>}
    </Page>
  );
}

const isPerson = (actor: string) => actor !== "" && !actor.includes(":");

const eventOf = (type: string) => word(words.event, type.split(".")[0]);

/** The same search, narrowed to this account, student or session. */
function Narrow({ to, children }: { to: Record<string, string>; children: ReactNode }) {
  const [query] = useSearchParams();
  return <Link to={`/changes?${new URLSearchParams({ ...Object.fromEntries(query), ...to })}`}>{children}</Link>;
}

function Narrowed({ name, value, onEnd }: { name: string; value: string; onEnd: () => void }) {
  return (
    <Button small onPress={onEnd}>
      {`${name}: ${value}`}
      <span aria-hidden="true">{"✕"}</span>
      <span className="hidden">{text.anybody}</span>
    </Button>
  );
}

function Why({ line }: { line: Line }) {
  const late = Number(line.data["late_by_days"] ?? 0);
  return (
    <>
      {line.reason && word(words.reason, line.reason.code)}
      {line.reason?.text && ` — ${line.reason.text}`}
      {late > 0 && <Badge kind="warn">{text.lateBy(late)}</Badge>}
    </>
  );
}
