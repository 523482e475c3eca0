/** A lesson beside the grid: topic, homework, kind and hours; everybody present; blanks filled in one step. */

import { useState } from "react";
import { Link } from "wouter";
import { useNames } from "../api/names";
import { word, words } from "../domain/texts";
import { day } from "../format";
import { Head } from "../lesson/head";
import { useKeeping } from "../lesson/keeping";
import { barredFrom, usualWork } from "../lesson/lesson-state";
import { BarredNote } from "../lesson/parts";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Choice } from "../ui/field";
import { Note } from "../ui/notes";
import { notify } from "../ui/toast";
import { blanks, type Entries } from "./grid-state";
import type { Keeping } from "./keeping";
import type { Spread, SpreadStudent, Value, Work } from "./spread";
import { text } from "./texts";

const VALUES = ["5", "4", "3", "2", "pass", "fail"] as const;

export function LessonPanel({
  spread,
  keeping,
  lesson: id,
  students,
  entries,
  today,
  work,
  readOnly,
  onClose,
}: {
  spread: Spread;
  keeping: Keeping;
  lesson: string;
  students: readonly SpreadStudent[];
  entries: Entries;
  today: string;
  work: Work | "";
  readOnly: boolean;
  onClose: () => void;
}) {
  const kept = useKeeping(spread, id);
  const name = useNames(kept ? [kept.lesson.taught_by] : []);
  const [value, setValue] = useState<Value>("5");
  if (!kept) return null;
  const { lesson } = kept;
  const barred = barredFrom(spread, lesson, today);
  const empty = blanks(spread, students, lesson, entries, today);
  const locked = readOnly || barred !== undefined;
  return (
    <Dialog title={text.lessonHead(day(lesson.date, "long"), lesson.pair, word(words.lessonKind, lesson.kind))} onClose={onClose} side>
      {barred && !readOnly && <BarredNote why={barred} />}
      <p className="soft">{`${text.taught}: ${name(lesson.taught_by)}`}</p>
      <Head spread={spread} keeping={kept} locked={locked} />
      {!locked && (
        <div className="panel stack">
          <div className="row">
            <Button
              onPress={() => {
                keeping.attend(lesson, []);
                onClose();
              }}
            >
              {text.allPresent}
            </Button>
            <Link className="button" to={`/journal/${spread.page.id}/lessons/${id}`}>
              {text.toLesson}
            </Link>
          </div>
          {empty.length === 0 ? (
            <Note>{text.fillNobody}</Note>
          ) : (
            <div className="row">
              <Choice label={text.fill} value={value} onChange={(chosen) => setValue(chosen as Value)} options={VALUES.map((each) => ({ id: each, name: word(words.value, each) }))} />
              <Button
                onPress={() => {
                  keeping.writeAll(empty.map((student) => ({ lesson, student, written: { value, work: work || usualWork(lesson.kind) } })));
                  notify(text.filled(empty.length));
                  onClose();
                }}
              >
                {`${text.fillWith(word(words.value, value))}: ${empty.length}`}
              </Button>
            </div>
          )}
        </div>
      )}
    </Dialog>
  );
}
