import { describe, expect, it } from "vitest";
import type { Me } from "../shell/session";
import type { Card, Held } from "./data";
import { NONE, rightsOn } from "./rights";

type Role = Me["person"]["roles"][number]["role"];
const held = (role: Role, scope = ""): Held & { role: Role } => ({ id: role, role, scope, title: null, starts_on: "2026-09-01", ends_on: null });
const me = (...roles: Me["person"]["roles"]): Me => ({ person: { id: "me", roles } as unknown as Me["person"], children: [] });
const card = (roles: Held[], more: Partial<Card> = {}): Card => ({ id: "them", name: "", short_name: "", erased: false, demo: false, etag: "1", roles, ...more });

const ADMINISTRATOR = me(held("journal_administrator"));
const CURATOR = me(held("curator", "g1"), held("teacher"));
const STUDENT = card([held("member", "g1"), held("student")]);
const TEACHER = card([held("teacher")]);

describe("codes", () => {
  it("of staff are the administrator's, of students and guardians the curator's", () => {
    expect(rightsOn(ADMINISTRATOR, TEACHER).code).toBe(true);
    expect(rightsOn(ADMINISTRATOR, STUDENT).code).toBe(false);
    expect(rightsOn(CURATOR, STUDENT).code).toBe(true);
    expect(rightsOn(CURATOR, card([], { children: [{ id: "c", name: "", short_name: "", until: null, groups: [{ group: "g1", title: "" }] }] })).code).toBe(true);
  });

  it("of a foreign group's student or of a guardian who is staff are not the curator's", () => {
    expect(rightsOn(CURATOR, card([held("member", "g2")])).code).toBe(false);
    const both = card([held("teacher")], { children: [{ id: "c", name: "", short_name: "", until: null, groups: [{ group: "g1", title: "" }] }] });
    expect(rightsOn(CURATOR, both).code).toBe(false);
    expect(rightsOn(CURATOR, both).correct).toBe(false);
  });
});

it("nobody is offered rights over himself", () => {
  const own = { ...TEACHER, id: "me" };
  expect(rightsOn(ADMINISTRATOR, own)).toMatchObject({ grant: false, code: false, account: false });
});

it("who is seen by name only, or was erased, is not acted upon", () => {
  const named = { id: "them", name: "", short_name: "", erased: false, demo: false };
  expect(rightsOn(ADMINISTRATOR, named)).toEqual(NONE);
  expect(rightsOn(ADMINISTRATOR, { ...STUDENT, erased: true })).toEqual(NONE);
});

it("the study office enrols and moves students, and grants nothing", () => {
  expect(rightsOn(me(held("study_office")), STUDENT)).toMatchObject({ enrol: true, grant: false, care: false, account: false });
});
