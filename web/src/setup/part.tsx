/** A part of a step: its heading, why it is there, what can be done. */

import type { ReactNode } from "react";

export function Part({ title, why, actions, children }: { title?: string; why: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <div className="setup-part">
      <div className="row spread">
        <div>
          {title && <h2>{title}</h2>}
          <p className="soft small">{why}</p>
        </div>
        {actions && <div className="row">{actions}</div>}
      </div>
      {children}
    </div>
  );
}
