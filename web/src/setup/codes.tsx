/** Access of the staff: who has none, and codes for them, each shown this once and printable as slips (I1). */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { got, identity } from "../api/client";
import { inWords } from "../ui/notes";
import { useSignedIn } from "../shell/session";
import { Button } from "../ui/button";
import { List } from "../ui/list";
import { Empty, Note } from "../ui/notes";
import { Loaded } from "../ui/page";
import { issueCode, useChange, type Issued, type Person } from "./data";
import { STAFF_ROLES } from "./newperson";
import { Part } from "./part";
import { rolesIn, StateBadge } from "./peoplelist";
import { Slips, type Slip } from "./slips";
import { text } from "./texts";

/** All of the staff, by name, each once. */
const STAFF = {
  queryKey: ["identity", "/people", "staff"],
  queryFn: async () => {
    const lists = await Promise.all(
      STAFF_ROLES.map(async (role) => (await got(identity.GET("/people", { params: { query: { role, limit: 500 } } })))),
    );
    const each = new Map(lists.flatMap(({ items }) => items).map((person) => [person.id, person]));
    return [...each.values()].sort((a, b) => a.name.localeCompare(b.name, "ru"));
  },
} as const;

export default function CodesStep() {
  const me = useSignedIn();
  const query = useQuery(STAFF);
  const [slips, setSlips] = useState<readonly Slip[]>([]);
  const [done, setDone] = useState({ n: 0, of: 0 });
  const [refused, setRefused] = useState<readonly { name: string; why: string }[]>([]);
  const issue = useChange(async (people: readonly Person[]) => {
    setRefused([]);
    for (const [n, person] of people.entries()) {
      setDone({ n: n + 1, of: people.length });
      try {
        const issued: Issued = await issueCode(person.id);
        setSlips((before) => [...before.filter((slip) => slip.person !== person.id), { person: person.id, name: person.name, issued }]);
      } catch (error) {
        // One who may not have a code, or a lost network, does not take the codes away that others got.
        const { what, why } = inWords(error);
        setRefused((before) => [...before, { name: person.name, why: `${what}. ${why}` }]);
      }
    }
  });
  return (
    <Part why={text.codes.why}>
      <Slips slips={slips} />
      {refused.length > 0 && (
        <Note kind="bad" title={text.codes.refused(refused.length)}>
          <ul className="setup-clashes">
            {refused.map(({ name, why }) => (
              <li key={name}>{`${name}: ${why}`}</li>
            ))}
          </ul>
        </Note>
      )}
      <div className="no-print">
        <Loaded query={query}>
          {(staff) => {
            const without = staff.filter(({ id, state }) => state === "none" && id !== me.person.id);
            return (
              <div className="stack">
                {staff.length > 0 && without.length === 0 && <Note kind="good" title={text.codes.none}>{text.codes.noneNext}</Note>}
                <List
                  label={text.step["codes"] ?? ""}
                  rows={staff}
                  rowKey={({ id }) => id}
                  sort={{ key: "state" }}
                  csv="/api/identity/people?format=csv&state=none&limit=500"
                  empty={<Empty title={text.codes.noStaff}>{text.load.noTeachersNext}</Empty>}
                  tools={
                    without.length > 0 && (
                      <Button kind="primary" isDisabled={issue.isPending} onPress={() => issue.mutate(without)}>
                        {issue.isPending ? text.codes.issuing(done.n, done.of) : text.codes.issueAll(without.length)}
                      </Button>
                    )
                  }
                  columns={[
                    { key: "name", title: text.codes.forWhom, value: ({ name }) => name, cell: ({ name }) => name },
                    { key: "roles", title: text.codes.rolesOf, value: ({ roles }) => rolesIn(roles), cell: ({ roles }) => rolesIn(roles) },
                    {
                      key: "state",
                      title: text.codes.state,
                      // those without access first
                      value: ({ state }) => (state === "none" ? 0 : state === "code" ? 1 : 2),
                      cell: ({ state }) => (state ? <StateBadge state={state} /> : "—"),
                    },
                    {
                      key: "do",
                      title: text.actions,
                      end: true,
                      cell: (person) =>
                        person.id === me.person.id ? null : (
                          <Button small isDisabled={issue.isPending} onPress={() => issue.mutate([person])}>
                            {person.state === "none" ? text.codes.issue : text.codes.again}
                            <span className="hidden">{`: ${person.name}`}</span>
                          </Button>
                        ),
                    },
                  ]}
                />
              </div>
            );
          }}
        </Loaded>
      </div>
    </Part>
  );
}
