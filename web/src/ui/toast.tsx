/** Short words about what has just happened, read aloud too; at most one thing to do beside them. */

import { useSyncExternalStore } from "react";

type Toast = { id: number; said: string; kind: "good" | "bad"; action?: { name: string; run: () => void } };

const SECONDS = 6;
let toasts: readonly Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

/** Say it for six seconds. */
export function notify(said: string, options: { kind?: "good" | "bad"; action?: { name: string; run: () => void } } = {}): void {
  const toast: Toast = { id: ++last, said, kind: options.kind ?? "good", ...(options.action && { action: options.action }) };
  set([...toasts.slice(-2), toast]);
  setTimeout(() => set(toasts.filter(({ id }) => id !== toast.id)), SECONDS * 1000);
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map(({ id, said, kind, action }) => (
        <div key={id} className={`toast ${kind}`}>
          <span>{said}</span>
          {action && (
            <button type="button" onClick={action.run}>
              {action.name}
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
