/**
 * Where entries are kept: IndexedDB, shared by all tabs of the browser and surviving each of them. A step is carried
 * out in one transaction on what is stored, so that tabs never work on different truths.
 */

import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Entry } from "./entry";
import type { Entries, Step } from "./queue";

export interface Store {
  /** Carry the step out on the person's entries; the entries after it. Rejects if it could not be kept. */
  change(person: string, step: Step): Promise<Entries>;
}

interface Schema extends DBSchema {
  entries: { key: string; value: Entry; indexes: { person: string } };
}

class Kept implements Store {
  constructor(private readonly db: IDBPDatabase<Schema>) {}

  async change(person: string, step: Step): Promise<Entries> {
    const tx = this.db.transaction("entries", "readwrite");
    const before = (await tx.store.index("person").getAll(person)).sort((some, other) => some.seq - other.seq);
    const after = step(before);
    const known = new Map(before.map((entry) => [entry.key, entry]));
    const writes: Promise<unknown>[] = [];
    for (const entry of after) {
      if (known.get(entry.key) !== entry) writes.push(tx.store.put(entry));
      known.delete(entry.key);
    }
    for (const key of known.keys()) writes.push(tx.store.delete(key));
    await Promise.all([...writes, tx.done]);
    return after;
  }
}

/** Where nothing can be kept (a private window, a full disk): for this tab and this visit only. */
export class Volatile implements Store {
  private readonly people = new Map<string, Entries>();

  async change(person: string, step: Step): Promise<Entries> {
    const after = step(this.people.get(person) ?? []);
    this.people.set(person, after);
    return after;
  }
}

/** Opens the browser's store. Rejects where there is none. */
export async function openStore(name = "zhurnal.outbox"): Promise<Store> {
  const db = await openDB<Schema>(name, 1, {
    upgrade(database) {
      database.createObjectStore("entries", { keyPath: "key" }).createIndex("person", "person");
    },
  });
  return new Kept(db);
}
