/** The first page of everybody who is not signed in: sign-in, the way in by a code, and the roles of the demo college. */

import { useQuery } from "@tanstack/react-query";
import { useEffect, useState, type FormEvent } from "react";
import { useLocation } from "wouter";
import { useStartAnew } from "../shell/session";
import { START, type DemoAccount, type Start as Beginning } from "../shell/start";
import { language } from "../texts";
import { Button, LinkButton } from "../ui/button";
import { TextField } from "../ui/field";
import { Note, ProblemNote } from "../ui/notes";
import { Frame } from "./frame";
import { PasswordField } from "./password";
import { pauseOf, signIn } from "./signin";
import { text } from "./texts";

export default function Start() {
  const { data: start } = useQuery(START);
  const enter = useEntering();
  return (
    <Frame title={text.journal} wide={start?.demo !== null && start !== undefined}>
      <div className="start-sign stack">
        {start?.first && (
          <section className="panel stack">
            <h1>{text.first}</h1>
            <p>{text.firstWhy}</p>
            <LinkButton to="/activation" kind="primary">
              {text.firstDo}
            </LinkButton>
          </section>
        )}
        <SignIn {...enter} first={start?.first ?? false} />
      </div>
      {start?.demo && <Demo demo={start.demo} {...enter} />}
    </Frame>
  );
}

type Entering = {
  /** Whose sign-in is under way. */
  busy: string | null;
  error: unknown;
  enter: (login: string, password: string) => Promise<void>;
};

function useEntering(): Entering {
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const startAnew = useStartAnew();
  const [at, go] = useLocation();
  const enter = async (login: string, password: string) => {
    setBusy(login);
    setError(null);
    try {
      await signIn(login, password);
      if (at === "/activation") go("/");
      await startAnew();
    } catch (refused) {
      setError(refused);
      setBusy(null);
    }
  };
  return { busy, error, enter };
}

function SignIn({ busy, error, enter, first }: Entering & { first: boolean }) {
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const left = useCountdown(error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void enter(login, password);
  };
  const Heading = first ? "h2" : "h1";
  return (
    <section className="panel stack">
      <div>
        <Heading>{text.signIn}</Heading>
        {!first && <p className="soft small">{text.lead}</p>}
      </div>
      <form className="start-form" onSubmit={submit}>
        <TextField label={text.login} value={login} onChange={setLogin} autoComplete="username" maxLength={64} required />
        <PasswordField label={text.password} value={password} onChange={setPassword} autoComplete="current-password" />
        {error !== null && <ProblemNote error={error} />}
        {left > 0 && <Note kind="warn">{text.wait(left)}</Note>}
        <Button type="submit" kind="primary" isDisabled={busy !== null || left > 0}>
          {busy === null ? text.enter : text.entering}
        </Button>
      </form>
      {!first && (
        <div className="start-or">
          <LinkButton to="/activation" kind="quiet">
            {text.withCode}
          </LinkButton>
          <span className="soft small">{text.withCodeWhy}</span>
        </div>
      )}
    </section>
  );
}

/** The seconds until the next try, counted down; 0 when nothing is to be waited for. */
function useCountdown(error: unknown): number {
  const [until, setUntil] = useState({ error, left: 0 });
  if (until.error !== error) setUntil({ error, left: pauseOf(error) });
  useEffect(() => {
    if (until.left <= 0) return;
    const timer = setTimeout(() => setUntil(({ error: of, left }) => ({ error: of, left: left - 1 })), 1000);
    return () => clearTimeout(timer);
  }, [until]);
  return until.left;
}

function Demo({ demo, busy, enter }: Entering & { demo: NonNullable<Beginning["demo"]> }) {
  return (
    <section className="start-demo" aria-labelledby="demo">
      <div className="start-demo-head">
        <h2 id="demo">{text.demoTitle}</h2>
        <p className="soft">{text.demoLead}</p>
        <p className="soft small">{text.demoPassword(demo.password)}</p>
      </div>
      <ul>
        {demo.accounts.map((account) => (
          <li key={account.login}>
            <Role account={account} busy={busy === account.login} disabled={busy !== null} onPress={() => void enter(account.login, demo.password)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Role({ account, busy, disabled, onPress }: { account: DemoAccount; busy: boolean; disabled: boolean; onPress: () => void }) {
  return (
    <button type="button" className="start-role" disabled={disabled} aria-busy={busy} onClick={onPress}>
      <b>{account.role[language]}</b>
      <span className="small">
        {account.name} <span className="soft">· {text.demoLogin(account.login)}</span>
      </span>
      <span className="small first">
        <span className="soft">{`${text.demoFirst}: `}</span>
        {account.hint[language]}
      </span>
    </button>
  );
}
