/** Which sections each role has; roles of one person add up. */

import { rolesOf, type Me, type Role } from "./session";
import { text } from "./texts";

export type Section = { to: string; name: string; icon: string };

const SECTIONS: readonly (Section & { roles: readonly Role[] })[] = [
  { to: "/", name: text.home, icon: "⌂", roles: [] },
  { to: "/journal", name: text.pages, icon: "▦", roles: ["teacher", "workshop_instructor", "curator", "study_office", "deputy_director", "director", "auditor"] },
  { to: "/gaps", name: text.gaps, icon: "◔", roles: ["teacher", "workshop_instructor", "curator", "study_office", "deputy_director", "director", "journal_administrator"] },
  { to: "/card", name: text.card, icon: "★", roles: ["student", "guardian"] },
  { to: "/timetable", name: text.timetable, icon: "☰", roles: ["teacher", "workshop_instructor", "student", "guardian", "curator", "study_office", "deputy_director", "director", "journal_administrator"] },
  { to: "/inbox", name: text.inbox, icon: "✉", roles: [] },
  { to: "/groups", name: text.groups, icon: "◫", roles: ["curator", "study_office", "deputy_director", "director", "auditor"] },
  { to: "/closing", name: text.closing, icon: "✓", roles: ["deputy_director", "director", "study_office"] },
  { to: "/changes", name: text.changes, icon: "↺", roles: ["auditor", "deputy_director", "director"] },
  { to: "/people", name: text.people, icon: "☺", roles: ["journal_administrator", "curator", "study_office", "deputy_director", "director"] },
  { to: "/setup", name: text.setup, icon: "⚙", roles: ["journal_administrator", "study_office", "deputy_director"] },
  { to: "/account", name: text.account, icon: "◉", roles: [] },
];

export function sectionsOf(me: Me): Section[] {
  const roles = rolesOf(me);
  return SECTIONS.filter((section) => section.roles.length === 0 || section.roles.some((role) => roles.has(role)));
}
