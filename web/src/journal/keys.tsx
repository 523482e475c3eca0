import { Dialog } from "../ui/dialog";
import { text } from "./texts";

export function KeysDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={text.keysTitle} onClose={onClose}>
      <dl className="journal-keys">
        {text.keysList.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
