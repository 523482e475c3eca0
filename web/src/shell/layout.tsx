/** The frame around every page of a signed-in person: sections, who is signed in, what waits to be sent. */

import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { got, identity } from "../api/client";
import { language, speak } from "../texts";
import { Dialog } from "../ui/dialog";
import { Toasts } from "../ui/toast";
import { sectionsOf, type Section } from "./nav";
import { type Me, rolesOf, useStartAnew } from "./session";
import "./shell.css";
import { text } from "./texts";
import { useUnread } from "./unread";

const ON_THE_BAR = 4;
/** Only whoever writes in the journal has entries that may wait. */
const Waiting = lazy(() => import("../outbox/waiting"));

export function Layout({ me, children }: { me: Me; children: ReactNode }) {
  const sections = sectionsOf(me);
  const [at] = useLocation();
  const [more, setMore] = useState(false);
  const unread = useUnread();
  const roles = rolesOf(me);
  const writes = roles.has("teacher") || roles.has("workshop_instructor");
  const signOut = useSignOut();
  const current = (to: string) => (to === "/" ? at === "/" : at === to || at.startsWith(`${to}/`));
  const onBar = sections.slice(0, ON_THE_BAR);
  const link = (section: Section) => (
    <Link key={section.to} to={section.to} aria-current={current(section.to) ? "page" : undefined} onClick={() => setMore(false)}>
      <span className="icon" aria-hidden="true">
        {section.icon}
      </span>
      {section.name}
      {section.to === "/inbox" && unread > 0 && (
        <span className="shell-count">
          <span className="hidden">{text.unread(unread)}</span>
          <span aria-hidden="true">{unread}</span>
        </span>
      )}
    </Link>
  );
  return (
    <div className="shell">
      <a className="shell-skip" href="#content">
        {text.skip}
      </a>
      {me.person.demo && (
        <aside className="shell-banner" aria-label={text.demoLabel}>
          {text.demo}
          <button type="button" onClick={() => void signOut()}>
            {text.demoOther}
          </button>
        </aside>
      )}
      <header className="shell-side">
        <Link className="shell-name" to="/">
          {text.journal}
        </Link>
        <nav className="shell-nav" aria-label={text.navigation}>
          {sections.map(link)}
        </nav>
        <div className="shell-who">
          <span>{me.person.short_name}</span>
          <button type="button" onClick={() => void signOut()}>
            {text.signOut}
          </button>
          <Spoken />
        </div>
      </header>
      <main className="shell-main" id="content" tabIndex={-1}>
        {writes && (
          <Suspense fallback={null}>
            <Waiting person={me.person.id} />
          </Suspense>
        )}
        {children}
      </main>
      <nav className="shell-bar" aria-label={text.navigation}>
        {onBar.map(link)}
        <button type="button" onClick={() => setMore(true)} aria-expanded={more}>
          <span className="icon" aria-hidden="true">
            {"⋯"}
          </span>
          {text.more}
        </button>
      </nav>
      {more && (
        <Dialog title={me.person.short_name} onClose={() => setMore(false)}>
          <div className="shell-more">
            {sections.slice(ON_THE_BAR).map(link)}
            <button type="button" onClick={() => void signOut()}>
              {text.signOut}
            </button>
            <Spoken />
          </div>
        </Dialog>
      )}
      <Toasts />
    </div>
  );
}

/** The other language, named in itself. */
export function Spoken() {
  const other = language === "en" ? "ru" : "en";
  return (
    <button type="button" lang={other} onClick={() => speak(other)}>
      {text.language}
    </button>
  );
}

function useSignOut() {
  const client = useQueryClient();
  const startAnew = useStartAnew();
  const [, go] = useLocation();
  return async () => {
    await got(identity.DELETE("/sessions/current", { params: { header: { "Idempotency-Key": crypto.randomUUID() } } })).catch(() => undefined);
    client.cancelQueries();
    go("/");
    await startAnew();
  };
}
