/**
 * The outbox: entries of the signed-in person, shown at once, kept in the browser, sent in order and exactly once in
 * effect, since the journal carries a key out once.
 *
 * Every step is done twice: at once on what this tab shows, and then in one transaction on what is stored. Tabs tell
 * each other when the store changes; one of them sends at a time (a Web Lock), and whoever gets the lock sends again
 * what another left on its way. Nothing is sent while the session belongs to somebody else.
 */

import { callsPending, expectedAt, idsAfter, named, tagsAfter } from "./bodies";
import { type Answer, type Change, type Entry, placeOf } from "./entry";
import * as queue from "./queue";
import { type Outcome, pause, send } from "./sender";
import { type Store, Volatile } from "./store";

export type Status = { waiting: number; refused: number; offline: boolean; signedOut: boolean; volatile: boolean };
export type Listener = (entry: Entry, answer: Answer) => void;

/** What the outbox is made of; tests put others in. */
export type Parts = {
  open: () => Promise<Store>;
  fetch: typeof fetch;
  /** Runs the work while no other tab does; without Web Locks each tab is on its own. */
  alone: (work: () => Promise<void>) => Promise<void>;
  channel?: Channel | undefined;
  now: () => number;
  random: () => number;
};
export type Channel = { post: (message: Message) => void; listen: (heard: (message: Message) => void) => void };
export type Message =
  | { kind: "changed"; person: string }
  | { kind: "saved"; entry: Entry; answer: Answer }
  | { kind: "session"; person: string | null }
  | { kind: "reach"; offline: boolean };

type Doing = { person: string; step: queue.Step; told: boolean; done: () => void };

const ANSWERS_KNOWN = 200;
const NONE: ReadonlyMap<string, Entry> = new Map();
const NOTHING: Status = { waiting: 0, refused: 0, offline: false, signedOut: false, volatile: false };

export class Outbox {
  private person: string | null = null;
  /** Whose the session cookie is, as far as any tab knows. */
  private session: string | null = null;
  private stored: queue.Entries = [];
  private shown: queue.Entries = [];
  private pages: ReadonlyMap<string, ReadonlyMap<string, Entry>> = new Map();
  private standing: Status = NOTHING;
  private doing: Doing[] = [];
  private flushing = false;
  private store: Promise<Store>;
  private sending = false;
  private readonly onTheWay = new Map<string, Promise<void>>();
  private stir: () => void = () => undefined;
  private failures = 0;
  private offline = false;
  private notBefore = 0;
  private readonly notBeforeOf = new Map<string, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private volatile = false;
  private readonly answers = new Map<string, { entry: Entry; answer: Answer; tags: ReadonlyMap<string, string> }>();
  private readonly watchers = new Set<() => void>();
  private readonly listeners = new Set<Listener>();

  constructor(private readonly parts: Parts) {
    this.store = parts.open().catch(() => this.withoutStore());
    parts.channel?.listen((message) => this.hear(message));
  }

  // -- what rooms use ---------------------------------------------------------------------------------------------

  /** Enters a change; it shows from this moment. Needs a signed-in person. */
  add(change: Change): Entry {
    if (this.person === null) throw new Error("nobody is signed in");
    const key = crypto.randomUUID();
    void this.run(queue.add(this.informed(change), key, this.person, new Date(this.parts.now()).toISOString()));
    const made = this.shown.find((entry) => entry.key === key);
    if (!made) throw new Error("a new entry is there");
    return made;
  }

  /** The change with tags and ids of what was saved while the person was still looking at what stood there before. */
  private informed(change: Change): Change {
    let so = change;
    for (const [key, { entry, answer, tags }] of this.answers) {
      if (entry.page !== change.page) continue;
      if (callsPending(so)) so = { ...so, body: named(so, key, idsAfter(entry, answer)) };
      const place = placeOf(so.targets.length === 1 ? (so.targets[0] ?? "") : "");
      const tag = tags.get(place);
      if (tag !== undefined && so.expected !== undefined && expectedAt(entry, place) === so.expected) so = { ...so, expected: tag };
    }
    return so;
  }

  /** Gives an entry up. Done only if it is not on its way. */
  discard(key: string): void {
    void this.run(queue.discard(key));
  }

  /** Sends a refused entry once more; `more` mends its body: `retry(key, { reason: { code: "input_error" } })`. */
  retry(key: string, more?: object): void {
    void this.run(queue.retry(key, more));
  }

  /** Answers a conflict with the own value, over the one that stands there now; `more` as for `retry`. */
  overwrite(key: string, more?: object): void {
    void this.run(queue.overwrite(key, more));
  }

  /** All entries of the person, in order. */
  get entries(): queue.Entries {
    return this.shown;
  }

  /** The latest entry of each target of a page; the same map as long as nothing of the page changes. */
  entriesOf(page: string): ReadonlyMap<string, Entry> {
    return this.pages.get(page) ?? NONE;
  }

  get status(): Status {
    return this.standing;
  }

  /** Called after each change of what is shown. Returns how to stop. */
  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** Called with each saved entry and its answer, in every tab, before the entry disappears. Returns how to stop. */
  onSaved(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Whose session this is now; null: nobody's. To be told at the start and at each sign-in and before a sign-out. */
  setPerson(person: string | null): void {
    this.session = person;
    this.parts.channel?.post({ kind: "session", person });
    if (person === this.person || person === null) {
      this.publish();
      this.wake();
      return;
    }
    this.person = person;
    this.stored = [];
    this.replay();
    void this.refresh();
  }

  /** Try now whatever waits for a better moment: the network is back, the tab is looked at again. */
  readonly nudge = (): void => {
    this.notBefore = 0;
    this.notBeforeOf.clear();
    this.wake();
  };

  // -- steps ------------------------------------------------------------------------------------------------------

  /** Shows the step at once, keeps it soon; resolves when it is kept. */
  private run(step: queue.Step, person = this.person, told = true): Promise<void> {
    if (person === null) return Promise.resolve();
    return new Promise((done) => {
      this.doing.push({ person, step, told, done });
      if (person === this.person) this.shown = reconciled(this.shown, step(this.shown));
      this.publish();
      void this.flush();
    });
  }

  private async flush(): Promise<void> {
    if (this.flushing) return;
    this.flushing = true;
    while (this.doing.length > 0) {
      const person = this.doing[0]?.person ?? "";
      const other = this.doing.findIndex((doing) => doing.person !== person);
      const batch = this.doing.slice(0, other < 0 ? undefined : other);
      const whole: queue.Step = (entries) => batch.reduce((so, { step }) => step(so), entries);
      const after = await this.keep(person, whole);
      this.doing = this.doing.slice(batch.length);
      if (person === this.person) {
        this.stored = after;
        this.replay();
      }
      for (const { done } of batch) done();
      if (batch.some(({ told }) => told)) this.parts.channel?.post({ kind: "changed", person });
      this.publish();
      this.wake();
    }
    this.flushing = false;
  }

  private async keep(person: string, step: queue.Step): Promise<queue.Entries> {
    const store = await this.store;
    try {
      return await store.change(person, step);
    } catch {
      const kept = person === this.person ? this.stored : [];
      this.store = Promise.resolve(this.withoutStore());
      return (await this.store).change(person, () => step(kept));
    }
  }

  private withoutStore(): Store {
    this.volatile = true;
    this.publish();
    return new Volatile();
  }

  /** What is stored, taken anew: another tab may have changed it. */
  private refresh(): Promise<void> {
    return this.run((entries) => entries, this.person, false);
  }

  private replay(): void {
    const mine = this.doing.filter(({ person }) => person === this.person);
    this.shown = reconciled(this.shown, mine.reduce((so, { step }) => step(so), this.stored));
  }

  // -- sending ----------------------------------------------------------------------------------------------------

  private get maySend(): boolean {
    return this.person !== null && this.session === this.person;
  }

  /** What can be sent at this moment. After failures one goes ahead: that which was tried least, lest one holds all up. */
  private ready(): Entry[] {
    if (!this.maySend) return [];
    const now = this.parts.now();
    const found = queue.due(this.shown).filter(({ key }) => !this.onTheWay.has(key) && (this.notBeforeOf.get(key) ?? 0) <= now);
    if (this.failures === 0) return found;
    if (this.notBefore > now || this.onTheWay.size > 0) return [];
    return found.sort((some, other) => some.tries - other.tries).slice(0, 1);
  }

  private wake(): void {
    this.stir();
    if (this.sending) return;
    if (this.ready().length === 0 && !this.shown.some(({ state }) => state === "sending")) return this.later();
    if (!this.maySend) return;
    this.sending = true;
    const alone = this.volatile ? (work: () => Promise<void>) => work() : this.parts.alone;
    void alone(() => this.drain()).finally(() => {
      this.sending = false;
      this.publish();
      if (this.ready().length > 0) this.wake();
      else this.later();
    });
  }

  /** Comes back when the first pause is over. */
  private later(): void {
    clearTimeout(this.timer);
    if (!this.maySend) return;
    const now = this.parts.now();
    const untils = queue.due(this.shown).map(({ key }) => Math.max(this.failures > 0 ? this.notBefore : 0, this.notBeforeOf.get(key) ?? 0));
    const next = Math.min(...untils.filter((until) => until > now));
    if (next < Infinity) this.timer = setTimeout(() => this.wake(), next - now);
  }

  /** Sends as long as there is something to send. While it runs no other tab sends. */
  private async drain(): Promise<void> {
    await this.refresh();
    if (this.shown.some(({ state }) => state === "sending")) await this.run(queue.again());
    for (;;) {
      const ready = this.ready();
      for (const { key } of ready) {
        const sent = this.sendOne(key).finally(() => this.onTheWay.delete(key));
        this.onTheWay.set(key, sent);
      }
      if (this.onTheWay.size === 0) return;
      this.later();
      const stirred = new Promise<void>((stir) => (this.stir = stir));
      await Promise.race([...this.onTheWay.values(), stirred]);
    }
  }

  private async sendOne(key: string): Promise<void> {
    const { person } = this;
    await this.run(queue.start(new Set([key])), person);
    const entry = this.stored.find((one) => one.key === key);
    if (entry?.state !== "sending" || !this.maySend || person !== this.person) return this.run(queue.again(new Set([key])), person);
    await this.settle(entry, await send(entry, this.parts.fetch));
  }

  private settle(entry: Entry, outcome: Outcome): Promise<void> {
    const { key, person } = entry;
    if (outcome.kind === "again") {
      // What fails together counts once.
      if (this.parts.now() >= this.notBefore) this.failures += 1;
      const wait = this.parts.now() + pause(this.failures, outcome.after, this.parts.random());
      this.notBefore = Math.max(this.notBefore, wait);
      this.notBeforeOf.set(key, this.parts.now() + pause(entry.tries, outcome.after, this.parts.random()));
      this.reach(!outcome.reached);
      return this.run(queue.again(new Set([key])), person);
    }
    this.failures = 0;
    this.notBefore = 0;
    this.notBeforeOf.delete(key);
    this.reach(false);
    if (outcome.kind === "signed-out") {
      this.session = null;
      this.parts.channel?.post({ kind: "session", person: null });
      return this.run(queue.again(new Set([key])), person);
    }
    if (outcome.kind === "saved") return this.finish(entry, outcome.answer);
    const answer = queue.verdict(entry, outcome.problem);
    return answer ? this.finish(entry, answer) : this.run(queue.refused(key, outcome.problem), person);
  }

  private finish(entry: Entry, answer: Answer): Promise<void> {
    this.parts.channel?.post({ kind: "saved", entry, answer });
    this.tell(entry, answer);
    return this.run(queue.saved(entry.key, answer), entry.person);
  }

  private reach(offline: boolean): void {
    if (this.offline !== offline) this.parts.channel?.post({ kind: "reach", offline });
    this.offline = offline;
  }

  private tell(entry: Entry, answer: Answer): void {
    this.answers.set(entry.key, { entry, answer, tags: tagsAfter(entry, answer) });
    const [first] = this.answers.keys();
    if (this.answers.size > ANSWERS_KNOWN && first !== undefined) this.answers.delete(first);
    if (entry.person !== this.person) return;
    for (const listener of this.listeners) {
      try {
        listener(entry, answer);
      } catch (error) {
        reportError(error);
      }
    }
  }

  private hear(message: Message): void {
    if (message.kind === "saved") this.tell(message.entry, message.answer);
    else if (message.kind === "changed") {
      if (message.person === this.person && !this.volatile) void this.refresh();
    } else {
      if (message.kind === "session") this.session = message.person;
      else this.offline = message.offline;
      this.publish();
      this.wake();
    }
  }

  // -- what is shown ----------------------------------------------------------------------------------------------

  private publish(): void {
    this.pages = byPage(this.shown, this.pages);
    const refused = this.shown.filter(({ state }) => state === "refused" || state === "conflict").length;
    const status: Status = {
      waiting: this.shown.length - refused,
      refused,
      offline: this.offline,
      signedOut: this.person !== null && this.session !== this.person,
      volatile: this.volatile,
    };
    if (JSON.stringify(status) !== JSON.stringify(this.standing)) this.standing = status;
    for (const watcher of [...this.watchers]) watcher();
  }
}

/** `after` with the objects of `before` wherever they say the same, so that what is drawn from them stays as it is. */
function reconciled(before: queue.Entries, after: queue.Entries): queue.Entries {
  const known = new Map(before.map((entry) => [entry.key, entry]));
  const same = after.map((entry) => {
    const old = known.get(entry.key);
    return old && old !== entry && JSON.stringify(sorted(old)) === JSON.stringify(sorted(entry)) ? old : entry;
  });
  return same.length === before.length && same.every((entry, i) => entry === before[i]) ? before : same;
}

function sorted(entry: Entry): [string, unknown][] {
  return Object.entries(entry)
    .filter(([, value]) => value !== undefined)
    .sort(([some], [other]) => (some < other ? -1 : 1));
}

function byPage(entries: queue.Entries, before: ReadonlyMap<string, ReadonlyMap<string, Entry>>): ReadonlyMap<string, ReadonlyMap<string, Entry>> {
  const pages = new Map<string, Map<string, Entry>>();
  for (const entry of entries) {
    const targets = pages.get(entry.page) ?? new Map<string, Entry>();
    pages.set(entry.page, targets);
    for (const target of entry.targets) targets.set(target, entry);
  }
  return new Map([...pages].map(([page, targets]) => [page, alike(targets, before.get(page)) ?? targets]));
}

function alike(targets: ReadonlyMap<string, Entry>, before: ReadonlyMap<string, Entry> | undefined): ReadonlyMap<string, Entry> | undefined {
  return before?.size === targets.size && [...targets].every(([target, entry]) => before.get(target) === entry) ? before : undefined;
}
