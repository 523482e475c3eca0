/** The first page of a signed-in person: what each of the roles needs first, one under the other. */

import { lazy, Suspense } from "react";
import { LinkButton } from "../ui/button";
import { Page } from "../ui/page";
import { Empty, Skeleton } from "../ui/notes";
import { rolesOf, useSignedIn, type Role } from "./session";
import { text } from "./texts";

const Today = lazy(() => import("../lesson/today"));
const FamilyHome = lazy(() => import("../family/home"));
const ControlHome = lazy(() => import("../control/home"));
const SetupHome = lazy(() => import("../setup/home"));

const SECTIONS: readonly { roles: readonly Role[]; Section: ReturnType<typeof lazy> }[] = [
  { roles: ["journal_administrator"], Section: SetupHome },
  { roles: ["teacher", "workshop_instructor"], Section: Today },
  { roles: ["curator", "study_office", "deputy_director", "director", "auditor"], Section: ControlHome },
  { roles: ["student", "guardian"], Section: FamilyHome },
];

export default function Home() {
  const me = useSignedIn();
  const roles = rolesOf(me);
  const sections = SECTIONS.filter(({ roles: of }) => of.some((role) => roles.has(role)));
  return (
    <Page title={text.journal} lead={me.person.name}>
      {sections.length === 0 && (
        <section>
          <Empty title={text.noRoles} action={<LinkButton to="/inbox">{text.toInbox}</LinkButton>}>
            {text.noRolesWhy}
          </Empty>
        </section>
      )}
      {sections.map(({ Section }, n) => (
        <Suspense key={n} fallback={<Skeleton />}>
          <Section />
        </Suspense>
      ))}
    </Page>
  );
}
