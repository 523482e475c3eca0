/** The frame of a page: its heading, what can be done on it, its content; and the state of a query in one place. */

import { useEffect, type ReactNode } from "react";
import type { UseQueryResult } from "@tanstack/react-query";
import { ProblemNote, Skeleton } from "./notes";

export function Page({ title, lead, actions, children }: { title: string; lead?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <div className="stack">
      <div className="row spread">
        <div>
          <h1>{title}</h1>
          {lead && <p className="soft">{lead}</p>}
        </div>
        {actions && <div className="row">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

/** The data of a query once it is there; until then a skeleton, and a problem with "again" where it failed. */
export function Loaded<T>({ query, lines, children }: { query: UseQueryResult<T>; lines?: number; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <ProblemNote error={query.error} again={() => void query.refetch()} />;
  return <Skeleton lines={lines} />;
}
