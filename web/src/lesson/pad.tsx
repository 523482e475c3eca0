/** The pad in the zone of the thumb: a grade for the chosen student by one tap, then the next one. */

import { useState } from "react";
import { word, words } from "../domain/texts";
import type { Value, Work } from "../journal/spread";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Checkbox, Choice, NativeField } from "../ui/field";
import type { NamedRow } from "./keeping";
import { isAbsent } from "./lesson-state";
import { BarredNote, Marks, missedOf } from "./parts";
import { text } from "./texts";

export type Habits = { work: Work; advance: boolean; pass: boolean };

const NUMBERS: readonly Value[] = ["5", "4", "3", "2", "."];
const PASSES: readonly Value[] = ["pass", "fail", "."];

export function Pad({
  row,
  hours,
  today,
  from,
  habits,
  onHabits,
  onGrade,
  onErase,
  onDetails,
  onStep,
  onUndo,
  onClose,
}: {
  row: NamedRow;
  hours: number;
  today: string;
  /** The day of the lesson: a make-up is not before it. */
  from: string;
  habits: Habits;
  onHabits: (habits: Habits) => void;
  onGrade: (value: Value, makeup_on?: string) => void;
  onErase: () => void;
  onDetails: () => void;
  onStep: (step: 1 | -1) => void;
  onUndo: (() => void) | undefined;
  onClose: () => void;
}) {
  const [settings, setSettings] = useState(false);
  const [day, setDay] = useState(today);
  const away = isAbsent(row.missed, hours);
  return (
    <section className="lesson-pad" aria-label={text.marksOf(row.name)}>
      <div className="top">
        <span className="who" role="status">
          <span className="hidden">{text.choosing(row.name)}</span>
          <b aria-hidden="true">{row.name}</b>
          <span className="small soft">{missedOf(row.missed, hours) || word(words.work, habits.work)}</span>
        </span>
        <Marks cell={row.cell} />
        <button type="button" className="plain" aria-label={text.settings} onClick={() => setSettings(true)}>
          <span aria-hidden="true">⋯</span>
        </button>
        <button type="button" className="plain" aria-label={text.close} onClick={onClose}>
          <span aria-hidden="true">✕</span>
        </button>
      </div>
      {row.lock && <BarredNote why="final" />}
      {away && !row.lock && (
        <div className="makeup">
          <p className="small">{text.makeup(row.name)}</p>
          <NativeField label={text.makeupOn} type="date" value={day} min={from} max={today} onChange={setDay} />
        </div>
      )}
      <div className={habits.pass ? "keys words" : "keys"}>
        {(habits.pass ? PASSES : NUMBERS).map((value) => (
          <button key={value} type="button" className="key" disabled={Boolean(row.lock)} onClick={() => onGrade(value, away && value !== "." ? day : undefined)}>
            {word(words.value, value)}
          </button>
        ))}
      </div>
      <div className="steps">
        <button type="button" onClick={() => onStep(-1)}>
          <span aria-hidden="true">↑</span>
          <span className="hidden">{text.previous}</span>
        </button>
        <button type="button" disabled={!onUndo} onClick={onUndo}>
          {text.undo}
        </button>
        <button type="button" disabled={row.cell.grades.length === 0 || Boolean(row.lock)} onClick={onErase}>
          {text.erase}
        </button>
        <button type="button" className="next" onClick={() => onStep(1)}>
          {text.following}
          <span aria-hidden="true">↓</span>
        </button>
      </div>
      {settings && (
        <Dialog title={text.settings} onClose={() => setSettings(false)}>
          <Choice
            label={text.work}
            value={habits.work}
            onChange={(work) => onHabits({ ...habits, work: work as Work })}
            options={Object.entries(words.work).map(([id, name]) => ({ id, name }))}
          />
          <Checkbox label={text.advance} checked={habits.advance} onChange={(advance) => onHabits({ ...habits, advance })} />
          <Checkbox label={text.scale} checked={habits.pass} onChange={(pass) => onHabits({ ...habits, pass })} />
          <Button
            onPress={() => {
              setSettings(false);
              onDetails();
            }}
          >
            {text.absenceOf(row.name)}
          </Button>
          <footer>
            <Button kind="primary" onPress={() => setSettings(false)}>
              {text.close}
            </Button>
          </footer>
        </Dialog>
      )}
    </section>
  );
}
