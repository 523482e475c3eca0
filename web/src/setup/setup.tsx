/** Setting the college up, step by step; each step is a page of its own that is used later on as well. */

import { lazy, Suspense, useEffect, useRef } from "react";
import { Link, Redirect, useParams } from "wouter";
import { rolesOf, useSignedIn } from "../shell/session";
import { LinkButton } from "../ui/button";
import { Skeleton } from "../ui/notes";
import { Page } from "../ui/page";
import "./setup.css";
import { text } from "./texts";

const PAGES: Record<string, ReturnType<typeof lazy>> = {
  year: lazy(() => import("./year")),
  people: lazy(() => import("./enlist")),
  disciplines: lazy(() => import("./disciplines")),
  load: lazy(() => import("./load")),
  programmes: lazy(() => import("./programmes")),
  timetable: lazy(() => import("./timetable")),
  codes: lazy(() => import("./codes")),
};

export default function Setup() {
  const { step = "" } = useParams<{ step?: string }>();
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone the steps do not fit beside each other.
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [step]);
  const administrator = rolesOf(useSignedIn()).has("journal_administrator");
  const steps = Object.keys(PAGES).filter((name) => name !== "codes" || administrator);
  const Step = steps.includes(step) ? PAGES[step] : undefined;
  if (!Step) return <Redirect to={`/setup/${steps[0] ?? ""}`} replace />;
  const next = steps[steps.indexOf(step) + 1];
  return (
    <Page title={text.step[step] ?? text.setup} lead={text.setupLead}>
      <nav ref={nav} className="setup-nav no-print" aria-label={text.steps}>
        {steps.map((name) => (
          <Link key={name} to={`/setup/${name}`} aria-current={name === step ? "step" : undefined}>
            {text.step[name]}
          </Link>
        ))}
      </nav>
      <Suspense fallback={<Skeleton />}>
        <Step />
      </Suspense>
      {next && (
        <div className="no-print">
          <LinkButton to={`/setup/${next}`}>{text.nextStep(text.step[next] ?? "")}</LinkButton>
        </div>
      )}
    </Page>
  );
}
