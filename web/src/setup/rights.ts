/** What the reader may do with a person, so that nobody is offered what the journal would refuse. The journal decides. */

import { groupsOf, rolesOf, type Me } from "../shell/session";
import type { Card } from "./data";
import { STAFF_ROLES } from "./newperson";

export type Rights = {
  correct: boolean;
  grant: boolean;
  enrol: boolean;
  /** Guardians: link, extend by a document, end. */
  care: boolean;
  code: boolean;
  /** Close and open the account, erase. */
  account: boolean;
};

export const NONE: Rights = { correct: false, grant: false, enrol: false, care: false, code: false, account: false };

export function rightsOn(me: Me, person: Card): Rights {
  if (person.etag === undefined || person.erased) return NONE;
  const roles = rolesOf(me);
  const administrator = roles.has("journal_administrator");
  const himself = person.id === me.person.id;
  const curated = new Set(groupsOf(me, "curator").map(({ group }) => group));
  const inGroups = (card: Pick<Card, "roles" | "children">) =>
    card.roles?.some(({ role, scope }) => role === "member" && curated.has(scope)) || card.children?.some((child) => child.groups.some(({ group }) => curated.has(group)));
  const staff = person.roles?.some(({ role }) => role === "curator" || (STAFF_ROLES as readonly string[]).includes(role)) ?? false;
  const ofCurator = Boolean(inGroups(person));
  const student = person.roles?.some(({ role }) => role === "member" || role === "student") ?? false;
  return {
    correct: administrator || (ofCurator && !staff),
    grant: !himself && (administrator || roles.has("director")),
    enrol: !himself && (administrator || roles.has("study_office") || roles.has("deputy_director")),
    care: student && (administrator || (person.roles?.some(({ role, scope }) => role === "member" && curated.has(scope)) ?? false)),
    code: !himself && (staff ? administrator : ofCurator),
    account: administrator && !himself,
  };
}
