/** A person's card: data, access, roles, groups, guardians and children, with what the reader may do about each. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams } from "wouter";
import { got, identity } from "../api/client";
import { day } from "../format";
import { useSignedIn } from "../shell/session";
import { Button, LinkButton } from "../ui/button";
import { Note, ProblemNote, Skeleton } from "../ui/notes";
import { Page } from "../ui/page";
import { notify } from "../ui/toast";
import { header, issueCode, personOf, useChange, type Card } from "./data";
import { FormDialog } from "./form";
import { Guardians } from "./guardians";
import { NameFields } from "./newperson";
import { rolesIn, StateBadge } from "./peoplelist";
import { rightsOn, type Rights } from "./rights";
import { Roles } from "./roles";
import "./setup.css";
import { Slips, type Slip } from "./slips";
import { Study } from "./study";
import { text } from "./texts";

export default function PersonPage() {
  const { person = "" } = useParams<{ person: string }>();
  const me = useSignedIn();
  const query = useQuery(personOf(person));
  if (query.data === undefined) {
    return <Page title={text.person.title}>{query.error ? <ProblemNote error={query.error} again={() => void query.refetch()} /> : <Skeleton lines={8} />}</Page>;
  }
  const card = query.data;
  const rights = rightsOn(me, card);
  const whole = card.etag !== undefined;
  const student = (card.enrolments?.length ?? 0) > 0;
  return (
    <Page title={card.name} lead={rolesIn(card.roles) || undefined} actions={<LinkButton to="/people">{text.people.toSetup}</LinkButton>}>
      {!whole && <Note>{text.person.onlyName}</Note>}
      {whole && (
        <div className="person-grid">
          <div className="stack">
            <Data card={card} rights={rights} />
            {(student || rights.enrol) && <Study card={card} rights={rights} />}
            {rights.account && <Danger card={card} />}
          </div>
          <div className="stack">
            <Access card={card} rights={rights} />
            <Roles card={card} rights={rights} />
            {student && <Guardians card={card} rights={rights} />}
            {(card.children?.length ?? 0) > 0 && <Children card={card} />}
          </div>
        </div>
      )}
    </Page>
  );
}

function Data({ card, rights }: { card: Card; rights: Rights }) {
  const [editing, setEditing] = useState(false);
  const given = (value: string | null | undefined) => value || <span className="soft">{text.person.notGiven}</span>;
  return (
    <section className="panel">
      <div className="row spread">
        <h2>{text.person.data}</h2>
        {rights.correct && <Button onPress={() => setEditing(true)}>{text.person.edit}</Button>}
      </div>
      <dl className="person-data">
        <dt>{text.people.family}</dt>
        <dd>{given(card.family_name)}</dd>
        <dt>{text.people.given}</dt>
        <dd>{given(card.given_name)}</dd>
        <dt>{text.people.middle}</dt>
        <dd>{given(card.middle_name)}</dd>
        <dt>{text.people.birth}</dt>
        <dd>{given(card.birth_date && day(card.birth_date))}</dd>
        <dt>{text.people.phone}</dt>
        <dd>{given(card.phone)}</dd>
        <dt>{text.people.email}</dt>
        <dd>{given(card.email)}</dd>
      </dl>
      {editing && <Edit card={card} onClose={() => setEditing(false)} />}
    </section>
  );
}

function Edit({ card, onClose }: { card: Card; onClose: () => void }) {
  const { family_name = "", given_name = "", middle_name = "", email = "", phone = "", birth_date, etag = "" } = card;
  const [names, setNames] = useState({ family_name, given_name, middle_name, email: email ?? "", phone: phone ?? "", birth_date: birth_date ?? "" });
  // The version that was read when the form was opened: what somebody else has changed meanwhile is not overwritten.
  const [version] = useState(etag);
  const change = useChange(
    async () =>
      got(
        identity.PATCH("/people/{person}", {
          params: { path: { person: card.id }, header: { ...header(), "If-Match": `"${version}"` } },
          body: { ...names, birth_date: names.birth_date || null },
        }),
      ),
    () => {
      notify(text.person.saved);
      onClose();
    },
  );
  return (
    <FormDialog title={text.person.editTitle} onClose={onClose} change={change} submit={text.person.edit} onSubmit={() => change.mutate(undefined)}>
      <NameFields value={names} onChange={setNames} />
    </FormDialog>
  );
}

function Access({ card, rights }: { card: Card; rights: Rights }) {
  const [slips, setSlips] = useState<readonly Slip[]>([]);
  const issue = useChange(issueCode, (issued) => setSlips([{ person: card.id, name: card.name, issued }]));
  return (
    <section className="panel">
      <div className="row spread">
        <h2>{text.person.account}</h2>
        {rights.code && (
          <Button isDisabled={issue.isPending} onPress={() => issue.mutate(card.id)}>
            {card.state === "none" ? text.person.issue : text.codes.again}
          </Button>
        )}
      </div>
      <dl className="person-data">
        <dt>{text.people.stateTitle}</dt>
        <dd>{card.state && <StateBadge state={card.state} />}</dd>
        <dt>{text.person.login}</dt>
        <dd>{card.login ?? <span className="soft">{text.person.notGiven}</span>}</dd>
      </dl>
      {issue.error !== null && <ProblemNote error={issue.error} />}
      <Slips slips={slips} />
    </section>
  );
}

function Children({ card }: { card: Card }) {
  return (
    <section className="panel">
      <h2>{text.person.children}</h2>
      <ul className="person-lines">
        {card.children?.map((child) => (
          <li key={child.id}>
            <span>
              <Link to={`/people/${child.id}`}>{child.name}</Link>
              <span className="soft small">{[child.groups.map(({ title }) => title).join(", "), child.until && text.person.until(day(child.until))].filter(Boolean).join(" · ")}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

type Act = "disable" | "enable" | "erase";

function Danger({ card }: { card: Card }) {
  const [asking, setAsking] = useState<Act | null>(null);
  const change = useChange(
    async (act: Act) => {
      const given = { params: { path: { person: card.id }, header: header() } };
      if (act === "erase") return got(identity.POST("/people/{person}/erasure", given));
      return act === "disable" ? got(identity.POST("/people/{person}/disabling", given)) : got(identity.POST("/people/{person}/enabling", given));
    },
    (_, act) => {
      notify({ disable: text.person.disabled, enable: text.person.enabled, erase: text.person.erased }[act]);
      setAsking(null);
    },
  );
  const ask = (act: Act) => {
    change.reset();
    setAsking(act);
  };
  return (
    <section className="panel">
      <h2>{text.person.danger}</h2>
      <div className="row">
        {card.state === "active" && (
          <Button kind="danger" onPress={() => ask("disable")}>
            {text.person.disable}
          </Button>
        )}
        {card.state === "disabled" && <Button onPress={() => change.mutate("enable")}>{text.person.enable}</Button>}
        <Button kind="danger" onPress={() => ask("erase")}>
          {text.person.erase}
        </Button>
      </div>
      {asking === null && change.error !== null && <ProblemNote error={change.error} />}
      {asking && (
        <FormDialog
          title={asking === "erase" ? text.person.erase : text.person.disable}
          onClose={() => setAsking(null)}
          change={change}
          submit={asking === "erase" ? text.person.erase : text.person.disable}
          danger
          onSubmit={() => change.mutate(asking)}
        >
          <p>
            <b>{card.name}</b>
          </p>
          <p>{asking === "erase" ? text.person.eraseSure : text.person.disableSure}</p>
        </FormDialog>
      )}
    </section>
  );
}
