/** The weekly timetable of a group: put together as a grid, then published for its period. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { got, schedule } from "../api/client";
import { useNames } from "../api/names";
import { Refused } from "../api/problem";
import { word, words } from "../domain/texts";
import { day, number } from "../format";
import { useToday } from "../shell/start";
import { Button, LinkButton } from "../ui/button";
import { Choice, NativeField } from "../ui/field";
import { Empty, Note, ProblemNote, Skeleton } from "../ui/notes";
import { notify } from "../ui/toast";
import { assignmentsOf, BELLS, GROUPS, header, PERIODS, ROOMS, timetablesOf, useChange, type Assignment, type LessonKind, type Parity, type Period, type Slot, type Timetable } from "./data";
import { FormDialog } from "./form";
import { runningOf } from "./load";
import { Part } from "./part";
import { text } from "./texts";
import { cleaned, daysOf, inForce, kindsOf, same, slotsAt } from "./week";

export default function TimetableStep() {
  const today = useToday();
  const groups = useQuery(GROUPS);
  const periods = useQuery(PERIODS);
  const [chosenGroup, setGroup] = useState("");
  const [chosenPeriod, setPeriod] = useState("");
  if (!groups.data || !periods.data) return groups.error || periods.error ? <ProblemNote error={groups.error ?? periods.error} /> : <Skeleton />;
  const withPeriods = groups.data.items.filter(({ id }) => periods.data.items.some(({ group }) => group === id));
  const group = chosenGroup || (withPeriods.length === 1 ? (withPeriods[0]?.id ?? "") : "");
  const own = periods.data.items.filter((period) => period.group === group && period.kind !== "year");
  const period = own.find(({ id }) => id === chosenPeriod) ?? runningOf(own, today);
  return (
    <Part why={text.timetable.why}>
      {withPeriods.length === 0 ? (
        <Empty title={text.periods.none} action={<LinkButton to="/setup/people">{text.step["people"]}</LinkButton>}>
          {text.load.noPeriod}
        </Empty>
      ) : (
        <>
          <div className="setup-choice">
            <Choice label={text.timetable.group} value={group} onChange={setGroup} options={withPeriods.map(({ id, title }) => ({ id, name: title }))} />
            <Choice label={text.timetable.period} value={period?.id ?? ""} onChange={setPeriod} options={own.map(({ id, title }) => ({ id, name: title }))} disabled={own.length === 0} />
          </div>
          {period ? <Planned key={period.id} group={group} period={period} /> : <Empty title={text.timetable.choose}>{text.timetable.chooseNext}</Empty>}
        </>
      )}
    </Part>
  );
}

/** The group's load and what was published, once both are there. */
function Planned({ group, period }: { group: string; period: Period }) {
  const today = useToday();
  const load = useQuery(assignmentsOf({ group, period: period.id }));
  const published = useQuery(timetablesOf(group, period.id));
  if (!load.data || !published.data) return load.error || published.error ? <ProblemNote error={load.error ?? published.error} /> : <Skeleton lines={6} />;
  if (load.data.items.length === 0) {
    return (
      <Empty title={text.timetable.noLoad} action={<LinkButton to="/setup/load">{text.step["load"]}</LinkButton>}>
        {text.timetable.noLoadNext}
      </Empty>
    );
  }
  return <Week group={group} period={period} assignments={load.data.items} published={inForce(published.data.items, today)} />;
}

type Place = { weekday: number; pair: number; slot?: Slot };

function Week({ group, period, assignments, published }: { group: string; period: Period; assignments: readonly Assignment[]; published: Timetable | undefined }) {
  const bells = useQuery(BELLS);
  const rooms = useQuery(ROOMS);
  const name = useNames(assignments.flatMap(({ teacher }) => teacher ?? []));
  const before = cleaned(published?.slots ?? [], assignments);
  const [draft, setDraft] = useState<readonly Slot[] | null>(null);
  const slots = draft ?? before;
  const changed = !same(slots, before);
  const [place, setPlace] = useState<Place | null>(null);
  const [from, setFrom] = useState("");
  const publish = useChange(
    async () =>
      (await got(
        schedule.POST("/timetables", { params: { header: header() }, body: { group, period: period.id, starts_on: from || null, slots: [...slots] } }),
      )),
    () => {
      setDraft(null);
      notify(text.timetable.published);
    },
  );
  const titleOf = (id: string) => {
    const found = assignments.find((each) => each.id === id);
    return found ? [found.code, found.title].filter(Boolean).join(" ") : "…";
  };
  const times = bells.data?.items.find(({ starts_on }) => starts_on <= period.ends_on)?.bells ?? [];
  const last = Math.max(5, ...times.map(({ pair }) => pair), ...slots.map(({ pair }) => pair));
  const pairs = times.length > 0 ? [...new Set([...times.map(({ pair }) => pair), ...slots.map(({ pair }) => pair)])].sort((a, b) => a - b) : Array.from({ length: last }, (_, n) => n + 1);
  const days = daysOf(period);
  const planned = publish.data?.hours.reduce((all, { timetabled }) => all + timetabled, 0) ?? 0;
  const over = publish.data?.warnings.map(({ assignment }) => titleOf(assignment)) ?? [];
  return (
    <div className="stack">
      <p className="soft small" role="status">
        {changed ? text.timetable.draft : published ? text.timetable.same : text.timetable.never}
      </p>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls has to be reached by keyboard */}
      <div className="setup-week" role="region" aria-label={text.step["timetable"]} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{text.year.pair}</th>
              {days.map((weekday) => (
                <th key={weekday} scope="col">
                  <abbr title={text.timetable.dayLong[weekday]}>{text.timetable.day[weekday]}</abbr>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {pairs.map((pair) => {
              const bell = times.find((each) => each.pair === pair);
              return (
                <tr key={pair}>
                  <th scope="row">
                    {text.timetable.pair(pair)}
                    {bell && <span>{`${bell.starts}–${bell.ends}`}</span>}
                  </th>
                  {days.map((weekday) => (
                    <td key={weekday}>
                      {slotsAt(slots, weekday, pair).map((slot) => {
                        const assignment = assignments.find(({ id }) => id === slot.assignment);
                        const room = rooms.data?.items.find(({ id }) => id === slot.room)?.title;
                        return (
                          <button
                            key={`${slot.assignment} ${slot.parity}`}
                            type="button"
                            className="setup-slot"
                            onClick={() => setPlace({ weekday, pair, slot })}
                          >
                            <b>{titleOf(slot.assignment)}</b>
                            <span>{[word(words.shortKind, slot.kind), assignment?.teacher && name(assignment.teacher)].filter(Boolean).join(" · ")}</span>
                            <span>{[room, assignment?.subgroup && text.timetable.subgroup(assignment.subgroup), text.timetable.shortParity[slot.parity]].filter(Boolean).join(" · ")}</span>
                            <span className="hidden">{text.timetable.slotAt(text.timetable.dayLong[weekday] ?? "", pair)}</span>
                          </button>
                        );
                      })}
                      <button
                        type="button"
                        className="setup-add"
                        aria-label={text.timetable.addAt(text.timetable.dayLong[weekday] ?? "", pair)}
                        onClick={() => setPlace({ weekday, pair })}
                      >
                        <span aria-hidden="true">+</span>
                      </button>
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <HoursOf assignments={assignments} titleOf={titleOf} />
      {publish.error !== null && (
        <>
          <ProblemNote error={publish.error} />
          <Clashes error={publish.error} />
        </>
      )}
      {publish.data && !changed && (
        <Note kind={over.length > 0 ? "warn" : "good"} title={text.timetable.published}>
          {text.timetable.publishedNext(planned / HOURS_OF_A_PAIR)}
          {over.length > 0 && ` ${text.timetable.over}: ${over.join(", ")}.`}
        </Note>
      )}
      <div className="setup-choice">
        <NativeField label={text.timetable.publishFrom} hint={text.timetable.fromHint} type="date" value={from} onChange={setFrom} min={period.starts_on} max={period.ends_on} />
      </div>
      <div className="row">
        <Button kind="primary" isDisabled={publish.isPending || (slots.length === 0 && !published)} onPress={() => publish.mutate(undefined)}>
          {text.timetable.publish}
        </Button>
        {changed && published && <Button onPress={() => setDraft(null)}>{text.timetable.undo}</Button>}
      </div>
      {place && (
        <SlotDialog
          place={place}
          assignments={assignments}
          titleOf={(assignment) => [titleOf(assignment.id), assignment.subgroup && text.timetable.subgroup(assignment.subgroup), assignment.teacher && name(assignment.teacher)].filter(Boolean).join(" · ")}
          onClose={() => setPlace(null)}
          onPut={(slot) => {
            setDraft([...slots.filter((other) => other !== place.slot), slot]);
            setPlace(null);
          }}
          onRemove={() => {
            setDraft(slots.filter((other) => other !== place.slot));
            setPlace(null);
          }}
        />
      )}
    </div>
  );
}

const HOURS_OF_A_PAIR = 2;

function HoursOf({ assignments, titleOf }: { assignments: readonly Assignment[]; titleOf: (id: string) => string }) {
  return (
    <ul className="person-lines small" aria-label={text.timetable.hours}>
      {assignments.map(({ id, subgroup, planned, timetabled }) => (
        <li key={id}>
          <span>{[titleOf(id), subgroup && text.timetable.subgroup(subgroup)].filter(Boolean).join(" · ")}</span>
          <span className="num">{text.timetable.hoursOf(timetabled, planned)}</span>
        </li>
      ))}
    </ul>
  );
}

type Met = { date: string; pair: number; what: string };
const CLASHES_SHOWN = 8;

/** Where a refused timetable meets another one (S1). */
function Clashes({ error }: { error: unknown }) {
  const met = error instanceof Refused && Array.isArray(error.problem["clashes"]) ? (error.problem["clashes"] as Met[]) : [];
  if (met.length === 0) return null;
  return (
    <Note kind="warn" title={text.timetable.clashes}>
      <ul className="setup-clashes">
        {met.slice(0, CLASHES_SHOWN).map(({ date, pair, what }, n) => (
          <li key={n}>{text.timetable.clash(day(date, "long"), pair, text.timetable.what[what] ?? what)}</li>
        ))}
        {met.length > CLASHES_SHOWN && <li>{text.timetable.more(number(met.length - CLASHES_SHOWN))}</li>}
      </ul>
    </Note>
  );
}

const KINDS = Object.keys(words.lessonKind) as LessonKind[];

function SlotDialog({ place, assignments, titleOf, onClose, onPut, onRemove }: {
  place: Place;
  assignments: readonly Assignment[];
  titleOf: (assignment: Assignment) => string;
  onClose: () => void;
  onPut: (slot: Slot) => void;
  onRemove: () => void;
}) {
  const rooms = useQuery(ROOMS);
  const only = assignments.length === 1 ? assignments[0]?.id : undefined;
  const [assignment, setAssignment] = useState(place.slot?.assignment ?? only ?? "");
  const [room, setRoom] = useState(place.slot?.room ?? "");
  const [parity, setParity] = useState<Parity>(place.slot?.parity ?? "every");
  const kinds = kindsOf(assignments.find(({ id }) => id === assignment), KINDS);
  const [chosenKind, setKind] = useState<LessonKind>(place.slot?.kind ?? "lecture");
  const kind = kinds.includes(chosenKind) ? chosenKind : (kinds[0] ?? "lecture");
  return (
    <FormDialog
      title={text.timetable.slotTitle(text.timetable.dayLong[place.weekday] ?? "", place.pair)}
      onClose={onClose}
      change={{ isPending: false, error: null }}
      submit={text.timetable.put}
      disabled={assignment === ""}
      onSubmit={() => onPut({ weekday: place.weekday, pair: place.pair, assignment, room, kind, parity, joint: place.slot?.joint ?? "" })}
    >
      <Choice label={text.timetable.assignment} value={assignment} onChange={setAssignment} options={assignments.map((each) => ({ id: each.id, name: titleOf(each) }))} required />
      <div className="pair">
        <Choice
          label={text.timetable.room}
          value={room || "none"}
          onChange={(value) => setRoom(value === "none" ? "" : value)}
          options={[{ id: "none", name: text.timetable.noRoom }, ...(rooms.data?.items ?? []).map(({ id, title, capacity }) => ({ id, name: `${title} (${capacity})` }))]}
        />
        <Choice label={text.timetable.kind} value={kind} onChange={(value) => setKind(value as LessonKind)} options={kinds.map((id) => ({ id, name: word(words.lessonKind, id) }))} />
      </div>
      <Choice label={text.timetable.parity} value={parity} onChange={(value) => setParity(value as Parity)} options={Object.entries(text.timetable.parities).map(([id, name]) => ({ id, name }))} />
      {place.slot && (
        <div>
          <Button kind="danger" onPress={onRemove}>
            {text.timetable.remove}
          </Button>
        </div>
      )}
    </FormDialog>
  );
}
