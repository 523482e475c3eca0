/** A table from a spreadsheet: paste, look at what was understood, take it. Rows with errors are named and left out. */

import { useId, useState, type ReactNode } from "react";
import { day } from "../format";
import { Button } from "../ui/button";
import { TextField } from "../ui/field";
import { Note } from "../ui/notes";
import { tableOf, type Field, type Row } from "./table";
import { text } from "./texts";

const SHOWN = 200;

export function Paste({ fields, words = {}, busy, onTake, further = () => [], children }: {
  fields: readonly Field[];
  /** What is shown for a stored value, by field: «лекция» for `lecture`. */
  words?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  busy: boolean;
  onTake: (rows: readonly Row[]) => void;
  /** What else is wrong with a row, seen beside the others. */
  further?: (row: Row, rows: readonly Row[]) => readonly string[];
  children?: ReactNode;
}) {
  const [pasted, setPasted] = useState("");
  const id = useId();
  const { rows, headed } = tableOf(pasted, fields);
  const judged = rows.map((row) => ({ row, wrong: [...row.wrong.map(({ key, why }) => sayWrong(fields, row, key, why)), ...further(row, rows)] }));
  const good = judged.filter(({ wrong }) => wrong.length === 0).map(({ row }) => row);
  const bad = good.length < rows.length;
  const filled = fields.filter(({ key, required }) => required || rows.some(({ cells }) => cells[key]));
  const title = (field: Field) => (field.required ? `${field.title} *` : field.title);
  return (
    <div className="stack">
      <TextField label={text.paste.label} hint={text.paste.hint(fields.map(title).join(" · "))} value={pasted} onChange={setPasted} lines={5} />
      {rows.length > 0 && (
        <>
          <p role="status" className="small">
            {text.paste.understood(good.length, rows.length, headed)}
          </p>
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls has to be reached by keyboard */}
          <div className="setup-preview" role="region" aria-labelledby={id} tabIndex={0}>
            <table>
              <caption id={id} className="hidden">
                {text.paste.preview}
              </caption>
              <thead>
                <tr>
                  <th scope="col">{text.paste.line}</th>
                  {bad && <th scope="col">{text.paste.remark}</th>}
                  {filled.map((field) => (
                    <th key={field.key} scope="col">
                      {field.title}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {judged.slice(0, SHOWN).map(({ row, wrong }) => (
                  <tr key={row.line} className={wrong.length > 0 ? "wrong" : undefined}>
                    <td>{row.line}</td>
                    {bad && <td className="remark">{wrong.join("; ")}</td>}
                    {filled.map(({ key }) => (
                      <td key={key}>{words[key]?.[row.cells[key] ?? ""] ?? shown(row.cells[key] ?? "")}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {rows.length > SHOWN && <p className="small soft">{text.paste.more(rows.length - SHOWN)}</p>}
          {bad && <Note kind="warn">{text.paste.left(rows.length - good.length)}</Note>}
          {children}
          <div className="row">
            <Button kind="primary" isDisabled={busy || good.length === 0} onPress={() => onTake(good)}>
              {text.paste.take(good.length)}
            </Button>
            <Button onPress={() => setPasted("")}>{text.paste.clear}</Button>
          </div>
        </>
      )}
    </div>
  );
}

/** Days as people write them; everything else as it stands. */
function shown(cell: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(cell) ? day(cell) : cell;
}

function sayWrong(fields: readonly Field[], row: Row, key: string, why: "missing" | "unread"): string {
  const title = fields.find((field) => field.key === key)?.title ?? key;
  return why === "missing" ? text.paste.missing(title) : text.paste.unread(title, row.cells[key] ?? "");
}
