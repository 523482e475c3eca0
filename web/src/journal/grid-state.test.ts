import { describe, expect, it } from "vitest";
import { actOf, blanks, blockOf, byRow, changedBetween, finalLock, landings, lockAt, valueOf } from "./grid-state";
import type { Entry } from "../outbox";
import type { Spread, SpreadLesson, SpreadStudent } from "./spread";

const TODAY = "2026-11-24";
const pressed = (key: string, held: Partial<{ ctrlKey: boolean; shiftKey: boolean; altKey: boolean }> = {}) => ({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...held });

const lesson = (id: string, more: Partial<SpreadLesson> = {}): SpreadLesson => ({
  lesson: id,
  assignment: "a",
  taught_by: "t",
  date: "2026-11-23",
  pair: 1,
  number: 1,
  hours: 2,
  kind: "lecture",
  topic: "",
  topic_no: null,
  homework: "",
  due_on: null,
  late_by_days: 0,
  etag: "1",
  attendance: { etag: "none", marks: null },
  unlocked_until: null,
  lock: null,
  ...more,
});

const student = (id: string, more: Partial<SpreadStudent> = {}): SpreadStudent => ({
  student: id,
  spans: [{ on: "2026-09-01", until: null }],
  enrolled: true,
  cells: {},
  away: [],
  mean: null,
  counts: { grades: 0, substantial: 0, debts: 0 },
  hours: { held: 0, missed: 0, late: 0 },
  final: null,
  proposal: { value: null, why: "too-few-grades" },
  permission: null,
  carried: null,
  taken: [],
  lock: null,
  ...more,
});

const graded = (value: "5" | "4" | "3" | "2", etag = "7") => ({ etag, grades: [{ grade: "g", value, work: "oral" as const }] });

function spread(lessons: SpreadLesson[], students: SpreadStudent[], closed = false): Spread {
  const page = { lock: null, closed: closed ? { by: "d", at: "2026-11-20T00:00:00Z" } : null };
  return { you: { id: "t", assignments: ["a"], lessons: [], finals: true, undo_until: null }, page, lessons, students } as unknown as Spread;
}

describe("a key", () => {
  it.each([
    ["5", { kind: "value", value: "5" }],
    [".", { kind: "value", value: "." }],
    ["н", { kind: "absent" }],
    ["y", { kind: "absent" }],
    ["Н", { kind: "absent" }],
    ["з", { kind: "value", value: "pass" }],
    ["Enter", { kind: "move", rows: 1, columns: 0 }],
    ["F2", { kind: "open" }],
    ["?", { kind: "help" }],
  ])("%s is %j", (key, act) => expect(actOf(pressed(key))).toEqual(act));
  it("goes up with Shift+Enter, to the corners with Ctrl, and picks with Shift", () => {
    expect(actOf(pressed("Enter", { shiftKey: true }))).toEqual({ kind: "move", rows: -1, columns: 0 });
    expect(actOf(pressed("Home", { ctrlKey: true }))).toEqual({ kind: "edge", row: "first", column: "first" });
    expect(actOf(pressed("ArrowDown", { shiftKey: true }))).toMatchObject({ select: true });
    expect(actOf(pressed("я", { ctrlKey: true }))).toEqual({ kind: "undo" });
  });
  it.each(["1", "6", "a", "Shift"])("%s is nothing of ours", (key) => expect(actOf(pressed(key))).toBeUndefined());
  it("leaves the browser its own combinations", () => {
    expect(actOf(pressed("5", { ctrlKey: true }))).toBeUndefined();
    expect(actOf(pressed("ArrowLeft", { altKey: true }))).toBeUndefined();
  });
});

describe("a value from a spreadsheet", () => {
  it.each([
    [" 5 ", "5"],
    ["зачёт", "pass"],
    ["Зач.", "pass"],
    ["незачет", "fail"],
    ["н/з", "fail"],
    [".", "."],
  ])("%j is %s", (typed, value) => expect(valueOf(typed)).toBe(value));
  it.each(["1", "55", "отлично", "4,5", "н", ""])("%j is none", (typed) => expect(valueOf(typed)).toBeUndefined());
  it("comes in rows and columns, whatever ends the lines", () => {
    expect(blockOf("5\t4\r\n\t3\r\n")).toEqual([
      ["5", "4"],
      ["", "3"],
    ]);
  });
});

describe("a cell is locked", () => {
  const open = lesson("l");
  it.each([
    ["foreign", lesson("l", { assignment: "other" }), student("s"), false],
    ["closed", open, student("s"), true],
    ["future", lesson("l", { date: "2026-11-25" }), student("s"), false],
    ["late", lesson("l", { lock: { code: "entry-limit-passed", rule: "G7", clause: "R 8.4", by: "deputy_director" } }), student("s"), false],
    ["away", open, student("s", { away: ["l"] }), false],
    ["final", open, student("s", { lock: { code: "final-frozen", rule: "G2", clause: "R 4.4.1", by: "teacher" } }), false],
    [undefined, open, student("s"), false],
  ] as const)("as %s", (locked, held, of, closed) => expect(lockAt(spread([held], [of], closed), held, of, TODAY)).toBe(locked));
});

describe("a pasted block", () => {
  const lessons = [lesson("l1"), lesson("l2", { attendance: { etag: "2", marks: [{ student: "s2", hours: 2 }] } })];
  const students = [student("s1", { cells: { l1: graded("4") } }), student("s2")];
  const at = (block: string[][], entries = new Map<string, Entry>()) => landings(spread(lessons, students), students, lessons, entries, { row: 0, column: 0 }, block, TODAY);
  it("fills blanks only, and says of every other value why not", () => {
    expect(at([["5", "5", "5"], ["3", "3"], ["x"]]).map(({ skip }) => skip)).toEqual(["stands", undefined, "outside", undefined, "absent", "outside"]);
    expect(at([["отлично"]])[0]).toMatchObject({ skip: "bad" });
  });
  it("does not land on what is on its way", () => {
    const entry = { body: { grades: [{ value: "5", work: "oral" }] }, targets: ["cell:l1:s2"] } as unknown as Entry;
    expect(at([[""], ["4"]], new Map([["cell:l1:s2", entry]])).map(({ skip }) => skip)).toEqual(["stands"]);
  });
  it("leaves an absent student's blank alone when a column is filled", () => {
    const [, second] = lessons;
    expect(second && blanks(spread(lessons, students), students, second, new Map(), TODAY).map((each) => each.student)).toEqual(["s1"]);
  });
});

describe("what has changed since", () => {
  it("is named by cells, absences and finals", () => {
    const then = spread([lesson("l")], [student("s1", { cells: { l: graded("4", "1") } }), student("s2"), student("s3")]);
    const now = spread(
      [lesson("l", { attendance: { etag: "9", marks: [{ student: "s3", hours: 2 }] } })],
      [student("s1", { cells: { l: graded("5", "2") } }), student("s2", { final: { etag: "3", value: "5" } }), student("s3")],
    );
    expect(changedBetween(then, now)).toEqual(new Set(["cell:l:s1", "final:s2", "cell:l:s3"]));
    expect(changedBetween(now, now).size).toBe(0);
  });
});

describe("Tab", () => {
  it("goes right and, with Shift, left, and leaves the grid at a row's ends", () => {
    expect(actOf(pressed("Tab"))).toEqual({ kind: "move", rows: 0, columns: 1, leaves: true });
    expect(actOf(pressed("Tab", { shiftKey: true }))).toEqual({ kind: "move", rows: 0, columns: -1, leaves: true });
  });
});

describe("a final", () => {
  const page = (state: "early" | "open" | "late", finals = true, closed = false) =>
    ({ you: { finals }, page: { closed: closed ? { by: "d", at: "" } : null, finals: { state } } }) as unknown as Spread;
  const late = (late_until: string) => student("s", { permission: { late_until, fewer_grades: false } as SpreadStudent["permission"] });

  it("says why it cannot be set before anybody types", () => {
    expect(finalLock(page("open"), student("s"), TODAY)).toBeUndefined();
    expect(finalLock(page("open", false), student("s"), TODAY)).toBe("not-responsible");
    expect(finalLock(page("open", true, true), student("s"), TODAY)).toBe("closed");
    expect(finalLock(page("early"), student("s"), TODAY)).toBe("early");
    expect(finalLock(page("late"), student("s"), TODAY)).toBe("over");
  });

  it("can be set late for whom the deputy has allowed it, up to and including that day", () => {
    expect(finalLock(page("late"), late(TODAY), TODAY)).toBeUndefined();
    expect(finalLock(page("late"), late("2026-11-23"), TODAY)).toBe("over");
  });
});

describe("the entries of a row", () => {
  const entry = (key: string) => ({ key }) as Entry;

  it("are the same map while none of them changes, whatever other rows do", () => {
    const rows = byRow();
    const students = [student("s"), student("t")];
    const [mine, its] = [entry("1"), entry("2")];
    const before = rows(new Map([["cell:l:s", mine]]), students);
    const after = rows(new Map([["cell:l:s", mine], ["cell:l:t", its]]), students);
    expect(after.get("s")).toBe(before.get("s"));
    expect(after.get("t")).not.toBe(before.get("t"));
    expect(after.get("t")?.get("cell:l:t")).toBe(its);
  });

  it("hold an attendance, which concerns every row", () => {
    const marking = entry("3");
    expect(byRow()(new Map([["attendance:l", marking]]), [student("s")]).get("s")?.get("attendance:l")).toBe(marking);
  });
});
