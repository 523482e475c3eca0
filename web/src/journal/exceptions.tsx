/** Who is left without a final when every proposed one is accepted, and why; each can be settled from here. */

import { useState } from "react";
import { hundredths } from "../format";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Note } from "../ui/notes";
import { FinalDialog } from "./final-dialog";
import type { Keeping } from "./keeping";
import type { Spread, SpreadStudent } from "./spread";
import { text } from "./texts";

export function Exceptions({
  spread,
  keeping,
  students,
  name,
  onClose,
}: {
  spread: Spread;
  keeping: Keeping;
  students: readonly SpreadStudent[];
  name: (student: string) => string;
  onClose: () => void;
}) {
  const [chosen, setChosen] = useState<SpreadStudent>();
  const missing = new Set(spread.page.unfinished.without_final);
  const left = students.filter((student) => missing.has(student.student) && !student.proposal.value);
  const { min_grades } = spread.page.rules;
  if (chosen) return <FinalDialog keeping={keeping} student={chosen} name={name(chosen.student)} mayWrite onClose={() => setChosen(undefined)} />;
  return (
    <Dialog title={text.exceptions(left.length)} onClose={onClose}>
      <Note>{text.exceptionsLead}</Note>
      <ul className="journal-narrow">
        {left.map((student) => (
          <li key={student.student} className="row spread">
            <span>
              <b>{name(student.student)}</b>
              <br />
              <span className="soft">
                {[student.proposal.why && text.why[student.proposal.why], `${text.counts} ${text.countOf(student.counts.grades, min_grades)}`, `${text.mean} ${hundredths(student.mean)}`]
                  .filter(Boolean)
                  .join(", ")}
              </span>
            </span>
            <Button small onPress={() => setChosen(student)}>
              {text.exceptionsSet}
            </Button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
