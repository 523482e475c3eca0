/** The outbox of this browser: IndexedDB, Web Locks, a channel between its tabs, and the moments to try again. */

import { type Channel, type Message, Outbox } from "./outbox";
import { openStore } from "./store";

const NAME = "zhurnal.outbox";

function channel(): Channel | undefined {
  if (typeof BroadcastChannel === "undefined") return undefined;
  const line = new BroadcastChannel(NAME);
  return {
    post: (message) => line.postMessage(message),
    listen: (heard) => line.addEventListener("message", (event: MessageEvent<Message>) => heard(event.data)),
  };
}

/** `navigator.locks` is missing outside of https and the own machine; the journal's keys keep things right without it. */
async function alone(work: () => Promise<void>): Promise<void> {
  if (!("locks" in navigator)) return work();
  await navigator.locks.request(NAME, work);
}

export const outbox = new Outbox({
  open: () => openStore(NAME),
  fetch: (...asked) => fetch(...asked),
  alone,
  channel: channel(),
  now: Date.now,
  random: Math.random,
});

window.addEventListener("online", outbox.nudge);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") outbox.nudge();
});
// Only what would be lost with the page is worth a question; the rest waits in the browser.
window.addEventListener("beforeunload", (event) => {
  const { volatile, waiting, refused } = outbox.status;
  if (volatile && waiting + refused > 0) event.preventDefault();
});
