/** The head of a lesson: what it is, its topic and homework, and how they are changed. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Refused } from "../api/problem";
import { word, words } from "../domain/texts";
import { day, later } from "../format";
import type { Spread, SpreadLesson } from "../journal/spread";
import { outbox, type Entry } from "../outbox";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Choice, NativeField, TextField } from "../ui/field";
import { ProblemNote } from "../ui/notes";
import { ahead, taughtLessons, topicsOf } from "./data";
import type { Amendment } from "./changes";
import type { Keeping } from "./keeping";
import { Fares } from "./parts";
import { text } from "./texts";

const OWN = "own";

export function Head({ spread, keeping, locked }: { spread: Spread; keeping: Keeping; locked: boolean }) {
  const [open, setOpen] = useState<"topic" | "homework">();
  const { lesson, entries } = keeping;
  return (
    <section className="panel lesson-head">
      <div className="line">
        <span className="what">
          <span className="small soft">{text.topic}</span>
          <b>{lesson.topic || text.noTopicYet}</b>
        </span>
        <Fares entry={entries.lesson} />
        {!locked && (
          <Button small onPress={() => setOpen("topic")} aria-label={`${text.edit}: ${text.topic}`}>
            {text.edit}
          </Button>
        )}
      </div>
      <Trouble entry={entries.lesson} />
      <div className="line">
        <span className="what">
          <span className="small soft">{[text.homework, lesson.due_on && text.dueOn(day(lesson.due_on, "short"))].filter(Boolean).join(", ")}</span>
          <span>{lesson.homework || text.noHomework}</span>
        </span>
        <Fares entry={entries.homework} />
        {!locked && (
          <Button small onPress={() => setOpen("homework")} aria-label={`${lesson.homework ? text.edit : text.assign}: ${text.homework}`}>
            {lesson.homework ? text.edit : text.assign}
          </Button>
        )}
      </div>
      <Trouble entry={entries.homework} />
      {open === "topic" && <TopicSheet spread={spread} lesson={lesson} onSave={keeping.amend} onClose={() => setOpen(undefined)} />}
      {open === "homework" && <HomeworkSheet lesson={lesson} onSave={keeping.assign} onClose={() => setOpen(undefined)} />}
    </section>
  );
}

/** A refused change of the head or of the attendance, in its place. */
export function Trouble({ entry }: { entry: Entry | undefined }) {
  if (!entry?.problem || (entry.state !== "refused" && entry.state !== "conflict")) return null;
  return (
    <div className="stack">
      <ProblemNote error={new Refused(entry.problem)} />
      <div className="row">
        {entry.state === "conflict" ? (
          <Button onPress={() => outbox.overwrite(entry.key)}>{text.keepMine}</Button>
        ) : (
          <Button onPress={() => outbox.retry(entry.key)}>{text.retryEntry}</Button>
        )}
        <Button onPress={() => outbox.discard(entry.key)}>{entry.state === "conflict" ? text.keepTheirs : text.discardEntry}</Button>
      </div>
    </div>
  );
}

function TopicSheet({ spread, lesson, onSave, onClose }: { spread: Spread; lesson: SpreadLesson; onSave: (amendment: Amendment) => void; onClose: () => void }) {
  const topics = useQuery(topicsOf(spread.page)).data ?? [];
  const [topic, setTopic] = useState(lesson.topic);
  const [no, setNo] = useState(lesson.topic_no);
  const [kind, setKind] = useState<string>(lesson.kind);
  const [hours, setHours] = useState(String(lesson.hours));
  const kinds = spread.assignments.find(({ assignment }) => assignment === lesson.assignment)?.kinds ?? [];
  const choices = Object.entries(words.lessonKind).filter(([id]) => kinds.length === 0 || (kinds as string[]).includes(id) || id === lesson.kind);
  const choose = (id: string) => {
    const chosen = topics.find(({ number }) => String(number) === id);
    setNo(chosen?.number ?? null);
    if (chosen) setTopic(chosen.title);
  };
  const save = () => {
    const wanted = { topic: topic.trim(), topic_no: no, kind, hours: Number(hours) };
    const changed = Object.entries(wanted).filter(([name, value]) => lesson[name as keyof SpreadLesson] !== value);
    if (changed.length > 0) onSave(Object.fromEntries(changed));
    onClose();
  };
  return (
    <Dialog title={text.topic} onClose={onClose}>
      {topics.length > 0 && (
        <Choice
          label={text.topicOfProgramme}
          value={no === null ? OWN : String(no)}
          onChange={choose}
          options={[{ id: OWN, name: text.ownTopic }, ...topics.map(({ number, title }) => ({ id: String(number), name: `${number}. ${title}` }))]}
        />
      )}
      <TextField label={text.topic} value={topic} onChange={setTopic} lines={2} maxLength={500} />
      <div className="lesson-pair">
        <Choice label={text.kind} value={kind} onChange={setKind} options={choices.map(([id, name]) => ({ id, name }))} />
        <NativeField label={text.hours} type="number" min={1} max={12} value={hours} onChange={setHours} />
      </div>
      <footer>
        <Button onPress={onClose}>{text.cancel}</Button>
        <Button kind="primary" onPress={save} isDisabled={!(Number(hours) >= 1 && Number(hours) <= 12)}>
          {text.save}
        </Button>
      </footer>
    </Dialog>
  );
}

function HomeworkSheet({
  lesson,
  onSave,
  onClose,
}: {
  lesson: SpreadLesson;
  onSave: (homework: string, due_on: string | null) => void;
  onClose: () => void;
}) {
  const [homework, setHomework] = useState(lesson.homework);
  const [due, setDue] = useState(lesson.due_on ?? "");
  const following = useQuery(taughtLessons(later(lesson.date, 1), ahead(lesson.date))).data;
  const next = following?.find(({ assignment, cancelled }) => assignment === lesson.assignment && !cancelled)?.date;
  return (
    <Dialog title={text.homework} onClose={onClose}>
      <TextField label={text.homework} value={homework} onChange={setHomework} lines={4} maxLength={4000} autoFocus />
      <NativeField label={text.due} type="date" value={due} min={lesson.date} onChange={setDue} />
      {next && next !== due && <Button onPress={() => setDue(next)}>{text.dueNext(day(next, "short"))}</Button>}
      <footer>
        <Button onPress={onClose}>{text.cancel}</Button>
        <Button
          kind="primary"
          onPress={() => {
            onSave(homework.trim(), due || null);
            onClose();
          }}
        >
          {text.save}
        </Button>
      </footer>
    </Dialog>
  );
}

/** Date, pair, kind: what a lesson is called. */
export function calledOf(lesson: { date: string; pair: number; kind: string }): string {
  return [day(lesson.date, "long"), text.pair(lesson.pair), word(words.lessonKind, lesson.kind)].join(" · ");
}
