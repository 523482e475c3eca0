/** What the deputy permits on a page: a lesson open again (R 8.4), a final after its deadline or with fewer grades (R 5.2, 5.3). */

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { got, gradebook } from "../api/client";
import { word, words } from "../domain/texts";
import { day, later } from "../format";
import { useToday } from "../shell/start";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Checkbox, Choice, NativeField } from "../ui/field";
import { ProblemNote } from "../ui/notes";
import { Tabs } from "../ui/tabs";
import { notify } from "../ui/toast";
import { REASONS } from "./final-dialog";
import type { Spread, SpreadStudent } from "./spread";
import { text } from "./texts";

const WEEK = 7;

export function DeputyDialog({ spread, students, name, onClose }: { spread: Spread; students: readonly SpreadStudent[]; name: (student: string) => string; onClose: () => void }) {
  return (
    <Dialog title={text.deputy} onClose={onClose}>
      <Tabs
        label={text.deputy}
        parts={[
          { id: "unlock", name: text.unlock, content: () => <Unlock spread={spread} onClose={onClose} /> },
          { id: "allow", name: text.allow, content: () => <Allow spread={spread} students={students} name={name} onClose={onClose} /> },
        ]}
      />
    </Dialog>
  );
}

function useGiving(page: string, onClose: () => void) {
  const client = useQueryClient();
  const [error, setError] = useState<unknown>();
  const give = async (asked: Promise<unknown>, said: string) => {
    try {
      await asked;
      await client.invalidateQueries({ queryKey: ["gradebook", "/pages/{page}", page] });
      notify(said);
      onClose();
    } catch (refused) {
      setError(refused);
    }
  };
  return { error, give };
}

const header = () => ({ "Idempotency-Key": crypto.randomUUID() });

function Unlock({ spread, onClose }: { spread: Spread; onClose: () => void }) {
  const today = useToday();
  const page = spread.page.id;
  const [lesson, setLesson] = useState(spread.lessons.findLast(({ lock }) => lock)?.lesson ?? spread.lessons.at(-1)?.lesson ?? "");
  const [until, setUntil] = useState(later(today, WEEK));
  const [code, setCode] = useState("outage");
  const { error, give } = useGiving(page, onClose);
  return (
    <>
      <Choice
        label={text.unlockLesson}
        value={lesson}
        onChange={setLesson}
        options={[...spread.lessons].reverse().map((each) => ({ id: each.lesson, name: `${text.lessonHead(day(each.date, "short"), each.pair, word(words.lessonKind, each.kind))}${each.lock ? `, ${text.locked}` : ""}` }))}
      />
      <NativeField label={text.until} type="date" value={until} min={today} onChange={setUntil} />
      <Choice label={text.because} value={code} onChange={setCode} options={REASONS} />
      {error !== undefined && <ProblemNote error={error} />}
      <footer>
        <Button
          kind="primary"
          isDisabled={!lesson}
          onPress={() => void give(got(gradebook.POST("/pages/{page}/unlocks", { params: { path: { page }, header: header() }, body: { lesson, until, reason: { code: code as "outage" } } })), text.unlocked)}
        >
          {text.give}
        </Button>
      </footer>
    </>
  );
}

function Allow({ spread, students, name, onClose }: { spread: Spread; students: readonly SpreadStudent[]; name: (student: string) => string; onClose: () => void }) {
  const today = useToday();
  const page = spread.page.id;
  const [student, setStudent] = useState(students[0]?.student ?? "");
  const [until, setUntil] = useState("");
  const [few, setFew] = useState(false);
  const [code, setCode] = useState("order");
  const { error, give } = useGiving(page, onClose);
  const body = { student, fewer_grades: few, reason: { code: code as "order" }, ...(until && { late_until: until }) };
  return (
    <>
      <Choice label={text.allowStudent} value={student} onChange={setStudent} options={students.map((each) => ({ id: each.student, name: name(each.student) }))} />
      <NativeField label={text.allowLate} type="date" value={until} min={today} onChange={setUntil} />
      <Checkbox label={text.allowFew} checked={few} onChange={setFew} />
      <Choice label={text.because} value={code} onChange={setCode} options={REASONS} />
      {error !== undefined && <ProblemNote error={error} />}
      <footer>
        <Button
          kind="primary"
          isDisabled={!student || (!few && !until)}
          onPress={() => void give(got(gradebook.POST("/pages/{page}/permissions", { params: { path: { page }, header: header() }, body })), text.allowed)}
        >
          {text.give}
        </Button>
      </footer>
    </>
  );
}
