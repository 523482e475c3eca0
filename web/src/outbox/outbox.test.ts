/** The outbox over a network that fails in every way: nothing lost, nothing carried out twice, order kept. */

import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Change, Entry } from "./entry";
import { type Channel, type Message, Outbox, type Parts } from "./outbox";
import { openStore } from "./store";

const turn = () => new Promise<void>((go) => setImmediate(go));

/** Numbers that are the same in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

type Fault = "none" | "lost" | "answer lost" | "busy" | "gateway" | "portal" | "signed out";

/** A journal that carries each key out once, with a tag per place. */
class Journal {
  readonly done = new Map<string, { body: string; answer: object }>();
  readonly places = new Map<string, { tag: number; value: string; values: string[] }>();
  readonly carriedOut: { key: string; cookie: string }[] = [];
  asked = 0;
  position = 0;
  cookie = "me";
  fault: () => Fault = () => "none";
  latency: () => number = () => 0;
  refuse: (path: string, value: string) => { code: string; status: number } | undefined = () => undefined;

  readonly fetch = async (address: unknown, init?: RequestInit): Promise<Response> => {
    this.asked += 1;
    const fault = this.fault();
    for (let turns = this.latency(); turns > 0; turns--) await turn();
    if (fault === "lost") throw new TypeError("network");
    if (fault === "busy") return answer(503, { code: "busy", status: 503 }, { "Retry-After": "1" });
    if (fault === "gateway") return new Response("<html>", { status: 502 });
    if (fault === "portal") return new Response("<html>", { status: 200 });
    if (fault === "signed out") return answer(401, { code: "unauthenticated", status: 401 });
    const response = this.carryOut(String(address), init ?? {});
    for (let turns = this.latency(); turns > 0; turns--) await turn();
    if (fault === "answer lost") throw new TypeError("network");
    return response;
  };

  private carryOut(path: string, { headers, body }: RequestInit): Response {
    const given = headers as Record<string, string>;
    const key = given["Idempotency-Key"] ?? "";
    const before = this.done.get(key);
    if (before) return before.body === body ? answer(200, before.answer) : answer(422, { code: "idempotency-key-reused", status: 422 });
    const value = String((JSON.parse(String(body)) as { value: string }).value);
    const no = this.refuse(path, value);
    if (no) return answer(no.status, no);
    const there = this.places.get(path);
    const match = given["If-Match"]?.replaceAll('"', "") ?? null;
    if (match !== (there ? String(there.tag) : null)) {
      return answer(412, { code: "precondition-failed", status: 412, etag: there ? String(there.tag) : null, current: there ? { value: there.value } : null });
    }
    this.position += 1;
    this.places.set(path, { tag: this.position, value, values: [...(there?.values ?? []), value] });
    const said = { position: `gradebook:${this.position}`, etag: String(this.position), events: 1 };
    this.done.set(key, { body: String(body), answer: said });
    this.carriedOut.push({ key, cookie: this.cookie });
    return answer(200, said);
  }

  value(student: string): string | undefined {
    return this.places.get(`/api/gradebook/${student}`)?.value;
  }
}

function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

/** Tabs of one browser: one store, one lock, one channel. A tab that is closed does nothing any more. */
class Browser {
  private readonly ears = new Set<{ open: boolean; heard: (message: Message) => void }>();
  private lock: Promise<void> = Promise.resolve();
  private now = Date.now();

  constructor(
    private readonly journal: Journal,
    private readonly name: string,
    private readonly random: () => number,
  ) {}

  tab(person = "me", parts: Partial<Parts> = {}): { box: Outbox; close: () => void } {
    const self: { open: boolean; heard: (message: Message) => void } = { open: true, heard: () => undefined };
    let release: () => void = () => undefined;
    const closed = new Promise<void>((go) => (release = go));
    const channel: Channel = {
      post: (message) => {
        for (const ear of this.ears) if (ear !== self && self.open) setImmediate(() => ear.open && ear.heard(structuredClone(message)));
      },
      listen: (heard) => {
        self.heard = heard;
        this.ears.add(self);
      },
    };
    const never = new Promise<never>(() => undefined);
    const box = new Outbox({
      open: () => openStore(this.name),
      fetch: (async (address: unknown, init?: RequestInit) => {
        if (!self.open) return never;
        const response = await this.journal.fetch(address, init);
        return self.open ? response : never;
      }) as typeof fetch,
      alone: async (work) => {
        const before = this.lock;
        let free: () => void = () => undefined;
        this.lock = new Promise((go) => (free = go));
        await Promise.race([before, closed]);
        if (!self.open) {
          await before;
          free();
          return never;
        }
        await Promise.race([work(), closed]);
        free();
      },
      channel,
      now: () => this.now,
      random: this.random,
      ...parts,
    });
    box.setPerson(person);
    const close = () => {
      self.open = false;
      release();
    };
    return { box, close };
  }

  /** Time passes until nothing waits any more, or for that many turns. */
  async pass(done: () => boolean, turns = 4000): Promise<void> {
    for (let i = 0; i < turns && !done(); i++) {
      await turn();
      this.now += 50;
      vi.advanceTimersByTime(50);
    }
    expect(done()).toBe(true);
  }
}

const final = (student: string, value: string, expected: string | null = null): Change => ({
  page: `page-${student.charCodeAt(0) % 2}`,
  targets: [`final:${student}`],
  method: "PUT",
  path: `/${student}`,
  body: { value },
  expected,
  shown: value,
});

let journal: Journal;
let browser: Browser;
let databases = 0;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  journal = new Journal();
  databases += 1;
  browser = new Browser(journal, `outbox-${databases}`, numbers(databases));
});
afterEach(() => {
  vi.useRealTimers();
});

const empty = (box: Outbox) => () => box.status.waiting === 0;

describe("an entry", () => {
  it("is there at once and disappears after its answer was heard", async () => {
    const { box } = browser.tab();
    const heard: [Entry, string | undefined, boolean][] = [];
    box.onSaved((entry, { etag }) => heard.push([entry, etag, box.entries.includes(entry) || box.entriesOf(entry.page).has("final:a")]));
    const made = box.add(final("a", "5"));
    expect(box.entriesOf("page-1").get("final:a")).toBe(made);
    expect(box.status.waiting).toBe(1);
    await browser.pass(empty(box));
    expect(heard).toMatchObject([[{ key: made.key }, "1", true]]);
    expect(box.entries).toEqual([]);
    expect(journal.value("a")).toBe("5");
  });

  it("leaves the entries and maps of other places as they are", async () => {
    journal.refuse = (_, value) => (value === "2" ? { code: "page-closed", status: 409 } : undefined);
    const { box } = browser.tab();
    box.add(final("a", "2"));
    await browser.pass(() => box.status.refused === 1);
    const page = box.entriesOf("page-1");
    const held = page.get("final:a");
    box.add(final("b", "4"));
    box.add(final("c", "4"));
    expect(box.entriesOf("page-1")).not.toBe(page);
    await browser.pass(empty(box));
    expect(journal.value("b")).toBe("4");
    expect(box.entriesOf("page-1").get("final:a")).toBe(held);
    const settled = box.entriesOf("page-1");
    box.add(final("b", "5", "1"));
    await browser.pass(empty(box));
    expect(box.entriesOf("page-1")).toBe(settled);
  });

  it("survives a reload before it is sent, and one on its way is sent again under its key", async () => {
    journal.fault = () => "answer lost";
    const first = browser.tab();
    const made = first.box.add(final("a", "5"));
    await browser.pass(() => journal.carriedOut.length === 1);
    first.close();
    journal.fault = () => "none";
    const second = browser.tab();
    await browser.pass(() => second.box.status.waiting > 0);
    await browser.pass(empty(second.box));
    expect(journal.carriedOut.map(({ key }) => key)).toEqual([made.key]);
    expect(journal.value("a")).toBe("5");
  });

  it("shows in the other tabs while it waits, and can be given up there", async () => {
    journal.fault = () => "lost";
    const one = browser.tab();
    const two = browser.tab();
    const { key } = one.box.add(final("a", "5"));
    await browser.pass(() => one.box.status.offline && two.box.entriesOf("page-1").get("final:a")?.state === "waiting");
    two.box.discard(key);
    await browser.pass(() => one.box.entries.length + two.box.entries.length === 0);
    expect(journal.carriedOut).toEqual([]);
  });

  it("takes the tag of the one before it, sent or just saved", async () => {
    const { box } = browser.tab();
    journal.latency = () => 5;
    box.add(final("a", "5"));
    await browser.pass(() => box.entries[0]?.state === "sending");
    box.add(final("a", "4"));
    await browser.pass(empty(box));
    box.add(final("a", "3"));
    await browser.pass(empty(box));
    expect(box.status.refused).toBe(0);
    expect(journal.places.get("/api/gradebook/a")?.values).toEqual(["5", "4", "3"]);
  });

  it("stays refused with its problem until it is mended or given up, and holds nothing else up", async () => {
    journal.refuse = (_, value) => (value === "2" ? { code: "reason-needed", status: 409 } : undefined);
    const { box } = browser.tab();
    const { key } = box.add(final("a", "2"));
    box.add(final("c", "5"));
    await browser.pass(empty(box));
    expect(box.status.refused).toBe(1);
    expect(box.entries[0]).toMatchObject({ state: "refused", problem: { code: "reason-needed" } });
    expect(journal.value("c")).toBe("5");
    box.retry(key, { value: "3" });
    await browser.pass(empty(box));
    expect(journal.value("a")).toBe("3");
  });

  it("in conflict waits for an answer; the own value then replaces the other", async () => {
    journal.places.set("/api/gradebook/a", { tag: 77, value: "4", values: [] });
    const { box } = browser.tab();
    const { key } = box.add(final("a", "5"));
    await browser.pass(() => box.status.refused === 1);
    expect(box.entries[0]).toMatchObject({ state: "conflict", problem: { current: { value: "4" } } });
    box.overwrite(key);
    await browser.pass(() => box.entries.length === 0);
    expect(journal.value("a")).toBe("5");
  });

  it("is settled in silence where the same already stands", async () => {
    journal.places.set("/api/gradebook/a", { tag: 77, value: "5", values: [] });
    const { box } = browser.tab();
    box.add(final("a", "5"));
    await browser.pass(() => box.entries.length === 0);
    expect(box.status.refused).toBe(0);
  });
});

describe("people", () => {
  it("stops at the end of a session and goes on when the same person is back, in whichever tab", async () => {
    journal.fault = () => "signed out";
    const one = browser.tab();
    one.box.add(final("a", "5"));
    await browser.pass(() => one.box.status.signedOut);
    const { asked } = journal;
    one.box.add(final("b", "4"));
    one.box.nudge();
    for (let i = 0; i < 50; i++) await turn();
    expect(journal.asked).toBe(asked);
    journal.fault = () => "none";
    const two = browser.tab();
    await browser.pass(() => one.box.status.waiting + two.box.status.waiting === 0 && journal.carriedOut.length === 2);
    expect(one.box.status.signedOut).toBe(false);
  });

  it("never sends one person's entry in another's session, and keeps it", async () => {
    journal.fault = () => "lost";
    const one = browser.tab("me");
    one.box.add(final("a", "5"));
    await browser.pass(() => one.box.status.offline);
    one.box.setPerson(null);
    journal.cookie = "other";
    const two = browser.tab("other");
    journal.fault = () => "none";
    two.box.add(final("b", "4"));
    await browser.pass(empty(two.box));
    one.box.nudge();
    for (let i = 0; i < 50; i++) await turn();
    expect(journal.value("a")).toBeUndefined();
    expect(one.box.status).toMatchObject({ waiting: 1, signedOut: true });
    journal.cookie = "me";
    two.box.setPerson("me");
    await browser.pass(() => journal.value("a") === "5");
  });
});

describe("without a store", () => {
  it("works for this visit and says so", async () => {
    const { box } = browser.tab("me", { open: () => Promise.reject(new Error("private window")) });
    box.add(final("a", "5"));
    await browser.pass(() => box.status.volatile);
    await browser.pass(empty(box));
    expect(journal.value("a")).toBe("5");
  });

  it("goes on from what it knows when the store fails later", async () => {
    const store = await openStore(`outbox-${databases}`);
    let fails = false;
    journal.fault = () => "lost";
    const { box } = browser.tab("me", { open: async () => ({ change: (person, step) => (fails ? Promise.reject(new Error("quota")) : store.change(person, step)) }) });
    box.add(final("a", "5"));
    await browser.pass(() => box.status.offline);
    fails = true;
    journal.fault = () => "none";
    box.add(final("b", "4"));
    await browser.pass(empty(box));
    expect([journal.value("a"), journal.value("b"), box.status.volatile]).toEqual(["5", "4", true]);
  });
});

describe("any schedule", () => {
  const FAULTS: Fault[] = ["none", "none", "none", "lost", "answer lost", "busy", "gateway", "portal"];

  it.each(Array.from({ length: 40 }, (_, i) => i + 1))("loses nothing, carries nothing out twice, keeps the order (%i)", async (seed) => {
    const random = numbers(seed * 7919);
    const upTo = (n: number) => Math.floor(random() * n);
    journal.fault = () => FAULTS[upTo(FAULTS.length)] ?? "none";
    journal.latency = () => upTo(6);
    let tabs = [browser.tab(), browser.tab()];
    const entered = new Map<string, string[]>();
    for (let n = 0; n < 60; n++) {
      const student = "abcdefgh".charAt(upTo(8));
      const tab = tabs[upTo(tabs.length)];
      // One person enters a value in one tab and sees it in the others before going on there.
      await browser.pass(() => tabs.every(({ box }) => latest(box, student) === latest(tab?.box, student)));
      const there = journal.places.get(`/api/gradebook/${student}`);
      tab?.box.add(final(student, String(n), there ? String(there.tag) : null));
      entered.set(student, [...(entered.get(student) ?? []), String(n)]);
      for (let turns = upTo(8); turns > 0; turns--) await turn();
      if (random() < 0.1) {
        // What was entered is kept before the tab goes.
        await browser.pass(() => tabs.every(({ box }) => box.entries.length === tabs[0]?.box.entries.length));
        const closing = tabs[upTo(tabs.length)];
        closing?.close();
        tabs = [...tabs.filter((open) => open !== closing), browser.tab()];
      }
    }
    journal.fault = () => "none";
    await browser.pass(() => tabs.every(({ box }) => box.status.waiting === 0));
    expect(tabs.map(({ box }) => box.status.refused)).toEqual([0, 0]);
    for (const [student, values] of entered) {
      expect(journal.value(student)).toBe(values.at(-1));
      const written = journal.places.get(`/api/gradebook/${student}`)?.values ?? [];
      expect(written).toEqual([...new Set(written)].sort((a, b) => Number(a) - Number(b)));
    }
    expect(new Set(journal.carriedOut.map(({ key }) => key)).size).toBe(journal.carriedOut.length);
  });

  function latest(box: Outbox | undefined, student: string): string | undefined {
    return box?.entries.findLast(({ targets }) => targets.includes(`final:${student}`))?.key;
  }
});
