/** What opens from below: more about an absence, a second grade or a correction, an entry that was not taken. */

import { useState } from "react";
import { word, words } from "../domain/texts";
import { Refused } from "../api/problem";
import type { Missed } from "../journal/spread";
import { outbox, type Entry } from "../outbox";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Choice, NativeField } from "../ui/field";
import { Note, ProblemNote } from "../ui/notes";
import type { Reason } from "./changes";
import type { NamedRow } from "./keeping";
import { saidOf } from "./parts";
import { text } from "./texts";

/** How long a student was away: hours, minutes late, minutes before the end. */
export function AbsenceSheet({ row, hours, onSave, onClose }: { row: NamedRow; hours: number; onSave: (missed: Missed) => void; onClose: () => void }) {
  const [away, setAway] = useState(row.missed?.hours ?? 0);
  const [late, setLate] = useState(row.missed?.late ?? 0);
  const [left, setLeft] = useState(row.missed?.left_early ?? 0);
  const minutes = (value: string) => Math.max(0, Math.min(hours * 45, Number(value) || 0));
  const options = Array.from({ length: hours + 1 }, (_, n) => ({ id: String(n), name: hoursSaid(n, hours) }));
  return (
    <Dialog title={text.absenceOf(row.name)} onClose={onClose}>
      <Choice label={text.missed} value={String(away)} onChange={(chosen) => setAway(Number(chosen))} options={options} />
      <NativeField label={text.lateMinutes} type="number" min={0} max={hours * 45} step={5} value={String(late)} onChange={(value) => setLate(minutes(value))} />
      <NativeField label={text.leftMinutes} type="number" min={0} max={hours * 45} step={5} value={String(left)} onChange={(value) => setLeft(minutes(value))} />
      <footer>
        <Button onPress={onClose}>{text.cancel}</Button>
        <Button
          kind="primary"
          onPress={() => {
            onSave({ student: row.student, hours: away, late, left_early: left });
            onClose();
          }}
        >
          {text.save}
        </Button>
      </footer>
    </Dialog>
  );
}

function hoursSaid(n: number, hours: number): string {
  if (n === 0) return text.nothingMissed;
  if (n === hours) return text.wholePair;
  return hours === 2 ? text.halfPair : String(n);
}

const REASONS = ["input_error", "reassessed", "wrong_student", "appeal", "illness", "outage", "order", "other"] as const;

/** A correction says why (rule G9): one tap on the reason sends it. */
function Reasons({ what, onChoose }: { what?: string; onChoose: (reason: Reason) => void }) {
  return (
    <fieldset className="lesson-reasons">
      <legend>{what ? text.because(what) : text.correctWhy}</legend>
      {REASONS.map((code) => (
        <Button key={code} onPress={() => onChoose({ code })}>
          {word(words.reason, code)}
        </Button>
      ))}
    </fieldset>
  );
}

/** The cell has a grade: is the new one a second one, or does it correct the last? Without a value: is it removed? */
export function SecondSheet({
  row,
  value,
  onSecond,
  onCorrect,
  onClose,
}: {
  row: NamedRow;
  value: string | undefined;
  onSecond: () => void;
  onCorrect: (reason: Reason) => void;
  onClose: () => void;
}) {
  const before = word(words.value, row.cell.grades.at(-1)?.value);
  const said = value === undefined ? "" : word(words.value, value);
  return (
    <Dialog title={value === undefined ? text.eraseTitle(before) : text.second(saidOf(row.cell))} onClose={onClose}>
      <p>{row.name}</p>
      {value !== undefined && (
        <Button kind="primary" onPress={onSecond}>
          {text.addSecond(said)}
        </Button>
      )}
      <Reasons what={value === undefined ? text.eraseTitle(before) : text.correct(before, said)} onChoose={onCorrect} />
    </Dialog>
  );
}

/** An entry that the journal did not take: why, the clause, what to do; a conflict shows both values. */
export function TroubleSheet({ entry, mine, theirs, name, onClose }: { entry: Entry; mine: string; theirs: string; name: string; onClose: () => void }) {
  const { problem, key } = entry;
  const does = (what: () => void) => () => {
    what();
    onClose();
  };
  return (
    <Dialog title={name} onClose={onClose}>
      {problem && (entry.state === "conflict" ? <Note kind="warn" title={problem.title}>{`${problem.detail} ${problem.next}`}</Note> : <ProblemNote error={new Refused(problem)} />)}
      {problem?.code === "reason-needed" ? (
        <>
          <p>{text.reasonFirst}</p>
          <Reasons onChoose={(reason) => does(() => outbox.retry(key, { reason }))()} />
        </>
      ) : entry.state === "conflict" ? (
        <Button kind="primary" onPress={does(() => outbox.overwrite(key))}>
          {text.mine(mine || text.nothing)}
        </Button>
      ) : (
        <Button onPress={does(() => outbox.retry(key))}>{text.retryEntry}</Button>
      )}
      <Button onPress={does(() => outbox.discard(key))}>{entry.state === "conflict" ? text.theirs(theirs || text.nothing) : text.discardEntry}</Button>
    </Dialog>
  );
}
