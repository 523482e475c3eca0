/** The pages of the journal that a person may read; a teacher's own first. */

import { useState } from "react";
import { useGroupList } from "../api/names";
import { PageLines } from "../control/pages";
import { words } from "../domain/texts";
import { rolesOf, useSignedIn } from "../shell/session";
import { Choice } from "../ui/field";
import { Page } from "../ui/page";
import type { PageState } from "../control/data";
import { text } from "./texts";

const ALL = "all";
const MINE = "mine";

export default function Pages() {
  const me = useSignedIn();
  const roles = rolesOf(me);
  const teaches = roles.has("teacher") || roles.has("workshop_instructor");
  const groups = useGroupList();
  const [whose, setWhose] = useState(teaches ? MINE : ALL);
  const [group, setGroup] = useState(ALL);
  const [state, setState] = useState<PageState | typeof ALL>("open");
  const narrowed = { ...(whose === MINE && { teacher: me.person.id }), ...(group !== ALL && { group }) };
  return (
    <Page title={text.journal}>
      <PageLines
        narrowed={narrowed}
        {...(state !== ALL && { state })}
        tools={
          <>
            {teaches && <Choice label={text.who} value={whose} onChange={setWhose} options={[{ id: MINE, name: text.myPages }, { id: ALL, name: text.allPages }]} />}
            <Choice label={text.group} value={group} onChange={setGroup} options={[{ id: ALL, name: text.everyGroup }, ...groups.map(({ id, title }) => ({ id, name: title }))]} />
            <Choice
              label={text.state}
              value={state}
              onChange={(chosen) => setState(chosen as PageState)}
              options={[{ id: ALL, name: text.everyState }, ...Object.entries(words.pageState).map(([id, name]) => ({ id, name }))]}
            />
          </>
        }
      />
    </Page>
  );
}
