/** The list of disciplines, modules and practices. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { got, schedule } from "../api/client";
import { word, words } from "../domain/texts";
import { Button } from "../ui/button";
import { Choice, TextField } from "../ui/field";
import { List } from "../ui/list";
import { Empty, ProblemNote } from "../ui/notes";
import { Loaded } from "../ui/page";
import { notify } from "../ui/toast";
import { DISCIPLINES, header, useChange } from "./data";
import { FormDialog } from "./form";
import { Part } from "./part";
import { Paste } from "./paste";
import { wordFrom, type Field, type Row } from "./table";
import { text } from "./texts";

type Kind = "discipline" | "mdk" | "module" | "training_practice" | "industrial_practice";
type Wish = { code: string; title: string; kind: Kind };

const FIELDS: readonly Field[] = [
  { key: "code", title: text.disciplines.code },
  { key: "title", title: text.disciplines.name, required: true },
  { key: "kind", title: text.disciplines.kind, read: wordFrom(words.disciplineKind) },
];
/** What the code of a curriculum begins with tells the kind (field practice of vocational colleges). */
const BY_CODE: readonly (readonly [begins: RegExp, kind: Kind])[] = [
  [/^\u041C\u0414\u041A/i, "mdk"],
  [/^\u041F\u041C/i, "module"],
  [/^\u0423\u041F/i, "training_practice"],
  [/^\u041F\u041F/i, "industrial_practice"],
];

export function kindOf(code: string): Kind {
  return BY_CODE.find(([begins]) => begins.test(code.trim()))?.[1] ?? "discipline";
}

const add = async (body: Wish) => (await got(schedule.POST("/disciplines", { params: { header: header() }, body })));

export default function DisciplinesStep() {
  const query = useQuery(DISCIPLINES);
  const [adding, setAdding] = useState(false);
  const [pasting, setPasting] = useState(false);
  const take = useChange(
    async (rows: readonly Row[]) => {
      let answer: { position?: string } = {};
      for (const { cells } of rows) {
        const code = cells["code"] ?? "";
        answer = await add({ code, title: cells["title"] ?? "", kind: (cells["kind"] as Kind | undefined) || kindOf(code) });
      }
      return answer;
    },
    (_, rows) => {
      notify(text.paste.taken(rows.length));
      setPasting(false);
    },
  );
  const known = new Set(query.data?.items.map(({ code, title }) => `${code} ${title}`));
  return (
    <Part
      why={text.disciplines.why}
      actions={
        <>
          <Button onPress={() => setAdding(true)}>{text.disciplines.add}</Button>
          <Button onPress={() => setPasting(!pasting)}>{pasting ? text.people.hide : text.disciplines.paste}</Button>
        </>
      }
    >
      {pasting && (
        <div className="panel">
          <Paste
            fields={FIELDS}
            words={{ kind: words.disciplineKind }}
            busy={take.isPending}
            onTake={(rows) => take.mutate(rows)}
            further={({ cells }) => (known.has(`${cells["code"] ?? ""} ${cells["title"] ?? ""}`) ? [text.disciplines.exists] : [])}
          />
        </div>
      )}
      {take.error !== null && <ProblemNote error={take.error} />}
      <Loaded query={query}>
        {({ items }) => (
          <List
            label={text.step["disciplines"] ?? ""}
            rows={items}
            rowKey={({ id }) => id}
            csv="/api/schedule/disciplines?format=csv"
            search={items.length > 5}
            empty={<Empty title={text.disciplines.none}>{text.disciplines.noneNext}</Empty>}
            sort={{ key: "code" }}
            columns={[
              { key: "code", title: text.disciplines.code, value: ({ code }) => code, cell: ({ code }) => code || "—" },
              { key: "title", title: text.disciplines.name, value: ({ title }) => title, cell: ({ title }) => title },
              { key: "kind", title: text.disciplines.kind, value: ({ kind }) => word(words.disciplineKind, kind), cell: ({ kind }) => word(words.disciplineKind, kind) },
            ]}
          />
        )}
      </Loaded>
      {adding && <NewDiscipline onClose={() => setAdding(false)} />}
    </Part>
  );
}

function NewDiscipline({ onClose }: { onClose: () => void }) {
  const [code, setCode] = useState("");
  const [title, setTitle] = useState("");
  const [kind, setKind] = useState<Kind | "">("");
  const change = useChange(add, () => {
    notify(text.disciplines.added(title));
    onClose();
  });
  return (
    <FormDialog title={text.disciplines.add} onClose={onClose} change={change} submit={text.disciplines.add} onSubmit={() => change.mutate({ code, title, kind: kind || kindOf(code) })}>
      <TextField label={text.disciplines.code} value={code} onChange={setCode} maxLength={40} autoFocus />
      <TextField label={text.disciplines.name} value={title} onChange={setTitle} required maxLength={200} />
      <Choice
        label={text.disciplines.kind}
        value={kind || kindOf(code)}
        onChange={(value) => setKind(value as Kind)}
        options={Object.entries(words.disciplineKind).map(([id, name]) => ({ id, name }))}
      />
    </FormDialog>
  );
}
