/** A new person with what he is to be: a student of a group, or somebody of the staff. */

import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { got, identity } from "../api/client";
import { words } from "../domain/texts";
import { rolesOf, useSignedIn } from "../shell/session";
import { useToday } from "../shell/start";
import { Choice, NativeField, TextField } from "../ui/field";
import { notify } from "../ui/toast";
import { GROUPS, header, useChange } from "./data";
import { FormDialog } from "./form";
import { text } from "./texts";

/** Staff roles that are granted to a person, without those of a relation (curator, student, guardian). */
export const STAFF_ROLES = ["teacher", "workshop_instructor", "study_office", "deputy_director", "director", "journal_administrator", "auditor"] as const;
const BY_ORDER: ReadonlySet<string> = new Set(["study_office", "deputy_director", "director", "auditor"]);

export const needsOrder = (role: string) => BY_ORDER.has(role);

export type Names = { family_name: string; given_name: string; middle_name: string; email: string; phone: string; birth_date: string };
export const NAMELESS: Names = { family_name: "", given_name: "", middle_name: "", email: "", phone: "", birth_date: "" };

/** The fields of a person's own data. */
export function NameFields({ value, onChange }: { value: Names; onChange: (value: Names) => void }) {
  const set = (key: keyof Names) => (given: string) => onChange({ ...value, [key]: given });
  return (
    <>
      <TextField label={text.people.family} value={value.family_name} onChange={set("family_name")} required maxLength={100} autoFocus />
      <div className="pair">
        <TextField label={text.people.given} value={value.given_name} onChange={set("given_name")} required maxLength={100} />
        <TextField label={text.people.middle} value={value.middle_name} onChange={set("middle_name")} maxLength={100} />
      </div>
      <div className="pair">
        <NativeField label={text.people.birth} type="date" value={value.birth_date} onChange={set("birth_date")} />
        <TextField label={text.people.phone} type="tel" value={value.phone} onChange={set("phone")} maxLength={32} />
      </div>
      <TextField label={text.people.email} type="email" value={value.email} onChange={set("email")} maxLength={254} />
    </>
  );
}

export function NewPerson({ onClose }: { onClose: () => void }) {
  const administrator = rolesOf(useSignedIn()).has("journal_administrator");
  const groups = useQuery(GROUPS);
  const today = useToday();
  const [names, setNames] = useState(NAMELESS);
  const [role, setRole] = useState("");
  const [group, setGroup] = useState("");
  const [since, setSince] = useState(today);
  const [order, setOrder] = useState("");
  const registered = useRef<string | null>(null);
  const change = useChange(
    async () => {
      // After a refused second step the person is there already: the next try only gives the role.
      if (registered.current === null) {
        const body = { ...names, birth_date: names.birth_date || null };
        registered.current = ((await got(identity.POST("/people", { params: { header: header() }, body })))).person;
      }
      const person = registered.current;
      if (role === "student") {
        await got(identity.POST("/groups/{group}/students", { params: { path: { group }, header: header() }, body: { student: person, starts_on: since || null, order_no: order } }));
      } else if (role !== "") {
        await got(identity.POST("/people/{person}/roles", { params: { path: { person }, header: header() }, body: { role, scope: "", starts_on: since || null, order_no: order } }));
      }
    },
    () => {
      notify(text.people.added(`${names.family_name} ${names.given_name}`));
      onClose();
    },
  );
  const roles = administrator ? ["student", ...STAFF_ROLES.filter((each) => each !== "auditor")] : ["student"];
  const options = [{ id: "none", name: text.people.noRoleYet }, ...roles.map((id) => ({ id, name: words.role[id] ?? id }))];
  return (
    <FormDialog title={text.people.add} onClose={onClose} change={change} submit={text.people.add} onSubmit={() => change.mutate(undefined)} disabled={role === "student" && group === ""}>
      <NameFields value={names} onChange={setNames} />
      <Choice label={text.people.roleNow} value={role || "none"} onChange={(value) => setRole(value === "none" ? "" : value)} options={options} />
      {role === "student" && (
        <Choice label={text.people.group} value={group} onChange={setGroup} options={(groups.data?.items ?? []).map(({ id, title }) => ({ id, name: title }))} required />
      )}
      {role !== "" && (
        <div className="pair">
          <NativeField label={role === "student" ? text.people.since : text.person.starts} type="date" value={since} onChange={setSince} required />
          <TextField label={text.people.orderNo} value={order} onChange={setOrder} maxLength={50} required={needsOrder(role)} />
        </div>
      )}
    </FormDialog>
  );
}
