/** The frame of the pages that need no sign-in. */

import { useEffect, type ReactNode } from "react";
import { Spoken } from "../shell/layout";
import "./start.css";
import { text } from "./texts";

export function Frame({ title, wide = false, children }: { title: string; wide?: boolean; children: ReactNode }) {
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <div className="start">
      <header className="start-head">
        <b>{text.journal}</b>
        <Spoken />
      </header>
      <main className={wide ? "start-main with-demo" : "start-main"} id="content">
        {children}
      </main>
      <footer className="start-foot">
        <a href="/status">{text.status}</a>
      </footer>
    </div>
  );
}
