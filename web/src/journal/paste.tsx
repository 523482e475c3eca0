/** A block from a spreadsheet before it is entered: what goes where, what does not and why. Nothing is sent until then. */

import { useMemo } from "react";
import { word, words } from "../domain/texts";
import { day } from "../format";
import { text as lessonText } from "../lesson/texts";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Badge, Empty, Note } from "../ui/notes";
import { List } from "../ui/list";
import { notify } from "../ui/toast";
import type { Place } from "./cursor";
import { landings, type Entries, type Landing } from "./grid-state";
import type { Keeping } from "./keeping";
import type { Spread, SpreadLesson, SpreadStudent, Work } from "./spread";
import { text } from "./texts";

export function PasteDialog({
  spread,
  keeping,
  students,
  lessons,
  name,
  entries,
  at,
  block,
  today,
  workFor,
  onClose,
}: {
  spread: Spread;
  keeping: Keeping;
  students: readonly SpreadStudent[];
  lessons: readonly SpreadLesson[];
  name: (student: string) => string;
  entries: Entries;
  at: Place;
  block: readonly (readonly string[])[];
  today: string;
  workFor: (lesson: SpreadLesson) => Work;
  onClose: () => void;
}) {
  const found = useMemo(() => landings(spread, students, lessons, entries, at, block, today), [spread, students, lessons, entries, at, block, today]);
  const taken = found.flatMap(({ student, lesson, value, skip }) => (student && lesson && value && !skip ? [{ student, lesson, written: { value, work: workFor(lesson) } }] : []));
  const where = ({ student, lesson }: Landing) => [student ? name(student.student) : text.pasteOutside, lesson && day(lesson.date, "short")].filter(Boolean).join(", ");
  return (
    <Dialog title={text.paste} onClose={onClose} wide>
      <p>{text.pasteLead(found.length, new Set(found.map(({ student }) => student?.student)).size)}</p>
      {taken.length === 0 ? <Note kind="warn">{text.pasteNothing}</Note> : found.length > taken.length && <Note kind="warn">{text.pasteSkips(found.length - taken.length)}</Note>}
      <List
        label={text.paste}
        rows={found}
        rowKey={(landing) => String(found.indexOf(landing))}
        search={false}
        empty={<Empty title={text.pasteNothing} />}
        columns={[
          { key: "where", title: text.pasteWhere, cell: where },
          { key: "what", title: text.pasteWhat, cell: ({ typed, value }) => (value ? word(words.value, value) : typed) },
          { key: "result", title: text.pasteResult, cell: (landing) => (landing.skip ? <Badge kind="warn">{skipSaid(landing)}</Badge> : <Badge kind="good">{text.pasteSet}</Badge>) },
        ]}
      />
      <footer>
        <Button onPress={onClose}>{lessonText.cancel}</Button>
        <Button
          kind="primary"
          isDisabled={taken.length === 0}
          onPress={() => {
            keeping.writeAll(taken);
            notify(text.pasted(taken.length));
            onClose();
          }}
        >
          {text.pasteTakes(taken.length)}
        </Button>
      </footer>
    </Dialog>
  );
}

function skipSaid({ skip, typed }: Landing): string {
  switch (skip) {
    case "bad":
      return text.pasteBad(typed);
    case "outside":
      return text.pasteOutside;
    case "stands":
      return text.pasteStands;
    case "absent":
      return text.pasteAbsent;
    case "away":
      return text.awayTitle;
    case undefined:
      return "";
    default:
      return lessonText.barred[skip].title;
  }
}
