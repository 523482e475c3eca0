/** A code becomes an account: its owner sets login and password, which nobody else ever knows, and is signed in. */

import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useLocation } from "wouter";
import { got, identity } from "../api/client";
import { Refused } from "../api/problem";
import { useStartAnew } from "../shell/session";
import { START } from "../shell/start";
import { Button, LinkButton } from "../ui/button";
import { TextField } from "../ui/field";
import { ProblemNote } from "../ui/notes";
import { judged, symbolsOf, written } from "./code";
import { Frame } from "./frame";
import { NewPassword, wrongOf } from "./password";
import { signIn } from "./signin";
import { text } from "./texts";

const LOGIN = /^[\p{L}\d][\p{L}\d._@+-]{2,63}$/u;

export default function Activation() {
  const [code, setCode] = useState("");
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const startAnew = useStartAnew();
  const client = useQueryClient();
  const [, go] = useLocation();
  const verdict = judged(code);
  const complete = symbolsOf(code).length > 20;
  const codeWrong = verdict !== "whole" && (tried || verdict === "foreign" || complete) ? text.codeWrong[verdict] : undefined;
  const loginWrong = tried && !LOGIN.test(login.trim()) ? text.loginWrong : undefined;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    setError(null);
    if (verdict !== "whole" || !LOGIN.test(login.trim()) || Object.keys(wrongOf(password, again)).length > 0) return;
    setBusy(true);
    try {
      await got(identity.POST("/activation", { body: { code: symbolsOf(code), login: login.trim(), password } }));
      await signIn(login, password);
      go("/");
      await startAnew();
      await client.fetchQuery({ ...START, staleTime: 0 });
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  const refusedCode = error instanceof Refused && error.problem.code.startsWith("code-");
  return (
    <Frame title={text.activation}>
      <section className="panel stack">
        <div>
          <h1>{text.activation}</h1>
          <p className="soft">{text.activationLead}</p>
        </div>
        <form className="start-form" onSubmit={(event) => void submit(event)} noValidate>
          <div className="start-code">
            <TextField
              label={text.code}
              hint={text.codeHint}
              value={code}
              onChange={(typed) => setCode(typed.length < code.length ? typed : grouped(typed))}
              autoComplete="one-time-code"
              maxLength={64}
              wrong={codeWrong}
              required
              autoFocus
            />
          </div>
          {refusedCode && <ProblemNote error={error} />}
          <TextField label={text.login} hint={text.loginHint} value={login} onChange={setLogin} autoComplete="username" maxLength={64} wrong={loginWrong} required />
          <NewPassword password={password} again={again} onPassword={setPassword} onAgain={setAgain} tried={tried} />
          {error !== null && !refusedCode && <ProblemNote error={error} />}
          <Button type="submit" kind="primary" isDisabled={busy}>
            {busy ? text.activating : text.activate}
          </Button>
        </form>
        <div className="start-or">
          <LinkButton to="/" kind="quiet">
            {text.toSignIn}
          </LinkButton>
        </div>
      </section>
    </Frame>
  );
}

/** A whole code is shown as it is printed, so that it is easily compared; a part is left as it was typed. */
function grouped(typed: string): string {
  return symbolsOf(typed).length > 20 ? written(typed) : typed;
}
