/** The academic calendars of groups: halves of a year for many groups at once, or a single period. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { got, schedule } from "../api/client";
import { word, words } from "../domain/texts";
import { day } from "../format";
import { useToday } from "../shell/start";
import { Button, LinkButton } from "../ui/button";
import { Checkbox, Choice, NativeField, TextField } from "../ui/field";
import { List } from "../ui/list";
import { Empty, Note } from "../ui/notes";
import { Loaded } from "../ui/page";
import { notify } from "../ui/toast";
import { GROUPS, header, PERIODS, useChange, YEARS, type Group, type Period, type Year } from "./data";
import { FormDialog } from "./form";
import { Part } from "./part";
import { halvesOf } from "./steps";
import { dayFrom } from "./table";
import { text } from "./texts";

export function Periods() {
  const periods = useQuery(PERIODS);
  const groups = useQuery(GROUPS);
  const years = useQuery(YEARS);
  const [open, setOpen] = useState<"halves" | "one" | null>(null);
  const title = (id: string) => groups.data?.items.find((group) => group.id === id)?.title ?? "…";
  const missing = groups.data?.items.filter(({ id }) => !periods.data?.items.some(({ group }) => group === id)) ?? [];
  const ready = Boolean(groups.data?.total && years.data?.total);
  return (
    <Part
      title={text.periods.title}
      why={text.periods.why}
      actions={
        ready && (
          <>
            <Button onPress={() => setOpen("halves")} {...(missing.length > 0 && { kind: "primary" as const })}>
              {text.periods.halves}
            </Button>
            <Button onPress={() => setOpen("one")}>{text.periods.one}</Button>
          </>
        )
      }
    >
      {years.data?.total === 0 && <Empty title={text.periods.noYear} action={<LinkButton to="/setup/year">{text.step["year"]}</LinkButton>} />}
      {years.data?.total !== 0 && groups.data?.total === 0 && <Empty title={text.periods.noGroups} />}
      {ready && periods.data && missing.length > 0 && <Note kind="warn">{`${text.periods.without(missing.length)}: ${missing.slice(0, 12).map((group) => group.title).join(", ")}`}</Note>}
      {ready && (
        <Loaded query={periods}>
          {({ items }) => (
            <List
              label={text.periods.title}
              rows={items}
              rowKey={({ id }) => id}
              csv="/api/schedule/periods?format=csv"
              search={items.length > 5}
              empty={<Empty title={text.periods.none}>{text.periods.noneNext}</Empty>}
              columns={[
                { key: "group", title: text.periods.group, value: ({ group }) => title(group), cell: ({ group }) => title(group) },
                { key: "title", title: text.periods.period, value: (row) => row.title, cell: (row) => row.title },
                { key: "kind", title: text.periods.kind, value: ({ kind }) => word(words.periodKind, kind), cell: ({ kind }) => word(words.periodKind, kind) },
                { key: "starts", title: text.year.starts, value: ({ starts_on }) => starts_on, cell: ({ starts_on }) => day(starts_on) },
                { key: "ends", title: text.year.ends, value: ({ ends_on }) => ends_on, cell: ({ ends_on }) => day(ends_on) },
              ]}
            />
          )}
        </Loaded>
      )}
      {open && groups.data && years.data && (
        <NewPeriods halves={open === "halves"} groups={groups.data.items} years={years.data.items} missing={missing} onClose={() => setOpen(null)} />
      )}
    </Part>
  );
}

type Wish = Omit<Period, "id">;

function NewPeriods({ halves, groups, years, missing, onClose }: {
  halves: boolean;
  groups: readonly Group[];
  years: readonly Year[];
  missing: readonly Group[];
  onClose: () => void;
}) {
  const today = useToday();
  const running = years.find(({ starts_on, ends_on }) => starts_on <= today && today <= ends_on) ?? years.at(-1);
  const [yearId, setYearId] = useState(running?.id ?? "");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set((missing.length > 0 ? missing : halves ? groups : []).map(({ id }) => id)));
  const [saturday, setSaturday] = useState(true);
  const [off, setOff] = useState("");
  const [title, setTitle] = useState("");
  const [kind, setKind] = useState<Wish["kind"]>("semester");
  const [starts, setStarts] = useState(running?.starts_on ?? today);
  const [ends, setEnds] = useState(running?.ends_on ?? today);
  const [made, setMade] = useState(0);
  const year = years.find(({ id }) => id === yearId);
  const spans = year ? halvesOf(year) : [];
  const days = off.split(/[\s,;]+/).filter(Boolean);
  const badDay = days.find((said) => dayFrom(said) === null);
  const wishes = [...chosen].flatMap((group): Wish[] => {
    const common = { year: yearId, group, weekend: saturday ? [7] : [6, 7] };
    const within = (from: string, to: string) => days.flatMap((said) => dayFrom(said) ?? []).filter((iso) => from <= iso && iso <= to);
    return halves
      ? spans.map((span, n) => ({ ...common, ...span, kind: "semester", title: text.periods.half(n + 1), holidays: within(span.starts_on, span.ends_on) }))
      : [{ ...common, kind, title, starts_on: starts, ends_on: ends, holidays: within(starts, ends) }];
  });
  const change = useChange(
    async (wanted: readonly Wish[]) => {
      let answer: { position?: string } = {};
      for (const [n, body] of wanted.entries()) {
        setMade(n + 1);
        answer = await got(schedule.PUT("/periods/{period}", { params: { path: { period: crypto.randomUUID() }, header: header() }, body }));
      }
      return answer;
    },
    () => {
      notify(text.periods.made(chosen.size));
      onClose();
    },
  );
  const toggle = (id: string, on: boolean) => setChosen(new Set(on ? [...chosen, id] : [...chosen].filter((other) => other !== id)));
  const [first, second] = spans.map(({ starts_on, ends_on }) => `${day(starts_on)} – ${day(ends_on)}`);
  return (
    <FormDialog
      title={halves ? text.periods.halves : text.periods.one}
      onClose={onClose}
      change={change}
      submit={change.isPending ? text.periods.making(made, wishes.length) : halves ? text.periods.halves : text.periods.one}
      disabled={wishes.length === 0 || badDay !== undefined}
      onSubmit={() => change.mutate(wishes)}
    >
      <Choice label={text.periods.year} value={yearId} onChange={setYearId} options={years.map(({ id, title: name }) => ({ id, name }))} required />
      {halves ? (
        first && second && <Note>{text.periods.halvesAre(first, second)}</Note>
      ) : (
        <>
          <TextField label={text.periods.period} value={title} onChange={setTitle} required maxLength={100} />
          <Choice
            label={text.periods.kind}
            value={kind}
            onChange={(value) => setKind(value as Wish["kind"])}
            options={Object.entries(words.periodKind).map(([id, name]) => ({ id, name }))}
          />
          <div className="pair">
            <NativeField label={text.year.starts} type="date" value={starts} onChange={setStarts} required />
            <NativeField label={text.year.ends} type="date" value={ends} onChange={setEnds} required min={starts} />
          </div>
        </>
      )}
      <fieldset className="setup-checks">
        <legend>{text.periods.forGroups}</legend>
        {groups.length > 1 && (
          <Checkbox label={text.periods.all} checked={chosen.size === groups.length} onChange={(on) => setChosen(new Set(on ? groups.map(({ id }) => id) : []))} />
        )}
        {groups.map(({ id, title: name }) => (
          <Checkbox key={id} label={name} checked={chosen.has(id)} onChange={(on) => toggle(id, on)} />
        ))}
      </fieldset>
      <Checkbox label={text.periods.six} checked={saturday} onChange={setSaturday} />
      <TextField label={text.periods.holidays} hint={text.periods.holidaysHint} value={off} onChange={setOff} wrong={badDay && text.periods.holidaysWrong(badDay)} />
    </FormDialog>
  );
}
