/** People as a list: names, roles and groups, contacts, access; as much as the journal tells this reader. */

import { Link } from "wouter";
import { word, words } from "../domain/texts";
import { List } from "../ui/list";
import { Badge, Empty } from "../ui/notes";
import type { Held, Person, State } from "./data";
import { text } from "./texts";

const LOOKS: Record<State, "good" | "info" | "warn" | "bad"> = { active: "good", code: "info", none: "warn", disabled: "bad", erased: "bad" };

/** Roles in words, a curator's and a student's with the group; the relation «member» says what «student» says. */
export function rolesIn(roles: readonly Held[] | undefined): string {
  const said = (roles ?? []).flatMap(({ role, title }) => {
    if (role === "student") return roles?.some((other) => other.role === "member") ? [] : [word(words.role, role)];
    if (role === "member") return [`${word(words.role, "student")} ${title ?? ""}`.trim()];
    return [title ? `${word(words.role, role)} ${title}` : word(words.role, role)];
  });
  return [...new Set(said)].join(", ");
}

export function StateBadge({ state }: { state: State }) {
  return <Badge kind={LOOKS[state]}>{text.people.state[state]}</Badge>;
}

export function PeopleList({ people, empty, emptyNext, csv }: { people: readonly Person[]; empty: string; emptyNext: string; csv?: string }) {
  const whole = people.some(({ etag }) => etag !== undefined);
  return (
    <List
      label={text.people.title}
      rows={people}
      rowKey={({ id }) => id}
      search={false}
      {...(csv && { csv })}
      empty={<Empty title={empty}>{emptyNext}</Empty>}
      columns={[
        { key: "name", title: text.people.name, value: ({ name }) => name, cell: ({ id, name }) => <Link to={`/people/${id}`}>{name}</Link> },
        ...(whole
          ? [
              { key: "roles", title: text.people.roles, value: ({ roles }: Person) => rolesIn(roles), cell: ({ roles }: Person) => rolesIn(roles) || "—" },
              {
                key: "contacts",
                title: text.people.contacts,
                value: ({ phone, email }: Person) => [phone, email].filter(Boolean).join(" "),
                cell: ({ phone, email }: Person) => [phone, email].filter(Boolean).join(", ") || "—",
              },
              {
                key: "state",
                title: text.people.stateTitle,
                value: ({ state }: Person) => (state ? (text.people.state[state] ?? state) : ""),
                cell: ({ state }: Person) => (state ? <StateBadge state={state} /> : "—"),
              },
            ]
          : []),
      ]}
    />
  );
}
