/** The roles of a person: granted by order from day to day, revoked at once. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { got, identity } from "../api/client";
import { word, words } from "../domain/texts";
import { day } from "../format";
import { useToday } from "../shell/start";
import { Button } from "../ui/button";
import { Choice, NativeField, TextField } from "../ui/field";
import { Empty } from "../ui/notes";
import { notify } from "../ui/toast";
import { GROUPS, header, useChange, type Card, type Held } from "./data";
import { FormDialog } from "./form";
import { needsOrder, STAFF_ROLES } from "./newperson";
import type { Rights } from "./rights";
import { text } from "./texts";

/** Roles that may be limited to one group. */
const SCOPED: ReadonlySet<string> = new Set(["study_office", "deputy_director", "director"]);

/** «с 01.09.2026», «с … по …». */
export function spanOf({ starts_on, ends_on }: { starts_on: string; ends_on: string | null }): string {
  return [text.person.since(day(starts_on)), ends_on && text.person.until(day(ends_on))].filter(Boolean).join(" ");
}

export function Roles({ card, rights }: { card: Card; rights: Rights }) {
  const [granting, setGranting] = useState(false);
  const [ending, setEnding] = useState<Held | null>(null);
  // «member» is the enrolment, which stands in its own part.
  const roles = card.roles?.filter(({ role }) => role !== "member") ?? [];
  const revoke = useChange(
    async ({ id }: Held) => got(identity.DELETE("/people/{person}/roles/{grant}", { params: { path: { person: card.id, grant: id }, header: header() } })),
    () => {
      notify(text.person.revoked);
      setEnding(null);
    },
  );
  const named = (held: Held) => [word(words.role, held.role), held.title].filter(Boolean).join(" · ");
  return (
    <section className="panel">
      <div className="row spread">
        <h2>{text.person.roles}</h2>
        {rights.grant && <Button onPress={() => setGranting(true)}>{text.person.grant}</Button>}
      </div>
      {roles.length === 0 && <Empty title={text.person.noRoles}>{text.person.noRolesNext}</Empty>}
      <ul className="person-lines">
        {roles.map((held) => (
          <li key={held.id}>
            <span>
              {named(held)}
              <span className="soft small">{spanOf(held)}</span>
            </span>
            {rights.grant && held.role !== "student" && (
              <Button
                small
                kind="danger"
                onPress={() => {
                  revoke.reset();
                  setEnding(held);
                }}
              >
                {text.person.revoke}
                <span className="hidden">{`: ${named(held)}`}</span>
              </Button>
            )}
          </li>
        ))}
      </ul>
      {granting && <Grant card={card} onClose={() => setGranting(false)} />}
      {ending && (
        <FormDialog title={text.person.revoke} onClose={() => setEnding(null)} change={revoke} submit={text.person.revoke} danger onSubmit={() => revoke.mutate(ending)}>
          <p>{text.person.revokeSure(named(ending))}</p>
        </FormDialog>
      )}
    </section>
  );
}

function Grant({ card, onClose }: { card: Card; onClose: () => void }) {
  const today = useToday();
  const groups = useQuery(GROUPS);
  const [role, setRole] = useState("teacher");
  const [scope, setScope] = useState("");
  const [starts, setStarts] = useState(today);
  const [ends, setEnds] = useState("");
  const [order, setOrder] = useState("");
  const change = useChange(
    async () =>
      got(
        identity.POST("/people/{person}/roles", {
          params: { path: { person: card.id }, header: header() },
          body: { role, scope: SCOPED.has(role) ? scope : "", starts_on: starts || null, ends_on: ends || null, order_no: order },
        }),
      ),
    () => {
      notify(text.person.granted);
      onClose();
    },
  );
  return (
    <FormDialog title={text.person.grantTitle} onClose={onClose} change={change} submit={text.person.grant} onSubmit={() => change.mutate(undefined)}>
      <Choice label={text.people.role} value={role} onChange={setRole} options={STAFF_ROLES.map((id) => ({ id, name: word(words.role, id) }))} required />
      {SCOPED.has(role) && (
        <Choice
          label={text.person.scope}
          value={scope || "all"}
          onChange={(value) => setScope(value === "all" ? "" : value)}
          options={[{ id: "all", name: text.person.wholeCollege }, ...(groups.data?.items ?? []).map(({ id, title }) => ({ id, name: title }))]}
        />
      )}
      <TextField label={text.person.order} value={order} onChange={setOrder} maxLength={50} required={needsOrder(role)} />
      <div className="pair">
        <NativeField label={text.person.starts} type="date" value={starts} onChange={setStarts} required />
        <NativeField label={text.person.ends} hint={text.person.endsHint} type="date" value={ends} onChange={setEnds} min={starts} required={role === "auditor"} />
      </div>
    </FormDialog>
  );
}
