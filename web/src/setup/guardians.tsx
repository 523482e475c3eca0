/** Parents and other guardians of a student: linked, carried beyond the 18th birthday, ended. */

import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { Link } from "wouter";
import { got, identity } from "../api/client";
import { useToday } from "../shell/start";
import { Button } from "../ui/button";
import { Choice, NativeField, TextField } from "../ui/field";
import { Badge, Empty } from "../ui/notes";
import { notify } from "../ui/toast";
import { header, peopleOf, useChange, type Card, type GuardianLink } from "./data";
import { FormDialog } from "./form";
import { NameFields, NAMELESS } from "./newperson";
import type { Rights } from "./rights";
import { spanOf } from "./roles";
import { text } from "./texts";

type Asked = { what: "link" } | { what: "extend" | "unlink"; of: GuardianLink };

export function Guardians({ card, rights }: { card: Card; rights: Rights }) {
  const today = useToday();
  const [asked, setAsked] = useState<Asked | null>(null);
  const links = card.guardians ?? [];
  const close = () => setAsked(null);
  return (
    <section className="panel">
      <div className="row spread">
        <h2>{text.person.guardians}</h2>
        {rights.care && <Button onPress={() => setAsked({ what: "link" })}>{text.person.link}</Button>}
      </div>
      <p className="soft small">{text.person.until18}</p>
      {links.length === 0 && <Empty title={text.person.noGuardians}>{text.person.noGuardiansNext}</Empty>}
      <ul className="person-lines">
        {links.map((of) => {
          const over = of.unlinked || (of.ends_on !== null && of.ends_on < today);
          return (
            <li key={of.link}>
              <span>
                <span className="row">
                  <Link to={`/people/${of.guardian}`}>{of.name}</Link>
                  {over && <Badge kind="warn">{text.person.ended}</Badge>}
                </span>
                <span className="soft small">{[of.phone, spanOf(of), text.person.by[of.basis]].filter(Boolean).join(" · ")}</span>
              </span>
              {rights.care && !of.unlinked && (
                <span className="row">
                  {of.ends_on !== null && (
                    <Button small onPress={() => setAsked({ what: "extend", of })}>
                      {text.person.extend}
                    </Button>
                  )}
                  {!over && (
                    <Button small kind="danger" onPress={() => setAsked({ what: "unlink", of })}>
                      {text.person.unlink}
                      <span className="hidden">{`: ${of.name}`}</span>
                    </Button>
                  )}
                </span>
              )}
            </li>
          );
        })}
      </ul>
      {asked?.what === "link" && <LinkDialog card={card} onClose={close} />}
      {asked?.what === "extend" && <Extend card={card} of={asked.of} onClose={close} />}
      {asked?.what === "unlink" && <Unlink card={card} of={asked.of} onClose={close} />}
    </section>
  );
}

function LinkDialog({ card, onClose }: { card: Card; onClose: () => void }) {
  const [how, setHow] = useState("new");
  const [names, setNames] = useState(NAMELESS);
  const [typed, setTyped] = useState("");
  const wanted = useDeferredValue(typed.trim());
  const [guardian, setGuardian] = useState("");
  const found = useQuery({ ...peopleOf({ text: wanted, limit: 20 }), enabled: how === "old" && wanted.length >= 2 });
  const change = useChange(
    async () => {
      if (how === "old") return got(identity.POST("/people/{student}/guardians", { params: { path: { student: card.id }, header: header() }, body: { guardian, basis: "", document: "" } }));
      const body = { ...names, birth_date: names.birth_date || null, guardian_of: card.id };
      return got(identity.POST("/people", { params: { header: header() }, body }));
    },
    () => {
      notify(text.person.linked);
      onClose();
    },
  );
  return (
    <FormDialog title={text.person.linkTitle} onClose={onClose} change={change} submit={text.person.link} disabled={how === "old" && guardian === ""} onSubmit={() => change.mutate(undefined)}>
      <Choice
        label={text.person.linkTitle}
        value={how}
        onChange={setHow}
        options={[
          { id: "new", name: text.person.linkNew },
          { id: "old", name: text.person.linkOld },
        ]}
      />
      {how === "new" ? (
        <NameFields value={names} onChange={setNames} />
      ) : (
        <>
          <TextField label={text.person.find} value={typed} onChange={setTyped} type="search" />
          <Choice
            label={text.people.name}
            value={guardian}
            onChange={setGuardian}
            options={(found.data?.items ?? []).filter(({ id }) => id !== card.id).map(({ id, name }) => ({ id, name }))}
            required
          />
        </>
      )}
    </FormDialog>
  );
}

function Extend({ card, of, onClose }: { card: Card; of: GuardianLink; onClose: () => void }) {
  const [document, setDocument] = useState("");
  const [ends, setEnds] = useState("");
  const change = useChange(
    async () =>
      got(
        identity.PATCH("/people/{student}/guardians/{link}", {
          params: { path: { student: card.id, link: of.link }, header: header() },
          body: { basis: "document", document, ends_on: ends || null },
        }),
      ),
    () => {
      notify(text.person.extended);
      onClose();
    },
  );
  return (
    <FormDialog title={text.person.extendTitle} onClose={onClose} change={change} submit={text.person.extend} onSubmit={() => change.mutate(undefined)}>
      <p>{of.name}</p>
      <TextField label={text.person.document} value={document} onChange={setDocument} required maxLength={200} />
      <NativeField label={text.person.ends} type="date" value={ends} onChange={setEnds} />
    </FormDialog>
  );
}

function Unlink({ card, of, onClose }: { card: Card; of: GuardianLink; onClose: () => void }) {
  const change = useChange(
    async () => got(identity.DELETE("/people/{student}/guardians/{link}", { params: { path: { student: card.id, link: of.link }, header: header() } })),
    () => {
      notify(text.person.unlinked);
      onClose();
    },
  );
  return (
    <FormDialog title={text.person.unlink} onClose={onClose} change={change} submit={text.person.unlink} danger onSubmit={() => change.mutate(undefined)}>
      <p>{text.person.unlinkSure(of.name)}</p>
    </FormDialog>
  );
}
