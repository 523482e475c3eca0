/** One's own account: data, roles, language, sessions, password, and who of the staff read one's data. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { got, identity } from "../api/client";
import { word, words } from "../domain/texts";
import { day, instant } from "../format";
import { useSignedIn, type Me } from "../shell/session";
import { language, speak } from "../texts";
import { Button } from "../ui/button";
import { List } from "../ui/list";
import { Badge, Empty, ProblemNote } from "../ui/notes";
import { Loaded, Page } from "../ui/page";
import { notify } from "../ui/toast";
import { deviceOf } from "./agent";
import { NewPassword, PasswordField, wrongOf } from "./password";
import "./start.css";
import { text } from "./texts";

type Session = { id: string; current: boolean; opened_at: string; used_at: string; address: string; agent: string };
type ReadOf = { reader: string; name: string; subject: string; route: string; at: string };

const READS_AT_ONCE = 500;
const header = () => ({ "Idempotency-Key": crypto.randomUUID() });

export default function Account() {
  const me = useSignedIn();
  return (
    <Page title={text.account} lead={text.accountLead}>
      <div className="account-grid">
        <div className="stack">
          <Own me={me} />
          <Roles me={me} />
        </div>
        <div className="stack">
          <ChangePassword />
          <section className="panel account-part">
            <h2>{text.language}</h2>
            <p className="soft small">{text.languageLead}</p>
            <div>
              <Button onPress={() => speak(language === "en" ? "ru" : "en")}>{text.otherLanguage}</Button>
            </div>
          </section>
        </div>
      </div>
      <Sessions />
      <Reads me={me} />
    </Page>
  );
}

function Own({ me }: { me: Me }) {
  const { person } = me;
  const given = (value: string | null | undefined) => value || <span className="soft">{text.notGiven}</span>;
  return (
    <section className="panel account-part">
      <h2>{text.own}</h2>
      <dl className="account-data">
        <dt>{text.name}</dt>
        <dd>{person.name}</dd>
        <dt>{text.login}</dt>
        <dd>{given(person.login)}</dd>
        <dt>{text.email}</dt>
        <dd>{given(person.email)}</dd>
        <dt>{text.phone}</dt>
        <dd>{given(person.phone)}</dd>
        <dt>{text.birth}</dt>
        <dd>{given(person.birth_date && day(person.birth_date))}</dd>
      </dl>
      <p className="soft small">{text.mend}</p>
    </section>
  );
}

function Roles({ me }: { me: Me }) {
  // «member» of a group says that he is a student there.
  const member = me.person.roles.some(({ role }) => role === "member");
  const roles = me.person.roles.filter(({ role }) => !(member && role === "student"));
  return (
    <section className="panel account-part">
      <h2>{text.roles}</h2>
      {roles.length === 0 && me.children.length === 0 && <Empty title={text.noRoles}>{text.noRolesNext}</Empty>}
      {roles.length > 0 && (
        <dl className="account-data">
          {roles.map((held) => (
            <Held key={`${held.role} ${held.scope} ${held.starts_on}`} held={held} />
          ))}
        </dl>
      )}
      {me.children.length > 0 && (
        <>
          <h3>{text.children}</h3>
          <dl className="account-data">
            {me.children.map((child) => (
              <Child key={child.id} child={child} />
            ))}
          </dl>
        </>
      )}
    </section>
  );
}

function Held({ held }: { held: Me["person"]["roles"][number] }) {
  return (
    <>
      <dt>
        {word(words.role, held.role)}
        {held.title && ` · ${held.title}`}
      </dt>
      <dd>{text.span(day(held.starts_on), held.ends_on && day(held.ends_on))}</dd>
    </>
  );
}

function Child({ child }: { child: Me["children"][number] }) {
  return (
    <>
      <dt>{child.name}</dt>
      <dd>{[child.groups.map(({ title }) => title).join(", "), child.until && `${text.until} ${day(child.until)}`].filter(Boolean).join(" · ")}</dd>
    </>
  );
}

function ChangePassword() {
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [tried, setTried] = useState(false);
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: async () => got(identity.POST("/me/password", { params: { header: header() }, body: { current, password } })),
    onSuccess: async () => {
      setCurrent("");
      setPassword("");
      setAgain("");
      setTried(false);
      notify(text.changed);
      await client.invalidateQueries({ queryKey: ["identity", "/sessions"] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (current && Object.keys(wrongOf(password, again)).length === 0) change.mutate();
  };
  return (
    <section className="panel account-part">
      <h2>{text.changePassword}</h2>
      <p className="soft small">{text.changeLead}</p>
      <form className="start-form" onSubmit={submit} noValidate>
        <PasswordField label={text.currentPassword} value={current} onChange={setCurrent} autoComplete="current-password" />
        <NewPassword password={password} again={again} onPassword={setPassword} onAgain={setAgain} tried={tried} />
        {change.error && <ProblemNote error={change.error} />}
        <Button type="submit" isDisabled={change.isPending}>
          {text.change}
        </Button>
      </form>
    </section>
  );
}

function Sessions() {
  const client = useQueryClient();
  const query = useQuery({
    queryKey: ["identity", "/sessions"],
    queryFn: async () => ((await got(identity.GET("/sessions")))).sessions,
  });
  const end = useMutation({
    mutationFn: async (sessions: readonly Session[]) => {
      for (const { id } of sessions) await got(identity.DELETE("/sessions/{session}", { params: { path: { session: id }, header: header() } }));
    },
    onSuccess: (_, sessions) => notify(sessions.length === 1 ? text.ended : text.endedOthers(sessions.length)),
    onSettled: () => client.invalidateQueries({ queryKey: ["identity", "/sessions"] }),
  });
  const device = ({ agent }: Session) => {
    const known = deviceOf(agent);
    return known ? text.on(known.browser, known.system) : text.unknownDevice;
  };
  return (
    <section className="stack">
      <div>
        <h2>{text.sessions}</h2>
        <p className="soft small">{text.sessionsLead}</p>
      </div>
      {end.error && <ProblemNote error={end.error} />}
      <Loaded query={query} lines={2}>
        {(sessions) => {
          const others = sessions.filter(({ current }) => !current);
          return (
            <List
              label={text.sessions}
              rows={sessions}
              rowKey={({ id }) => id}
              search={sessions.length > 5}
              empty={null}
              sort={{ key: "used", down: true }}
              tools={
                others.length > 1 && (
                  <Button kind="danger" isDisabled={end.isPending} onPress={() => end.mutate(others)}>
                    {text.endOthers}
                  </Button>
                )
              }
              columns={[
                { key: "device", title: text.device, value: device, cell: (row) => (
                  <span className="row">
                    {device(row)} {row.current && <Badge kind="good">{text.current}</Badge>}
                  </span>
                ) },
                { key: "address", title: text.address, value: ({ address }) => address, cell: ({ address }) => address },
                { key: "opened", title: text.opened, value: ({ opened_at }) => opened_at, cell: ({ opened_at }) => instant(opened_at) },
                { key: "used", title: text.used, value: ({ used_at }) => used_at, cell: ({ used_at }) => instant(used_at) },
                { key: "end", title: text.actions, end: true, cell: (row) =>
                  row.current ? null : (
                    <Button small kind="danger" isDisabled={end.isPending} onPress={() => end.mutate([row])}>
                      {text.end}
                    </Button>
                  ) },
              ]}
            />
          );
        }}
      </Loaded>
    </section>
  );
}

/** What the member of staff looked at, in words. */
function looked(route: string): string {
  return text.looked.find(([piece]) => route.includes(piece))?.[1] ?? text.lookedOther;
}

function Reads({ me }: { me: Me }) {
  const query = useQuery({
    queryKey: ["identity", "/reads/me"],
    queryFn: async () => ((await got(identity.GET("/reads/me", { params: { query: { limit: READS_AT_ONCE } } })))).items,
  });
  const whose = ({ subject }: ReadOf) => (subject === me.person.id ? text.mine : (me.children.find(({ id }) => id === subject)?.short_name ?? ""));
  return (
    <section className="stack">
      <div>
        <h2>{text.reads}</h2>
        <p className="soft small">{text.readsLead}</p>
      </div>
      <Loaded query={query}>
        {(reads) => (
          <List
            label={text.reads}
            rows={reads}
            rowKey={(row) => `${row.reader} ${row.subject} ${row.route} ${row.at}`}
            csv="/api/identity/reads/me?format=csv&limit=500"
            sort={{ key: "when", down: true }}
            empty={<Empty title={text.nobodyRead}>{text.nobodyReadWhy}</Empty>}
            columns={[
              { key: "who", title: text.who, value: ({ name }) => name, cell: ({ name }) => name },
              { key: "whose", title: text.whose, value: whose, cell: whose },
              { key: "what", title: text.what, value: ({ route }) => looked(route), cell: ({ route }) => looked(route) },
              { key: "when", title: text.when, value: ({ at }) => at, cell: ({ at }) => instant(at, true) },
            ]}
          />
        )}
      </Loaded>
    </section>
  );
}
