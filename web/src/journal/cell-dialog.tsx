/** Everything of one cell: its marks with kind of work, make-up and re-sit; attendance in hours; its history. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { got, gradebook } from "../api/client";
import { useNames } from "../api/names";
import { word, words } from "../domain/texts";
import { day, instant } from "../format";
import type { Written } from "../lesson/lesson-state";
import { AbsenceSheet } from "../lesson/sheets";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Choice, NativeField } from "../ui/field";
import { Empty } from "../ui/notes";
import { Loaded } from "../ui/page";
import { Tabs } from "../ui/tabs";
import { withMissed } from "../lesson/lesson-state";
import { REASONS } from "./final-dialog";
import { lockAt } from "./grid-state";
import type { Keeping } from "./keeping";
import type { Spread, SpreadLesson, SpreadStudent, Value, Work } from "./spread";
import { text } from "./texts";

const VALUES = ["5", "4", "3", "2", ".", "pass", "fail"] as const;
const NONE = "none";

export function CellDialog({
  spread,
  keeping,
  lesson,
  student,
  name,
  work,
  today,
  readOnly,
  onClose,
}: {
  spread: Spread;
  keeping: Keeping;
  lesson: SpreadLesson;
  student: SpreadStudent;
  name: string;
  work: Work;
  today: string;
  readOnly: boolean;
  onClose: () => void;
}) {
  const lock = lockAt(spread, lesson, student, today);
  const parts = [{ id: "history", name: text.cellHistory, content: () => <CellHistory page={spread.page.id} lesson={lesson.lesson} student={student.student} /> }];
  if (!readOnly && (!lock || lock === "final")) {
    parts.unshift({ id: "marks", name: text.value, content: () => <Edit keeping={keeping} lesson={lesson} student={student} name={name} work={work} locked={lock === "final"} onClose={onClose} /> });
  }
  return (
    <Dialog title={text.cell(name, day(lesson.date, "long"))} onClose={onClose} side>
      <Tabs label={text.cell(name, day(lesson.date))} parts={parts} />
    </Dialog>
  );
}

function Edit({
  keeping,
  lesson,
  student,
  name,
  work,
  locked,
  onClose,
}: {
  keeping: Keeping;
  lesson: SpreadLesson;
  student: SpreadStudent;
  name: string;
  work: Work;
  locked: boolean;
  onClose: () => void;
}) {
  const row = keeping.rowOf(lesson, student);
  const [marks, setMarks] = useState<readonly Written[]>(row.cell.grades);
  const [code, setCode] = useState(NONE);
  const [absence, setAbsence] = useState(false);
  const set = (n: number, changed: Partial<Written>) => setMarks(marks.map((mark, at) => (at === n ? { ...mark, ...changed } : mark)));
  const others = row.cell.grades.map((grade) => ({ id: grade.grade, name: `${word(words.value, grade.value)}, ${word(words.work, grade.work)}` }));
  if (absence) {
    return <AbsenceSheet row={{ ...row, name }} hours={lesson.hours} onSave={(missed) => keeping.attend(lesson, withMissed(lesson.attendance.marks ?? [], missed))} onClose={onClose} />;
  }
  return (
    <>
      {!locked &&
        marks.map((mark, n) => (
          <fieldset key={n} className="journal-mark">
            <legend>{`${text.value} ${n + 1}`}</legend>
            <Choice label={text.value} value={mark.value} onChange={(value) => set(n, { value: value as Value })} options={VALUES.map((id) => ({ id, name: word(words.value, id) }))} />
            <Choice label={text.kindOfWork} value={mark.work} onChange={(chosen) => set(n, { work: chosen as Work })} options={Object.entries(words.work).map(([id, said]) => ({ id, name: said }))} />
            <NativeField label={text.makeupOn} type="date" value={mark.makeup_on ?? ""} min={lesson.date} onChange={(on) => set(n, { makeup_on: on || undefined })} />
            {others.length > 0 && !mark.grade && (
              <Choice label={text.retakeOf} value={mark.retake_of ?? NONE} onChange={(of) => set(n, { retake_of: of === NONE ? undefined : of })} options={[{ id: NONE, name: text.noRetake }, ...others]} />
            )}
            <Button kind="quiet" small onPress={() => setMarks(marks.filter((_, at) => at !== n))}>
              {text.remove}
            </Button>
          </fieldset>
        ))}
      {!locked && (
        <>
          <Button onPress={() => setMarks([...marks, { value: "5", work }])}>{text.add}</Button>
          <Choice label={text.reason} hint={text.reasonHint} value={code} onChange={setCode} options={[{ id: NONE, name: text.noReason }, ...REASONS]} />
        </>
      )}
      <footer>
        <Button onPress={() => setAbsence(true)}>{text.attendance}</Button>
        {!locked && (
          <Button
            kind="primary"
            onPress={() => {
              keeping.write(lesson, student, marks, code === NONE ? undefined : { code });
              onClose();
            }}
          >
            {text.save}
          </Button>
        )}
      </footer>
    </>
  );
}

function CellHistory({ page, lesson, student }: { page: string; lesson: string; student: string }) {
  const history = useQuery({
    queryKey: ["gradebook", "/pages/cells/history", page, lesson, student],
    queryFn: async () => (await got(gradebook.GET("/pages/{page}/cells/{lesson}/{student}/history", { params: { path: { page, lesson, student } } }))).items,
    staleTime: 0,
  });
  const name = useNames((history.data ?? []).map((change) => change.actor));
  const said = (value: { value: string } | null) => (value ? word(words.value, value.value) : "");
  return (
    <Loaded query={history}>
      {(changes) =>
        changes.length === 0 ? (
          <Empty title={text.noHistory}>{text.noHistoryWhy}</Empty>
        ) : (
          <ol className="journal-history">
            {[...changes].reverse().map((change) => (
              <li key={change.event}>
                <b>{change.old && change.new ? text.changed(said(change.old), said(change.new)) : change.new ? text.recorded(said(change.new)) : text.annulled(said(change.old))}</b>
                <span>{`${instant(change.at, true)} · ${text.by(name(change.actor), word(words.role, change.role))}`}</span>
                {change.new && <span className="soft">{word(words.work, change.new.work)}</span>}
                {change.reason && <span>{`${text.because}: ${word(words.reason, change.reason.code)}${change.reason.text ? ` — ${change.reason.text}` : ""}`}</span>}
                <span className="small soft">{text.command(change.command.slice(0, 8))}</span>
              </li>
            ))}
          </ol>
        )
      }
    </Loaded>
  );
}
