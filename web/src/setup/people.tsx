/** The directory of people; the journal filters, so that a whole college is found through. */

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { useSearchParams } from "wouter";
import { got, identity } from "../api/client";
import { word, words } from "../domain/texts";
import { groupsOf, rolesOf, useSignedIn } from "../shell/session";
import { Button } from "../ui/button";
import { Choice, TextField } from "../ui/field";
import { ProblemNote, Skeleton } from "../ui/notes";
import { Page } from "../ui/page";
import { GROUPS, type State, type Wanted } from "./data";
import { NewPerson, STAFF_ROLES } from "./newperson";
import { PeopleList } from "./peoplelist";
import "./setup.css";
import { text } from "./texts";

const AT_ONCE = 100;
const STATES: readonly State[] = ["active", "code", "none", "disabled", "erased"];
const ANY = "any";

export default function People() {
  const me = useSignedIn();
  const roles = rolesOf(me);
  const wholly = ["journal_administrator", "study_office", "deputy_director", "director"].some((role) => roles.has(role as "director"));
  const [params, setParams] = useSearchParams();
  const [typed, setTyped] = useState(params.get("text") ?? "");
  const wanted: Wanted = {
    text: useDeferredValue(typed.trim()),
    role: params.get("role") ?? "",
    // A curator begins with the group that is his.
    group: params.get("group") ?? (wholly ? "" : (groupsOf(me, "curator")[0]?.group ?? "")),
    ...(STATES.includes(params.get("state") as State) && { state: params.get("state") as State }),
  };
  const groups = useQuery(GROUPS);
  const found = useInfiniteQuery({
    queryKey: ["identity", "/people", "pages", wanted],
    queryFn: async ({ pageParam }) =>
      (await got(identity.GET("/people", { params: { query: { ...wanted, limit: AT_ONCE, offset: pageParam } } }))),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => {
      const read = pages.reduce((all, { items }) => all + items.length, 0);
      return read < last.total && last.items.length > 0 ? read : undefined;
    },
    placeholderData: (before) => before,
  });
  const [adding, setAdding] = useState(false);
  const narrow = (key: string) => (value: string) =>
    setParams(
      (before) => {
        before.set(key, value === ANY ? "" : value);
        return before;
      },
      { replace: true },
    );
  const people = found.data?.pages.flatMap(({ items }) => items) ?? [];
  const total = found.data?.pages[0]?.total ?? 0;
  const csv = new URLSearchParams({ ...Object.fromEntries(Object.entries(wanted).filter(([, value]) => value)), format: "csv" } as Record<string, string>);
  const mayAdd = roles.has("journal_administrator") || roles.has("study_office");
  return (
    <Page
      title={text.people.title}
      lead={text.people.lead}
      actions={
        mayAdd && (
          <Button kind="primary" onPress={() => setAdding(true)}>
            {text.people.add}
          </Button>
        )
      }
    >
      <search className="setup-choice" aria-label={text.people.filters}>
        <TextField label={text.people.search} type="search" value={typed} onChange={setTyped} maxLength={100} />
        <Choice
          label={text.people.role}
          value={wanted.role || ANY}
          onChange={narrow("role")}
          options={[{ id: ANY, name: text.people.anyRole }, ...["student", "curator", ...STAFF_ROLES].map((id) => ({ id, name: word(words.role, id) }))]}
        />
        <Choice
          label={text.people.group}
          value={wanted.group || ANY}
          onChange={narrow("group")}
          options={[{ id: ANY, name: text.people.anyGroup }, ...(groups.data?.items ?? []).map(({ id, title }) => ({ id, name: title }))]}
        />
        {wholly && (
          <Choice
            label={text.people.stateTitle}
            value={wanted.state ?? ANY}
            onChange={narrow("state")}
            options={[{ id: ANY, name: text.people.anyState }, ...STATES.map((id) => ({ id, name: text.people.state[id] ?? id }))]}
          />
        )}
      </search>
      {found.error && <ProblemNote error={found.error} again={() => void found.refetch()} />}
      {found.data ? (
        <>
          {total > people.length && (
            <span role="status" className="soft small">
              {text.people.of(people.length, total)}
            </span>
          )}
          <PeopleList people={people} empty={text.people.none} emptyNext={text.people.noneNext} csv={`/api/identity/people?${csv}`} />
          {found.hasNextPage && (
            <div>
              <Button isDisabled={found.isFetchingNextPage} onPress={() => void found.fetchNextPage()}>
                {text.people.more}
              </Button>
            </div>
          )}
        </>
      ) : (
        !found.error && <Skeleton lines={8} />
      )}
      {adding && <NewPerson onClose={() => setAdding(false)} />}
    </Page>
  );
}
