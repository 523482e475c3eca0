/**
 * A pasted list of people as the roster document of an import.
 *
 * Ids follow from the source, the kind of record and its name, by the same rule as those of lists in XLSX: the same list
 * sent again, here or by a file, changes nothing. People are told apart by their code, without one by their full name.
 */

import type { Row } from "./table";

const NAMESPACE = "5f0b5f8e6a0e5d529a530d6a1f6f3c11";
const SOURCE = "people";

const folded = (name: string) => name.split(/\s+/).filter(Boolean).join(" ").toLocaleLowerCase("ru").replaceAll("\u0451", "\u0435");

/** What tells the person of a row from others. */
export function keyOf({ cells }: Row): string {
  return cells["code"] || folded([cells["family"], cells["given"], cells["middle"]].join(" "));
}

/** UUID version 5 of a name in the namespace of imported records. */
export async function recordId(kind: string, name: string): Promise<string> {
  const bytes = new TextEncoder().encode(`${SOURCE}:${kind}:${name}`);
  const space = Uint8Array.from(NAMESPACE.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-1", new Uint8Array([...space, ...bytes])));
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...hash.slice(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

type Record = { id: string; external_id: string; where: string };
export type RoleName = "student" | "guardian" | "teacher" | "workshop_instructor" | "curator" | "study_office" | "deputy_director" | "director" | "journal_administrator";
export type Roster = {
  source: string;
  scope: { [kind: string]: "delta" };
  groups: (Record & { name: string })[];
  people: (Record & { family_name: string; given_name: string; middle_name: string; email: string; phone: string; birth_date: string | null })[];
  roles: (Record & { person_id: string; role: RoleName; group_id: string | null; starts_on: string | null })[];
  enrolments: (Record & { person_id: string; group_id: string; starts_on: string | null })[];
  guardians: (Record & { guardian_id: string; student_id: string })[];
};

/**
 * The document of good rows. `label`: what the lines are called in messages; `groups`: those that exist, by title.
 * A guardian's child is a student of the same list, by code or by full name; one that is not found links nobody.
 */
export async function rosterOf(rows: readonly Row[], label: string, groups: readonly { id: string; title: string }[]): Promise<Roster> {
  const made: Roster = {
    source: SOURCE,
    scope: { groups: "delta", people: "delta", roles: "delta", guardians: "delta", enrolments: "delta" },
    groups: [],
    people: [],
    roles: [],
    enrolments: [],
    guardians: [],
  };
  const known = new Map(groups.map(({ id, title }) => [folded(title), id]));
  const students = new Map<string, string>();
  const taken = new Set<string>();
  const once = async (kind: string, name: string): Promise<string | null> => {
    const id = await recordId(kind, name);
    if (taken.has(id)) return null;
    taken.add(id);
    return id;
  };
  for (const row of rows) {
    const { cells } = row;
    const key = keyOf(row);
    const where = `${label}:${row.line}`;
    const person = await recordId("people", key);
    if (await once("people", key)) {
      made.people.push({
        id: person,
        external_id: key,
        where,
        family_name: cells["family"] ?? "",
        given_name: cells["given"] ?? "",
        middle_name: cells["middle"] ?? "",
        email: cells["email"] ?? "",
        phone: cells["phone"] ?? "",
        birth_date: cells["birth"] || null,
      });
    }
    const role = cells["role"] as RoleName;
    const title = cells["group"] ?? "";
    let group: string | null = null;
    if (title && (role === "student" || role === "curator")) {
      group = known.get(folded(title)) ?? null;
      if (group === null) {
        group = await recordId("groups", folded(title));
        known.set(folded(title), group);
        made.groups.push({ id: group, external_id: folded(title), where, name: title });
      }
    }
    const held = role === "curator" ? `${key} ${role} ${folded(title)}` : `${key} ${role}`;
    const grant = await once("roles", held);
    const starts_on = cells["since"] || null;
    if (grant) made.roles.push({ id: grant, external_id: held, where, person_id: person, role, group_id: role === "curator" ? group : null, starts_on: null });
    if (role === "student" && group !== null) {
      students.set(key, person);
      students.set(folded([cells["family"], cells["given"], cells["middle"]].join(" ")), person);
      students.set(folded([cells["family"], cells["given"]].join(" ")), person);
      const enrolled = `${key} ${folded(title)}`;
      const id = await once("enrolments", enrolled);
      if (id) made.enrolments.push({ id, external_id: enrolled, where, person_id: person, group_id: group, starts_on });
    }
  }
  for (const row of rows.filter(({ cells }) => cells["role"] === "guardian")) {
    const key = keyOf(row);
    for (const child of (row.cells["child"] ?? "").split(/[;,]/).map((name) => name.trim()).filter(Boolean)) {
      const student = students.get(child) ?? students.get(folded(child));
      if (student === undefined) continue;
      const pair = `${key} ${student}`;
      const id = await once("guardians", pair);
      if (id) made.guardians.push({ id, external_id: pair, where: `${label}:${row.line}`, guardian_id: await recordId("people", key), student_id: student });
    }
  }
  return made;
}
