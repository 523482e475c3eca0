/** The academic year, the bells and the rooms: what everything else of the schedule stands on. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { got, schedule } from "../api/client";
import { day } from "../format";
import { useToday } from "../shell/start";
import { Button } from "../ui/button";
import { NativeField, TextField } from "../ui/field";
import { List } from "../ui/list";
import { Empty, ProblemNote } from "../ui/notes";
import { Loaded } from "../ui/page";
import { notify } from "../ui/toast";
import { BELLS, header, ROOMS, useChange, YEARS, type Bell, type Bells } from "./data";
import { Form, FormDialog } from "./form";
import { Part } from "./part";
import { Paste } from "./paste";
import { usualYear } from "./steps";
import { wholeFrom, type Field, type Row } from "./table";
import { text } from "./texts";

export default function YearStep() {
  return (
    <>
      <Years />
      <BellTimes />
      <Rooms />
    </>
  );
}

// -- the year -----------------------------------------------------------------------------------------------------

function Years() {
  const query = useQuery(YEARS);
  const [open, setOpen] = useState(false);
  return (
    <Part title={text.year.title} why={text.year.why} actions={query.data?.total ? <Button onPress={() => setOpen(true)}>{text.year.another}</Button> : undefined}>
      <Loaded query={query} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <>
              <Empty title={text.year.none}>{text.year.noneNext}</Empty>
              <NewYear onDone={() => undefined} />
            </>
          ) : (
            <List
              label={text.year.title}
              rows={items}
              rowKey={({ id }) => id}
              search={items.length > 5}
              empty={null}
              csv="/api/schedule/years?format=csv"
              sort={{ key: "starts", down: true }}
              columns={[
                { key: "title", title: text.year.name, value: ({ title }) => title, cell: ({ title }) => title },
                { key: "starts", title: text.year.starts, value: ({ starts_on }) => starts_on, cell: ({ starts_on }) => day(starts_on) },
                { key: "ends", title: text.year.ends, value: ({ ends_on }) => ends_on, cell: ({ ends_on }) => day(ends_on) },
              ]}
            />
          )
        }
      </Loaded>
      {open && <NewYear dialog onDone={() => setOpen(false)} />}
    </Part>
  );
}

function NewYear({ dialog = false, onDone }: { dialog?: boolean; onDone: () => void }) {
  const usual = usualYear(useToday());
  const [title, setTitle] = useState(usual.title);
  const [starts, setStarts] = useState(usual.starts_on);
  const [ends, setEnds] = useState(usual.ends_on);
  const change = useChange(
    async (body: { title: string; starts_on: string; ends_on: string }) => got(schedule.POST("/years", { params: { header: header() }, body })),
    () => {
      notify(text.year.added);
      onDone();
    },
  );
  const fields = (
    <>
      <TextField label={text.year.name} value={title} onChange={setTitle} required maxLength={100} />
      <div className="pair">
        <NativeField label={text.year.starts} type="date" value={starts} onChange={setStarts} required />
        <NativeField label={text.year.ends} type="date" value={ends} onChange={setEnds} required min={starts} />
      </div>
    </>
  );
  const form = { change, submit: text.year.add, onSubmit: () => change.mutate({ title, starts_on: starts, ends_on: ends }) };
  return dialog ? (
    <FormDialog title={text.year.another} onClose={onDone} {...form}>
      {fields}
    </FormDialog>
  ) : (
    <Form {...form}>{fields}</Form>
  );
}

// -- bells --------------------------------------------------------------------------------------------------------

const USUAL: readonly Bell[] = [
  { pair: 1, starts: "08:30", ends: "10:05" },
  { pair: 2, starts: "10:15", ends: "11:50" },
  { pair: 3, starts: "12:20", ends: "13:55" },
  { pair: 4, starts: "14:05", ends: "15:40" },
  { pair: 5, starts: "15:50", ends: "17:25" },
];

function BellTimes() {
  const query = useQuery(BELLS);
  const [open, setOpen] = useState(false);
  const said = ({ bells }: Bells) => bells.map(({ pair, starts, ends }) => `${pair}: ${starts}–${ends}`).join(" · ");
  return (
    <Part title={text.year.bells} why={text.year.bellsWhy} actions={<Button onPress={() => setOpen(true)}>{text.year.setBells}</Button>}>
      <Loaded query={query} lines={2}>
        {({ items }) => (
          <List
            label={text.year.bells}
            rows={items}
            rowKey={({ starts_on }) => starts_on}
            search={items.length > 5}
            empty={<Empty title={text.year.noBells}>{text.year.noBellsNext}</Empty>}
            columns={[
              { key: "from", title: text.year.bellsFrom, value: ({ starts_on }) => starts_on, cell: ({ starts_on }) => day(starts_on) },
              { key: "bells", title: text.year.bells, cell: said },
              { key: "n", title: text.year.pair, end: true, value: ({ bells }) => bells.length, cell: ({ bells }) => text.year.pairs(bells.length) },
            ]}
          />
        )}
      </Loaded>
      {open && query.data && <SetBells before={query.data.items[0]} onClose={() => setOpen(false)} />}
    </Part>
  );
}

function SetBells({ before, onClose }: { before: Bells | undefined; onClose: () => void }) {
  const today = useToday();
  const [from, setFrom] = useState(before ? today : usualYear(today).starts_on);
  const [bells, setBells] = useState<readonly Bell[]>(before?.bells ?? USUAL);
  const change = useChange(
    async (body: { starts_on: string; bells: Bell[] }) => got(schedule.PUT("/bells", { params: { header: header() }, body })),
    () => {
      notify(text.year.bellsSet);
      onClose();
    },
  );
  const set = (pair: number, time: Partial<Bell>) => setBells(bells.map((bell) => (bell.pair === pair ? { ...bell, ...time } : bell)));
  const last = bells.at(-1);
  return (
    <FormDialog title={text.year.setBells} onClose={onClose} change={change} submit={text.year.setBells} onSubmit={() => change.mutate({ starts_on: from, bells: [...bells] })}>
      <NativeField label={text.year.bellsFrom} type="date" value={from} onChange={setFrom} required />
      <div className="setup-bells">
        {bells.map(({ pair, starts, ends }) => (
          <div key={pair}>
            <span className="number">{text.timetable.pair(pair)}</span>
            <NativeField label={text.year.from} type="time" value={starts} onChange={(time) => set(pair, { starts: time })} required />
            <NativeField label={text.year.to} type="time" value={ends} onChange={(time) => set(pair, { ends: time })} required />
            {pair === last?.pair && bells.length > 1 ? (
              <Button kind="quiet" aria-label={text.year.drop} onPress={() => setBells(bells.slice(0, -1))}>
                <span aria-hidden="true">✕</span>
              </Button>
            ) : (
              <span />
            )}
          </div>
        ))}
      </div>
      <div>
        <Button isDisabled={bells.length >= 14} onPress={() => setBells([...bells, { pair: (last?.pair ?? 0) + 1, starts: "", ends: "" }])}>
          {text.year.addPair}
        </Button>
      </div>
    </FormDialog>
  );
}

// -- rooms --------------------------------------------------------------------------------------------------------

const ROOM_FIELDS: readonly Field[] = [
  { key: "title", title: text.year.room, required: true },
  { key: "capacity", title: text.year.capacity, required: true, read: wholeFrom },
  { key: "kind", title: text.year.roomKind },
];

type NewRoom = { title: string; capacity: number; kind: string };
const addRoom = async (body: NewRoom) => got(schedule.POST("/rooms", { params: { header: header() }, body }));

function Rooms() {
  const query = useQuery(ROOMS);
  const [open, setOpen] = useState(false);
  const [pasting, setPasting] = useState(false);
  const take = useChange(
    async (rows: readonly Row[]) => {
      let answer: { position?: string } = {};
      for (const { cells } of rows) answer = await addRoom({ title: cells["title"] ?? "", capacity: Number(cells["capacity"]), kind: cells["kind"] ?? "" });
      return answer;
    },
    (_, rows) => {
      notify(text.paste.taken(rows.length));
      setPasting(false);
    },
  );
  return (
    <Part
      title={text.year.rooms}
      why={text.year.roomsWhy}
      actions={
        <>
          <Button onPress={() => setOpen(true)}>{text.year.addRoom}</Button>
          <Button onPress={() => setPasting(!pasting)}>{pasting ? text.people.hide : text.year.pasteRooms}</Button>
        </>
      }
    >
      {pasting && <Paste fields={ROOM_FIELDS} busy={take.isPending} onTake={(rows) => take.mutate(rows)} />}
      {take.error !== null && <ProblemNote error={take.error} />}
      <Loaded query={query}>
        {({ items }) => (
          <List
            label={text.year.rooms}
            rows={items}
            rowKey={({ id }) => id}
            csv="/api/schedule/rooms?format=csv"
            search={items.length > 5}
            empty={<Empty title={text.year.noRooms}>{text.year.noRoomsNext}</Empty>}
            sort={{ key: "title" }}
            columns={[
              { key: "title", title: text.year.room, value: ({ title }) => title, cell: ({ title }) => title },
              { key: "kind", title: text.year.roomKind, value: ({ kind }) => kind, cell: ({ kind }) => kind || "—" },
              { key: "capacity", title: text.year.capacity, end: true, value: ({ capacity }) => capacity, cell: ({ capacity }) => capacity },
            ]}
          />
        )}
      </Loaded>
      {open && <NewRoomDialog onClose={() => setOpen(false)} />}
    </Part>
  );
}

function NewRoomDialog({ onClose }: { onClose: () => void }) {
  const [title, setTitle] = useState("");
  const [capacity, setCapacity] = useState("30");
  const [kind, setKind] = useState("");
  const change = useChange(addRoom, () => {
    notify(text.year.roomAdded);
    onClose();
  });
  return (
    <FormDialog title={text.year.addRoom} onClose={onClose} change={change} submit={text.year.addRoom} onSubmit={() => change.mutate({ title, capacity: Number(capacity), kind })}>
      <TextField label={text.year.room} value={title} onChange={setTitle} required maxLength={40} autoFocus />
      <div className="pair">
        <NativeField label={text.year.capacity} type="number" min={1} max={2000} value={capacity} onChange={setCapacity} required />
        <TextField label={text.year.roomKind} hint={text.year.roomKindHint} value={kind} onChange={setKind} maxLength={40} />
      </div>
    </FormDialog>
  );
}
