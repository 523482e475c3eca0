/** The final of one student: set it, with a reason or an order where one is needed; withdraw it with a reason (R 5.1, 4.4.1). */

import { useState } from "react";
import { word, words } from "../domain/texts";
import { hundredths } from "../format";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Choice, TextField } from "../ui/field";
import type { Keeping } from "./keeping";
import type { SpreadStudent } from "./spread";
import { text } from "./texts";

const VALUES = ["5", "4", "3", "2", "pass", "fail", "na", "exempt", "credited"] as const;
const BY_ORDER = new Set<string>(["exempt", "credited"]);
export const REASONS = Object.entries(words.reason)
  .filter(([code]) => code !== "undo")
  .map(([id, name]) => ({ id, name }));
const NONE = "none";

export function FinalDialog({ keeping, student, name, mayWrite, onClose }: { keeping: Keeping; student: SpreadStudent; name: string; mayWrite: boolean; onClose: () => void }) {
  const stands = student.final?.value ?? null;
  const [value, setValue] = useState<string>(stands ?? student.proposal.value ?? "");
  const [code, setCode] = useState(NONE);
  const [more, setMore] = useState("");
  const [order, setOrder] = useState("");
  const [source, setSource] = useState("");
  const reason = code === NONE ? undefined : { code, ...(more && { text: more }) };
  const lead = `${text.meanLong}: ${hundredths(student.mean)}. ${text.proposedLong}: ${word(words.value, student.proposal.value)}`;
  return (
    <Dialog title={text.setFinal(name)} onClose={onClose}>
      <p className="soft">{lead}</p>
      {stands && (
        <p>
          {`${text.finalLong}: `}
          <b>{word(words.value, stands)}</b>
        </p>
      )}
      {mayWrite && stands && <p className="soft">{text.withdrawWhy}</p>}
      {mayWrite && !stands && (
        <>
          <Choice label={text.finalLong} value={value} onChange={setValue} options={VALUES.map((id) => ({ id, name: word(words.value, id) }))} />
          {BY_ORDER.has(value) && <TextField label={text.order} hint={text.orderHint} value={order} onChange={setOrder} maxLength={100} />}
          {value === "credited" && <TextField label={text.source} value={source} onChange={setSource} maxLength={100} />}
        </>
      )}
      {mayWrite && (
        <>
          <Choice label={stands ? text.reason : text.finalReason} value={code} onChange={setCode} options={[{ id: NONE, name: text.noReason }, ...REASONS]} />
          {reason && <TextField label={text.because} value={more} onChange={setMore} maxLength={500} />}
          <footer>
            {stands ? (
              <Button
                kind="danger"
                isDisabled={!reason}
                onPress={() => {
                  if (reason) keeping.withdrawFinal(student, reason);
                  onClose();
                }}
              >
                {text.withdraw}
              </Button>
            ) : (
              <Button
                kind="primary"
                isDisabled={!value}
                onPress={() => {
                  keeping.setFinal(student, { value, ...(reason && { reason }), ...(BY_ORDER.has(value) && { order_no: order }), ...(value === "credited" && { source }) });
                  onClose();
                }}
              >
                {text.save}
              </Button>
            )}
          </footer>
        </>
      )}
    </Dialog>
  );
}
