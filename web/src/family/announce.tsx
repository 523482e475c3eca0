/** A guardian, or a student whom nobody is guardian of, says beforehand that the student will not come. */

import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { got, gradebook } from "../api/client";
import { useToday } from "../shell/start";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { NativeField } from "../ui/field";
import { ProblemNote } from "../ui/notes";
import { notify } from "../ui/toast";
import { absencesOf } from "./data";
import { text } from "./texts";

export function Announce({ student, onClose }: { student: string; onClose: () => void }) {
  const today = useToday();
  const client = useQueryClient();
  const [from, setFrom] = useState(today);
  const [until, setUntil] = useState(today);
  const [error, setError] = useState<unknown>();
  const [sending, setSending] = useState(false);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setSending(true);
    try {
      const header = { "Idempotency-Key": crypto.randomUUID() };
      await got(gradebook.POST("/absences", { params: { header }, body: { student, starts_on: from, ends_on: until } }));
      await client.invalidateQueries(absencesOf(student));
      notify(text.announced);
      onClose();
    } catch (refused) {
      setError(refused);
      setSending(false);
    }
  };
  return (
    <Dialog title={text.announce} onClose={onClose}>
      <form className="form" onSubmit={(event) => void send(event)}>
        <p>{text.announceWhy}</p>
        <div className="pair">
          <NativeField label={text.from} type="date" value={from} onChange={setFrom} required />
          <NativeField label={text.until} type="date" value={until} min={from} onChange={setUntil} required />
        </div>
        {error !== undefined && <ProblemNote error={error} />}
        <footer>
          <Button type="submit" kind="primary" isDisabled={sending}>
            {text.send}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
