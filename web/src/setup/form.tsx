/** Forms of this room: fields, the refusal where there was one, and one button; in a page or in a dialog. */

import type { FormEvent, ReactNode } from "react";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { ProblemNote } from "../ui/notes";
import { text as common } from "../ui/texts";

type Shared = { change: { isPending: boolean; error: unknown }; onSubmit: () => void; submit: string; danger?: boolean; disabled?: boolean; beside?: ReactNode; children?: ReactNode };

export function Form({ change, onSubmit, submit, danger = false, disabled = false, beside, children }: Shared) {
  const send = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <form className="form" onSubmit={send}>
      {children}
      {change.error !== null && <ProblemNote error={change.error} />}
      <div className="row">
        <Button type="submit" kind={danger ? "danger" : "primary"} isDisabled={change.isPending || disabled}>
          {submit}
        </Button>
        {beside}
      </div>
    </form>
  );
}

export function FormDialog({ title, onClose, ...form }: Shared & { title: string; onClose: () => void }) {
  return (
    <Dialog title={title} onClose={onClose}>
      <Form
        {...form}
        beside={
          <Button kind="quiet" onPress={onClose}>
            {common.cancel}
          </Button>
        }
      />
    </Dialog>
  );
}
