/**
 * The line above every page that says what is not recorded yet, and the list behind it. It also tells the outbox whose
 * session this is, and puts what was saved into the kept pages; so it is there for whoever may write in the journal.
 */

import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import { useDisciplines, useGroups, useNames } from "../api/names";
import { Refused } from "../api/problem";
import { word, words } from "../domain/texts";
import { day } from "../format";
import { spreadOf } from "../journal/cache";
import { useSavedIntoPages } from "../journal/saved";
import { useStartAnew } from "../shell/session";
import { text as shell } from "../shell/texts";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Empty, Note, ProblemNote } from "../ui/notes";
import { outbox } from "./browser";
import { type Entry, partsOf } from "./entry";
import { useAllEntries, useOutboxOf, useWaiting } from "./hooks";
import { text } from "./texts";

export default function Waiting({ person }: { person: string }) {
  const [open, setOpen] = useState(false);
  const startAnew = useStartAnew();
  const { waiting, refused, offline, signedOut, volatile } = useWaiting();
  useOutboxOf(person);
  useEffect(() => () => outbox.setPerson(null), []);
  useSavedIntoPages();
  const said = signedOut && waiting > 0 ? shell.signedOut : offline ? shell.offline : "";
  if (waiting + refused === 0 && !offline && !open) return null;
  return (
    <div className={refused > 0 || (signedOut && waiting > 0) ? "shell-waiting bad" : "shell-waiting"} role="status">
      {waiting > 0 && <b>{shell.waiting(waiting)}</b>}
      {refused > 0 && <b>{shell.refused(refused)}</b>}
      {waiting + refused > 0 && (
        <Button kind="quiet" small onPress={() => setOpen(true)}>
          {text.show}
        </Button>
      )}
      {said && <span>{said}</span>}
      {volatile && waiting > 0 && <span>{text.volatile}</span>}
      {signedOut && waiting > 0 && (
        <Button kind="quiet" small onPress={() => void startAnew()}>
          {shell.signIn}
        </Button>
      )}
      {open && <Entries onClose={() => setOpen(false)} />}
    </div>
  );
}

function Entries({ onClose }: { onClose: () => void }) {
  const entries = useAllEntries();
  return (
    <Dialog title={text.title} onClose={onClose}>
      <p className="soft">{text.lead}</p>
      {entries.length === 0 && <Empty title={text.none}>{text.noneWhy}</Empty>}
      <ul className="outbox-entries">
        {entries.map((entry) => (
          <Line key={entry.key} entry={entry} onClose={onClose} />
        ))}
      </ul>
    </Dialog>
  );
}

function Line({ entry, onClose }: { entry: Entry; onClose: () => void }) {
  const page = useQuery(spreadOf(entry.page)).data;
  const { kind, lesson, student } = partsOf(entry.targets[0] ?? "");
  const held = page?.lessons.find((each) => each.lesson === lesson);
  const discipline = useDisciplines();
  const group = useGroups();
  const name = useNames(student && entry.targets.length === 1 ? [student] : []);
  const stuck = entry.state === "refused" || entry.state === "conflict";
  const where = page ? [group(page.page.group), discipline(page.page.discipline), held && `${day(held.date, "short")}, ${held.pair}`].filter(Boolean).join(" · ") : "";
  return (
    <li>
      <span>
        <b>{whatOf(entry, kind)}</b>
        {student && entry.targets.length === 1 && `, ${name(student)}`}
        {`: ${text[entry.state]}`}
      </span>
      {where && <span className="small soft">{where}</span>}
      {entry.problem && stuck && (entry.state === "conflict" ? <Note kind="warn" title={entry.problem.title}>{entry.problem.next}</Note> : <ProblemNote error={new Refused(entry.problem)} />)}
      <span className="row">
        {entry.state === "refused" && (
          <Button small onPress={() => outbox.retry(entry.key)}>
            {text.again}
          </Button>
        )}
        {entry.state === "conflict" && (
          <Button small onPress={() => outbox.overwrite(entry.key)}>
            {text.mine}
          </Button>
        )}
        {entry.state !== "sending" && (
          <Button small onPress={() => outbox.discard(entry.key)}>
            {entry.state === "conflict" ? text.theirs : text.discard}
          </Button>
        )}
        {lesson && entry.targets.length === 1 && (
          <Link className="button small quiet" to={`/journal/${entry.page}/lessons/${lesson}`} onClick={onClose}>
            {text.open}
          </Link>
        )}
      </span>
    </li>
  );
}

const OF_PAGE: Record<string, string> = { undo: text.undo, signature: text.signature, finals: text.finals };
const OF_PLACE: Record<string, string> = { cell: text.cell, attendance: text.attendance, lesson: text.lesson, homework: text.homework, final: text.final };

/** What the entry is, in words: «Отметка 5», «Посещаемость», «Клеток: 12». */
function whatOf(entry: Entry, kind: string): string {
  if (entry.targets.length > 1) return text.many(entry.targets.length);
  const { grades, value } = entry.body as { grades?: { value: string }[]; value?: string };
  const said = [...(grades ?? []).map((grade) => grade.value), ...(value ? [value] : [])].map((each) => word(words.value, each)).join("/");
  const named = OF_PLACE[kind] ?? OF_PAGE[entry.path.split("/").at(-1) ?? ""] ?? text.page;
  return said ? `${named} ${said}` : named;
}
