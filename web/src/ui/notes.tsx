/** What a page says: a note, a refusal, an empty place, a wait. */

import type { ReactNode } from "react";
import { Refused, Unreachable } from "../api/problem";
import { Button } from "./button";
import { text } from "./texts";

export function Note({ kind = "info", title, children }: { kind?: "info" | "good" | "warn" | "bad"; title?: string; children?: ReactNode }) {
  return (
    <div className={`note ${kind}`} role={kind === "bad" ? "alert" : undefined}>
      {title && <b>{title}</b>}
      {children && <div>{children}</div>}
    </div>
  );
}

/** A refusal or a lost connection: what, why, the clause, what to do next, and once more where that can help. */
export function ProblemNote({ error, again }: { error: unknown; again?: () => void }) {
  const said = inWords(error);
  return (
    <div className="note bad" role="alert">
      <b>{said.what}</b>
      <span>{said.why}</span>
      <span>
        <b>{text.next}</b>: {said.next}
      </span>
      {said.clause && <span className="small soft">{text.clause(said.clause)}</span>}
      {again && (
        <span>
          <Button small onPress={again}>
            {text.again}
          </Button>
        </span>
      )}
    </div>
  );
}

/** The words of an error, for places with a look of their own. */
export function inWords(error: unknown): { what: string; why: string; next: string; clause?: string | undefined } {
  if (error instanceof Refused) {
    const { title, detail, next, clause } = error.problem;
    return { what: title, why: detail, next, clause };
  }
  if (error instanceof Unreachable) return { what: text.unreachable, why: text.unreachableWhy, next: text.unreachableNext };
  return { what: text.bug, why: text.bugWhy, next: text.bugNext };
}

/** A place without content says why and what to do next. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <b>{title}</b>
      {children && <span className="soft">{children}</span>}
      {action}
    </div>
  );
}

export function Skeleton({ lines = 4 }: { lines?: number }) {
  return (
    <div className="skeleton" role="status">
      <span className="hidden">{text.loading}</span>
      {Array.from({ length: lines }, (_, n) => (
        <i key={n} style={{ width: `${100 - ((n * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

export function Badge({ kind, children }: { kind?: "good" | "warn" | "bad" | "info"; children: ReactNode }) {
  return <span className={kind ? `badge ${kind}` : "badge"}>{children}</span>;
}
