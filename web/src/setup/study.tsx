/** A student's groups over the years, with the status in each; enrolling, moving and changing the status by order. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { got, identity } from "../api/client";
import { word, words } from "../domain/texts";
import { day } from "../format";
import { useToday } from "../shell/start";
import { Button } from "../ui/button";
import { Choice, NativeField, TextField } from "../ui/field";
import { Badge, Empty } from "../ui/notes";
import { notify } from "../ui/toast";
import { GROUPS, header, useChange, type Card, type Enrolment } from "./data";
import { FormDialog } from "./form";
import type { Rights } from "./rights";
import { spanOf } from "./roles";
import { text } from "./texts";

type Status = "studying" | "academic_leave" | "individual_plan" | "extramural" | "extern" | "withdrawn" | "graduated";
type Asked = { what: "enrol" } | { what: "transfer" | "status"; of: Enrolment };

export function Study({ card, rights }: { card: Card; rights: Rights }) {
  const today = useToday();
  const [asked, setAsked] = useState<Asked | null>(null);
  const enrolments = [...(card.enrolments ?? [])].reverse();
  const running = ({ ends_on }: Enrolment) => ends_on === null || ends_on >= today;
  const close = () => setAsked(null);
  return (
    <section className="panel">
      <div className="row spread">
        <h2>{text.person.enrolments}</h2>
        {rights.enrol && <Button onPress={() => setAsked({ what: "enrol" })}>{text.person.enrol}</Button>}
      </div>
      {enrolments.length === 0 && <Empty title={text.person.noEnrolments}>{text.person.noEnrolmentsNext}</Empty>}
      <ul className="person-lines">
        {enrolments.map((of) => (
          <li key={of.enrolment}>
            <span>
              <span className="row">
                <b>{of.title}</b>
                {running(of) && <Badge kind="info">{word(words.status, of.statuses.at(-1)?.status ?? "studying")}</Badge>}
              </span>
              <span className="soft small">{[spanOf(of), of.order_no && text.person.orderShort(of.order_no)].filter(Boolean).join(", ")}</span>
              {of.statuses.map((status) => (
                <span key={`${status.status} ${status.on}`} className="soft small">
                  {[word(words.status, status.status), text.person.since(day(status.on)), status.order_no && text.person.orderShort(status.order_no)].filter(Boolean).join(", ")}
                </span>
              ))}
            </span>
            {rights.enrol && running(of) && (
              <span className="row">
                <Button small onPress={() => setAsked({ what: "transfer", of })}>
                  {text.person.transfer}
                </Button>
                <Button small onPress={() => setAsked({ what: "status", of })}>
                  {text.person.status}
                </Button>
              </span>
            )}
          </li>
        ))}
      </ul>
      {asked?.what === "enrol" && <Enrol card={card} onClose={close} />}
      {asked?.what === "transfer" && <Transfer card={card} of={asked.of} onClose={close} />}
      {asked?.what === "status" && <SetStatus card={card} of={asked.of} onClose={close} />}
    </section>
  );
}

function useOrder() {
  const today = useToday();
  const [on, setOn] = useState(today);
  const [order, setOrder] = useState("");
  const fields = (
    <div className="pair">
      <NativeField label={text.person.on} type="date" value={on} onChange={setOn} required />
      <TextField label={text.person.order} value={order} onChange={setOrder} maxLength={50} />
    </div>
  );
  return { on, order, fields };
}

function useGroupChoice(without?: string) {
  const groups = useQuery(GROUPS);
  const [group, setGroup] = useState("");
  const options = (groups.data?.items ?? []).filter(({ id }) => id !== without).map(({ id, title }) => ({ id, name: title }));
  return { group, field: <Choice label={text.person.toGroup} value={group} onChange={setGroup} options={options} required /> };
}

function Enrol({ card, onClose }: { card: Card; onClose: () => void }) {
  const { on, order, fields } = useOrder();
  const { group, field } = useGroupChoice();
  const change = useChange(
    async () => got(identity.POST("/groups/{group}/students", { params: { path: { group }, header: header() }, body: { student: card.id, starts_on: on, order_no: order } })),
    () => {
      notify(text.person.enrolled);
      onClose();
    },
  );
  return (
    <FormDialog title={text.person.enrol} onClose={onClose} change={change} submit={text.person.enrol} disabled={!group} onSubmit={() => change.mutate(undefined)}>
      {field}
      {fields}
    </FormDialog>
  );
}

function Transfer({ card, of, onClose }: { card: Card; of: Enrolment; onClose: () => void }) {
  const { on, order, fields } = useOrder();
  const { group, field } = useGroupChoice(of.group);
  const change = useChange(
    async () =>
      got(
        identity.POST("/people/{student}/transfers", {
          params: { path: { student: card.id }, header: header() },
          body: { from_group: of.group, to_group: group, on, order_no: order },
        }),
      ),
    () => {
      notify(text.person.transferred);
      onClose();
    },
  );
  return (
    <FormDialog title={text.person.transferTitle(of.title)} onClose={onClose} change={change} submit={text.person.transfer} disabled={!group} onSubmit={() => change.mutate(undefined)}>
      {field}
      {fields}
    </FormDialog>
  );
}

function SetStatus({ card, of, onClose }: { card: Card; of: Enrolment; onClose: () => void }) {
  const { on, order, fields } = useOrder();
  const [status, setStatus] = useState<Status>("academic_leave");
  const change = useChange(
    async () =>
      got(
        identity.POST("/people/{student}/statuses", { params: { path: { student: card.id }, header: header() }, body: { group: of.group, status, on, order_no: order } }),
      ),
    () => {
      notify(text.person.statusSet);
      onClose();
    },
  );
  return (
    <FormDialog title={text.person.statusTitle} onClose={onClose} change={change} submit={text.person.status} onSubmit={() => change.mutate(undefined)}>
      <Choice
        label={text.person.status}
        value={status}
        onChange={(value) => setStatus(value as Status)}
        options={Object.entries(words.status).map(([id, name]) => ({ id, name }))}
        required
      />
      {fields}
    </FormDialog>
  );
}
