/** Everything that happened on a page, newest first; each line leads to the page as it was after it. */

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation, useParams, useSearchParams } from "wouter";
import { got, gradebook } from "../api/client";
import { useDisciplines, useGroups, useNames } from "../api/names";
import { changeOf, idsIn } from "../control/change";
import { word, words } from "../domain/texts";
import { day, instant } from "../format";
import { Button, LinkButton } from "../ui/button";
import { Choice, NativeField } from "../ui/field";
import { Badge, Empty } from "../ui/notes";
import { List } from "../ui/list";
import { Loaded, Page } from "../ui/page";
import { spreadOf } from "./cache";
import type { Spread } from "./spread";
import { text } from "./texts";

const ALL = "all";
const LIMIT = 200;

export default function HistoryOfPage() {
  const page = useParams()["page"] ?? "";
  const spread = useQuery(spreadOf(page));
  return <Loaded query={spread}>{(data) => <Opened spread={data} />}</Loaded>;
}

function Opened({ spread }: { spread: Spread }) {
  const page = spread.page.id;
  const [, go] = useLocation();
  const [query, setQuery] = useSearchParams();
  const [moment, setMoment] = useState("");
  const group = useGroups();
  const discipline = useDisciplines();
  const student = query.get("student") ?? ALL;
  const lesson = query.get("lesson") ?? ALL;
  const actor = query.get("actor") ?? ALL;
  const wanted = {
    ...(student !== ALL && { student }),
    ...(lesson !== ALL && { lesson }),
    ...(actor !== ALL && { actor }),
    ...(query.get("since") && { since: new Date(query.get("since") ?? "").toISOString() }),
    ...(query.get("until") && { until: new Date(query.get("until") ?? "").toISOString() }),
  };
  const history = useInfiniteQuery({
    queryKey: ["gradebook", "/pages/history", page, wanted],
    queryFn: ({ pageParam }) => got(gradebook.GET("/pages/{page}/history", { params: { path: { page }, query: { ...wanted, limit: LIMIT, offset: pageParam } } })),
    initialPageParam: 0,
    getNextPageParam: (last, all) => {
      const read = all.reduce((sum, each) => sum + each.items.length, 0);
      return read < last.total ? read : null;
    },
    staleTime: 0,
  });
  const lines = history.data?.pages.flatMap((each) => each.items) ?? [];
  const teachers = [...new Set(spread.assignments.flatMap((each) => each.teachers.map(({ teacher }) => teacher)))];
  const isPerson = (id: string) => id !== "" && !id.includes(":");
  const name = useNames([...spread.students.map((each) => each.student), ...teachers, ...lines.map((line) => line.actor).filter(isPerson)]);
  const who = (id: string) => (isPerson(id) ? name(id) : text.system);
  const lessonOf = new Map(spread.lessons.map((each) => [each.lesson, each]));
  const on = (data: Record<string, unknown>) => {
    const held = typeof data["lesson"] === "string" ? lessonOf.get(data["lesson"]) : undefined;
    return held ? `${day(held.date, "short")}, ${held.pair}` : "";
  };
  const set = (changed: Record<string, string>) =>
    setQuery(Object.fromEntries(Object.entries({ ...Object.fromEntries(query), ...changed }).filter(([, value]) => value && value !== ALL)), { replace: true });
  const title = text.historyOf(text.page(group(spread.page.group), discipline(spread.page.discipline)));
  return (
    <Page title={title} actions={<LinkButton to={`/journal/${page}`}>{text.backToNow}</LinkButton>}>
      <div className="row">
        <Choice label={text.whose} value={student} onChange={(chosen) => set({ student: chosen })} options={[{ id: ALL, name: text.everybody }, ...spread.students.map((each) => ({ id: each.student, name: name(each.student) }))]} />
        <Choice
          label={text.lessonOn}
          value={lesson}
          onChange={(chosen) => set({ lesson: chosen })}
          options={[{ id: ALL, name: text.everyLesson }, ...[...spread.lessons].reverse().map((each) => ({ id: each.lesson, name: `${day(each.date, "short")}, ${each.pair}` }))]}
        />
        <Choice label={text.who} value={actor} onChange={(chosen) => set({ actor: chosen })} options={[{ id: ALL, name: text.everyActor }, ...teachers.map((id) => ({ id, name: name(id) }))]} />
        <NativeField label={text.from} type="datetime-local" value={query.get("since") ?? ""} onChange={(since) => set({ since })} />
        <NativeField label={text.before} type="datetime-local" value={query.get("until") ?? ""} onChange={(until) => set({ until })} />
      </div>
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault();
          if (moment) go(`/journal/${page}?as_of=${encodeURIComponent(new Date(moment).toISOString())}`);
        }}
      >
        <NativeField label={text.moment} type="datetime-local" value={moment} onChange={setMoment} />
        <div style={{ alignSelf: "end" }}>
          <Button type="submit">{text.show}</Button>
        </div>
      </form>
      <Loaded query={history} lines={10}>
        {() => (
          <List
            label={title}
            rows={lines}
            rowKey={(line) => line.event}
            empty={<Empty title={text.noEvents}>{text.noEventsWhy}</Empty>}
            columns={[
              { key: "at", title: text.when, cell: (line) => instant(line.at, true), value: (line) => line.at },
              { key: "who", title: text.who, cell: (line) => who(line.actor), value: (line) => who(line.actor) },
              { key: "what", title: text.what, cell: (line) => eventOf(line.type), value: (line) => eventOf(line.type) },
              { key: "whose", title: text.whose, cell: (line) => idsIn(line.data).map(name).join(", "), value: (line) => idsIn(line.data).map(name).join(", ") },
              { key: "lesson", title: text.lessonOn, cell: (line) => on(line.data), value: (line) => on(line.data) },
              { key: "change", title: text.oldNew, cell: (line) => changeOf(line.data), value: (line) => changeOf(line.data) },
              {
                key: "because",
                title: text.because,
                cell: (line) => (
                  <>
                    {line.reason && `${word(words.reason, line.reason.code)}${line.reason.text ? ` — ${line.reason.text}` : ""}`}
                    {Number(line.data["late_by_days"] ?? 0) > 0 && <Badge kind="warn">{text.late(Number(line.data["late_by_days"]))}</Badge>}
                  </>
                ),
                value: (line) => line.reason && word(words.reason, line.reason.code),
              },
              { key: "then", title: text.then, cell: (line) => <Link to={`/journal/${page}?as_of=${line.position}`}>{text.show}</Link> },
            ]}
          />
        )}
      </Loaded>
      {history.hasNextPage && (
        <div>
          <Button isDisabled={history.isFetchingNextPage} onPress={() => void history.fetchNextPage()}>
            {text.more}
          </Button>
        </div>
      )}
    </Page>
  );
}

const eventOf = (type: string) => word(words.event, type.split(".")[0]);
