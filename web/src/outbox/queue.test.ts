/** What the queue promises, step by step. */

import { describe, expect, it } from "vitest";
import type { ProblemDocument } from "../api/problem";
import { cellsAfter, pendingGrade } from "./bodies";
import type { Answer, Change, Entry } from "./entry";
import * as queue from "./queue";

const PAGE = "p1";

function cell(lesson: string, student: string, value: string | null, expected: string | null = null, grade?: string): Change {
  const grades = value === null ? [] : [{ value, work: "oral", ...(grade ? { grade } : {}) }];
  return { page: PAGE, targets: [`cell:${lesson}:${student}`], method: "PUT", path: `/pages/${PAGE}/cells/${lesson}/${student}`, body: { grades }, expected, shown: value };
}

function attendance(lesson: string, ...away: string[]): Change {
  const marks = away.map((student) => ({ student, hours: 2 }));
  return { page: PAGE, targets: [`attendance:${lesson}`], method: "PUT", path: `/pages/${PAGE}/attendance/${lesson}`, body: { marks }, expected: null, shown: null };
}

function lesson(method: "PUT" | "PATCH", id: string, body: object, expected?: string): Change {
  return { page: PAGE, targets: [`lesson:${id}`], method, path: `/pages/${PAGE}/lessons/${id}`, body, shown: null, ...(expected ? { expected } : {}) };
}

function bulk(lesson: string, value: string, tags: Record<string, string | null>): Change {
  const items = Object.entries(tags).map(([student, expected]) => ({ lesson, student, expected, grades: [{ value, work: "oral" }] }));
  return { page: PAGE, targets: items.map(({ student }) => `cell:${lesson}:${student}`), method: "POST", path: `/pages/${PAGE}/cells`, body: { items }, shown: null };
}

const whole = (path: string): Change => ({ page: PAGE, targets: ["page"], method: "POST", path: `/pages/${PAGE}/${path}`, body: {}, shown: null });

function after(...steps: queue.Step[]): queue.Entries {
  return steps.reduce<queue.Entries>((entries, step) => step(entries), []);
}

const put = (change: Change, key: string) => queue.add(change, key, "me", "2026-11-24T08:00:00Z");
const sent = (...keys: string[]) => queue.start(new Set(keys));
const keys = (entries: readonly Entry[]) => entries.map(({ key }) => key);
const one = (entries: queue.Entries): Entry => {
  expect(entries).toHaveLength(1);
  return entries[0] as Entry;
};
const problem = (code: string, status: number, more: object = {}): ProblemDocument => ({ type: "", code, status, title: "", detail: "", next: "", ...more });
const overtaken = (etag: string | null, current: unknown) => problem("precondition-failed", 412, { etag, current });

describe("entering", () => {
  it("replaces what was never sent, keeping its place in the order and the tag that was seen first", () => {
    const entries = after(put(cell("l1", "s1", "5", "7"), "a"), put(cell("l1", "s2", "4"), "b"), put(cell("l1", "s1", "3", "9"), "c"));
    expect(keys(entries)).toEqual(["c", "b"]);
    expect(entries[0]).toMatchObject({ expected: "7", shown: "3", tries: 0 });
  });

  it("queues behind what was sent, even if nobody answered it", () => {
    const entries = after(put(cell("l1", "s1", "5"), "a"), sent("a"), queue.again(), put(cell("l1", "s1", "3"), "b"));
    expect(entries.map(({ key, shown }) => [key, shown])).toEqual([["a", "5"], ["b", "3"]]);
    expect(keys(queue.due(entries))).toEqual(["a"]);
  });

  it("joins amendments of a lesson that were not sent yet", () => {
    const entries = after(put(lesson("PATCH", "l1", { topic: "Сети" }, "3"), "a"), put(lesson("PATCH", "l1", { hours: 1 }, "3"), "b"));
    expect(one(entries).body).toEqual({ topic: "Сети", hours: 1 });
  });

  it("replaces a refused one at the end of the queue, a conflict on top of what stands there now", () => {
    const no = after(put(cell("l1", "s1", "5"), "a"), sent("a"), queue.refused("a", problem("absent-then", 409)), put(attendance("l1"), "b"), put(cell("l1", "s1", "5"), "c"));
    expect(keys(no)).toEqual(["b", "c"]);
    const overtook = after(put(cell("l1", "s1", "5", "1"), "a"), sent("a"), queue.refused("a", overtaken("4", { grades: [] })), put(cell("l1", "s1", "3", "1"), "b"));
    expect(one(overtook)).toMatchObject({ key: "b", state: "waiting", expected: "4" });
  });

  it("takes a place out of a refused bulk when the place is entered anew", () => {
    const entries = after(put(bulk("l1", "5", { s1: null, s2: null }), "a"), sent("a"), queue.refused("a", problem("bulk-refused", 409, { items: [] })), put(cell("l1", "s1", "4"), "b"));
    expect(entries[0]).toMatchObject({ targets: ["cell:l1:s2"], state: "refused" });
    expect(entries[0]?.key).not.toBe("a");
    expect(entries[1]).toMatchObject({ key: "b", state: "waiting" });
  });
});

describe("order", () => {
  it("sends different cells side by side, six of a page at once", () => {
    const entries = after(...Array.from({ length: 9 }, (_, i) => put(cell("l1", `s${i}`, "5"), `k${i}`)));
    expect(keys(queue.due(entries))).toEqual(["k0", "k1", "k2", "k3", "k4", "k5"]);
    expect(keys(queue.due(sent("k0", "k1", "k2", "k3")(entries)))).toEqual(["k4", "k5"]);
    const other = { ...cell("l1", "s0", "5"), page: "p2" };
    expect(keys(queue.due(put(other, "z")(sent(...keys(queue.due(entries)))(entries))))).toEqual(["z"]);
  });

  it("holds a cell back behind attendance and lesson, attendance behind a cell, a final behind the student's cells", () => {
    expect(keys(queue.due(after(put(attendance("l1", "s2"), "a"), put(cell("l1", "s1", "5"), "b"), put(cell("l2", "s1", "5"), "c"))))).toEqual(["a", "c"]);
    expect(keys(queue.due(after(put(cell("l1", "s1", null, "3"), "a"), put(attendance("l1", "s1"), "b"))))).toEqual(["a"]);
    expect(keys(queue.due(after(put(lesson("PUT", "l1", {}), "a"), put(attendance("l1"), "b"))))).toEqual(["a"]);
    const final: Change = { page: PAGE, targets: ["final:s1"], method: "PUT", path: "/f", body: { value: "5" }, expected: null, shown: "5" };
    expect(keys(queue.due(after(put(cell("l1", "s1", "5"), "a"), put(final, "b"), put({ ...final, targets: ["final:s2"] }, "c"))))).toEqual(["a", "c"]);
  });

  it("lets what concerns the whole page wait for all before it and hold all after it", () => {
    const entries = after(put(cell("l1", "s1", "5"), "a"), put(whole("undo"), "b"), put(cell("l1", "s2", "5"), "c"));
    expect(keys(queue.due(entries))).toEqual(["a"]);
    expect(keys(queue.due(queue.saved("a", { position: "gradebook:1", etag: "1" })(entries)))).toEqual(["b"]);
  });

  it("keeps what belongs to a lesson that was not taken until that is settled, and nothing else", () => {
    const entries = after(put(lesson("PUT", "l1", {}), "a"), put(attendance("l1"), "b"), put(attendance("l2"), "c"), put(whole("signature"), "d"), sent("a"), queue.refused("a", problem("hours-wrong", 409)));
    expect(keys(queue.due(entries))).toEqual(["c"]);
    expect(keys(queue.due(queue.discard("a")(entries)))).toEqual(["b", "c"]);
  });
});

describe("answers", () => {
  it("tell the next entry of the place its tag and the ids of marks", () => {
    const next = cell("l1", "s1", "4", null, pendingGrade("a", 0));
    const answer: Answer = { position: "gradebook:9", etag: "9", grades: [{ grade: "g1", value: "5" }] };
    const entries = after(put(cell("l1", "s1", "5"), "a"), sent("a"), put(next, "b"), queue.saved("a", answer));
    expect(one(entries)).toMatchObject({ key: "b", expected: "9", body: { grades: [{ value: "4", work: "oral", grade: "g1" }] } });
  });

  it("tell a bulk the tags of its items, and what comes after a bulk its tag", () => {
    const first = after(put(cell("l1", "s1", "5"), "a"), sent("a"), put(bulk("l1", "4", { s1: null, s2: "2" }), "b"), queue.saved("a", { position: "x:1", etag: "9", grades: [] }));
    expect(one(first).body).toMatchObject({ items: [{ expected: "9" }, { expected: "2" }] });
    const items = [{ lesson: "l1", student: "s2", etag: "12", grades: [{ grade: "g2", value: "4" }] }];
    const then = after(put(bulk("l1", "4", { s1: null, s2: "2" }), "b"), sent("b"), put(cell("l1", "s2", "3", "2", pendingGrade("b", 0)), "c"), queue.saved("b", { position: "x:2", items }));
    expect(one(then)).toMatchObject({ expected: "12", body: { grades: [{ grade: "g2", value: "3" }] } });
  });

  it("share the tag of a lesson with its homework", () => {
    const homework: Change = { page: PAGE, targets: ["homework:l1"], method: "PUT", path: "/h", body: { text: "§ 4" }, expected: "3", shown: null };
    const entries = after(put(lesson("PATCH", "l1", { hours: 1 }, "3"), "a"), put(homework, "b"));
    expect(keys(queue.due(entries))).toEqual(["a"]);
    expect(one(queue.saved("a", { position: "x:1", etag: "5" })(entries)).expected).toBe("5");
  });

  it("give each mark of the cell its id: kept, corrected, annulled and recorded anew", () => {
    const change = cell("l1", "s1", "5");
    const grades = [{ grade: "a", value: "4", work: "oral" }, { grade: "b", value: "3", work: "oral", makeup_on: "2026-11-20" }, { value: "2", work: "test" }];
    const became = [{ grade: "b", value: null }, { grade: "a", value: "4" }, { grade: "n1", value: "3" }, { grade: "n2", value: "2" }];
    const cells = cellsAfter({ ...change, body: { grades } }, { position: "x:1", etag: "8", grades: became });
    expect(cells.get("cell:l1:s1")).toEqual({ etag: "8", marks: [{ ...grades[0] }, { ...grades[1], grade: "n1" }, { ...grades[2], grade: "n2" }] });
  });
});

describe("refusals", () => {
  it("count as saved if what stands there is what was entered", () => {
    const entry = one(after(put(cell("l1", "s1", "5", "1"), "a")));
    const there = { etag: "4", grades: [{ grade: "g", value: "5", work: "oral", late_by_days: 2 }] };
    expect(queue.verdict(entry, overtaken("4", there))).toEqual({ etag: "4", current: there });
    expect(queue.verdict(entry, overtaken("4", { grades: [{ grade: "g", value: "4", work: "oral" }] }))).toBeUndefined();
    const away = one(after(put(attendance("l1", "s1"), "a")));
    expect(queue.verdict(away, overtaken("4", { marks: [{ student: "s1", hours: 2 }] }))).toBeDefined();
    expect(queue.verdict(away, overtaken("4", { marks: [{ student: "s1", hours: 2, late: 5 }] }))).toBeUndefined();
    expect(queue.verdict(entry, problem("reason-needed", 409))).toBeUndefined();
  });

  it("give way to what was entered for the same place since", () => {
    const entries = after(put(cell("l1", "s1", "5", "1"), "a"), sent("a"), put(cell("l1", "s1", "4", "1", pendingGrade("a", 0)), "b"), queue.refused("a", problem("lesson-in-future", 409)));
    expect(one(entries)).toMatchObject({ key: "b", state: "waiting", expected: "1" });
    expect(JSON.stringify(one(entries).body)).not.toContain("pending:");
  });

  it("can be overwritten: mine as corrections of the marks that stand there, under a new key", () => {
    const current = { grades: [{ grade: "g9", value: "3", work: "oral" }] };
    const entries = after(put(cell("l1", "s1", "5"), "a"), sent("a"), queue.refused("a", overtaken("9", current)), queue.overwrite("a", { reason: { code: "input_error" } }));
    expect(one(entries)).toMatchObject({ state: "waiting", tries: 0, expected: "9", body: { grades: [{ grade: "g9", value: "5" }], reason: { code: "input_error" } } });
    expect(one(entries).key).not.toBe("a");
    expect(one(entries).problem).toBeUndefined();
  });

  it("turn a lesson that somebody else entered into its amendment", () => {
    const mine = lesson("PUT", "l1", { assignment: "x", date: "2026-11-24", pair: 1, hours: 2, kind: "practice", topic: "Сети" });
    const entries = after(put(mine, "a"), sent("a"), queue.refused("a", overtaken("9", { topic: "Иное" })), queue.overwrite("a"));
    expect(one(entries)).toMatchObject({ method: "PATCH", expected: "9", body: { hours: 2, kind: "practice", topic: "Сети" } });
  });

  it("of a bulk leave out what stands there already and send the rest again", () => {
    const there = { etag: "4", grades: [{ grade: "g", value: "5", work: "oral" }] };
    const item = { lesson: "l1", student: "s1", problem: overtaken("4", there) };
    const entries = after(put(bulk("l1", "5", { s1: null, s2: null }), "a"), sent("a"), queue.refused("a", problem("bulk-refused", 409, { items: [item] })));
    expect(one(entries)).toMatchObject({ state: "waiting", tries: 0, targets: ["cell:l1:s2"] });
    const other = { ...item, problem: overtaken("4", { grades: [{ grade: "g", value: "2", work: "oral" }] }) };
    const conflict = after(put(bulk("l1", "5", { s1: null, s2: null }), "a"), sent("a"), queue.refused("a", problem("bulk-refused", 409, { items: [other] })));
    expect(one(conflict).state).toBe("conflict");
    const mine = one(queue.overwrite("a")(conflict));
    expect(mine.body).toMatchObject({ items: [{ expected: "4", grades: [{ grade: "g", value: "5" }] }, { expected: null }] });
  });

  it("are sent again under the same key after a fault, under a new one with another body", () => {
    const fault = after(put(cell("l1", "s1", "5"), "a"), sent("a"), queue.refused("a", problem("internal", 500)));
    expect(one(queue.retry("a")(fault))).toMatchObject({ key: "a", state: "waiting", tries: 1 });
    const mended = one(queue.retry("a", { reason: { code: "other" } })(fault));
    expect(mended.key).not.toBe("a");
    expect(mended.body).toMatchObject({ reason: { code: "other" } });
  });

  it("can be given up; what is on its way cannot", () => {
    const entries = after(put(cell("l1", "s1", "5"), "a"), sent("a"));
    expect(queue.discard("a")(entries)).toHaveLength(1);
    expect(queue.discard("a")(queue.refused("a", problem("page-closed", 409))(entries))).toHaveLength(0);
  });
});
