/** The outbox for components: each is drawn again only when what it asked for changes. */

import { useEffect, useSyncExternalStore } from "react";
import { outbox } from "./browser";
import type { Entry } from "./entry";
import type { Listener, Status } from "./outbox";

/** The latest entry of every target of the page; the same map and the same entries until something of it changes. */
export function useEntries(page: string): ReadonlyMap<string, Entry> {
  return useSyncExternalStore(outbox.subscribe, () => outbox.entriesOf(page));
}

/** The latest entry of one target. */
export function useEntry(page: string, target: string): Entry | undefined {
  return useSyncExternalStore(outbox.subscribe, () => outbox.entriesOf(page).get(target));
}

/** All entries of the person, in order. */
export function useAllEntries(): readonly Entry[] {
  return useSyncExternalStore(outbox.subscribe, () => outbox.entries);
}

/** How many wait, how many need an answer of the person, and what holds them up. */
export function useWaiting(): Status {
  return useSyncExternalStore(outbox.subscribe, () => outbox.status);
}

/** For the shell: whose session it is. undefined: not known yet. */
export function useOutboxOf(person: string | null | undefined): void {
  useEffect(() => {
    if (person !== undefined) outbox.setPerson(person);
  }, [person]);
}

/** Calls the (stable) listener with each saved entry. */
export function useOnSaved(listener: Listener): void {
  useEffect(() => outbox.onSaved(listener), [listener]);
}
