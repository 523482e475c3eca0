/** Buttons, and links that look like them. */

import { Button as AriaButton, type ButtonProps as AriaProps } from "react-aria-components";
import { Link } from "wouter";
import type { ReactNode } from "react";

type Looks = { kind?: "primary" | "danger" | "quiet"; small?: boolean };

const classes = ({ kind, small }: Looks) => ["button", kind, small && "small"].filter(Boolean).join(" ");

export function Button({ kind, small, ...props }: Omit<AriaProps, "className"> & Looks) {
  return <AriaButton {...props} className={classes({ kind, small })} />;
}

/** A link of the client that looks like a button. */
export function LinkButton({ to, children, ...looks }: { to: string; children: ReactNode } & Looks) {
  return (
    <Link to={to} className={classes(looks)}>
      {children}
    </Link>
  );
}
