/** Issued codes as slips to cut apart; they are nowhere kept and gone with the page. */

import { dayOf, day } from "../format";
import { Button } from "../ui/button";
import { Note } from "../ui/notes";
import type { Issued } from "./data";
import { text } from "./texts";

export type Slip = { person: string; name: string; issued: Issued };

export function Slips({ slips }: { slips: readonly Slip[] }) {
  if (slips.length === 0) return null;
  return (
    <section className="stack" aria-label={text.codes.slips}>
      <div className="no-print stack">
        <Note kind="warn" title={text.codes.slips}>
          {text.codes.once}
        </Note>
        <div>
          <Button onPress={() => print()}>{text.codes.print}</Button>
        </div>
      </div>
      <div className="setup-slips" role="status">
        {slips.map(({ person, name, issued }) => (
          <div key={person} className="setup-slip">
            <b>{name}</b>
            {issued.secret ? <code>{issued.secret}</code> : <span>{text.codes.withheld}</span>}
            <span className="small">{text.codes.how}</span>
            <span className="small soft">{text.codes.until(day(dayOf(issued.expires_at)))}</span>
            {issued.reissued && <span className="small soft no-print">{text.codes.reissued}</span>}
          </div>
        ))}
      </div>
    </section>
  );
}
