import { describe, expect, test } from "vitest";
import type { Spread, SpreadLesson, SpreadStudent, Value } from "../journal/spread";
import type { Entry } from "../outbox";
import {
  absentToggled,
  barredFrom,
  entered,
  filled,
  gapsOf,
  isAbsent,
  lateToggled,
  mayBeAbsent,
  nextPresent,
  nextTopic,
  overdue,
  rosterOf,
  rowsOf,
  seenLesson,
  withMissed,
  type Row,
} from "./lesson-state";
import type { Planned } from "./data";

const student = (id: string, more: Partial<SpreadStudent> = {}): SpreadStudent =>
  ({ student: id, spans: [{ on: "2026-09-01", until: null }], enrolled: true, cells: {}, lock: null, ...more }) as SpreadStudent;

const held = (lesson: string, more: Partial<SpreadLesson> = {}): SpreadLesson => ({
  lesson,
  assignment: "a1",
  taught_by: "me",
  date: "2026-11-20",
  pair: 1,
  number: 1,
  hours: 2,
  kind: "lecture",
  topic: "Тема",
  topic_no: 1,
  homework: "",
  due_on: null,
  late_by_days: 0,
  etag: "7",
  attendance: { etag: "8", marks: [] },
  unlocked_until: null,
  lock: null,
  ...more,
});

const spreadOf = (more: { lessons?: SpreadLesson[]; students?: SpreadStudent[]; subgroups?: Record<string, string[]>; you?: Partial<Spread["you"]>; page?: Partial<Spread["page"]> } = {}): Spread =>
  ({
    position: "gradebook:1",
    as_of: null,
    you: { id: "me", assignments: ["a1"], lessons: [], finals: true, undo_until: null, ...more.you },
    page: { id: "p", group: "g", discipline: "d", closed: null, lock: null, rules: { entry_limit_days: 7 }, ...more.page },
    assignments: [
      { assignment: "a1", subgroup: "", kinds: [], teachers: [] },
      { assignment: "a2", subgroup: "1", kinds: [], teachers: [] },
    ],
    substitutes: [],
    subgroups: more.subgroups ?? {},
    lessons: more.lessons ?? [held("l1")],
    students: more.students ?? [student("s1"), student("s2"), student("s3")],
  }) as unknown as Spread;

const entry = (target: string, body: object, more: Partial<Entry> = {}): Entry =>
  ({ page: "p", targets: [target], method: "PUT", path: "", body, shown: null, key: target, person: "me", made_at: "", seq: 1, state: "waiting", tries: 0, ...more }) as Entry;

const mapOf = (...entries: Entry[]) => new Map(entries.flatMap((each) => each.targets.map((target) => [target, each] as const)));

describe("what is seen of a lesson", () => {
  test("entries on their way lie over what the journal has, in their order", () => {
    const waiting = [
      entry("lesson:l1", { topic: "Другая" }, { method: "PATCH" }),
      entry("homework:l1", { text: "Читать", due_on: "2026-11-27" }),
      entry("attendance:l1", { marks: [{ student: "s1", hours: 2 }] }),
      entry("attendance:l2", { marks: [{ student: "s2", hours: 2 }] }),
    ];
    expect(seenLesson(spreadOf(), "l1", waiting)).toMatchObject({ topic: "Другая", homework: "Читать", due_on: "2026-11-27", attendance: { etag: "8", marks: [{ student: "s1", hours: 2 }] } });
  });

  test("a lesson that was begun here can be kept before the journal has answered, also when its topic was changed since", () => {
    const begun = entry("lesson:new", { assignment: "a1", date: "2026-11-24", pair: 2, hours: 2, kind: "lecture", topic: "Первая", topic_no: 3 }, { state: "sending", tries: 1 });
    const amended = entry("lesson:new", { topic: "Вторая" }, { method: "PATCH" });
    expect(seenLesson(spreadOf(), "new", [begun, amended])).toMatchObject({ lesson: "new", topic: "Вторая", topic_no: 3, attendance: { marks: null } });
    expect(seenLesson(spreadOf(), "new", [])).toBeUndefined();
    expect(seenLesson(spreadOf(), "new", [{ ...begun, page: "other" }])).toBeUndefined();
  });

  test("only who was enrolled on the day and belongs to the agreed subgroup is on the list", () => {
    const students = [student("s1"), student("s2", { spans: [{ on: "2026-09-01", until: "2026-11-19" }] }), student("s3", { spans: [{ on: "2026-11-20", until: null }] })];
    const ids = (spread: Spread, assignment: string) => rosterOf(spread, { date: "2026-11-20", assignment }).map((each) => each.student);
    expect(ids(spreadOf({ students }), "a1")).toEqual(["s1", "s3"]);
    expect(ids(spreadOf({ students }), "a2")).toEqual(["s1", "s3"]);
    expect(ids(spreadOf({ students, subgroups: { "1": ["s3"] } }), "a2")).toEqual(["s3"]);
  });

  test("a cell shows what waits for it, also as one of many", () => {
    const [lesson, students] = [held("l1"), [student("s1"), student("s2")]];
    const bulk = entry("cell:l1:s2", { items: [{ lesson: "l1", student: "s2", grades: [{ value: "4", work: "oral" }] }] }, { method: "POST" });
    const rows = rowsOf(students, lesson, mapOf(entry("cell:l1:s1", { grades: [{ value: "5", work: "oral" }] }), bulk));
    expect(rows.map(({ cell }) => cell.grades.map(({ value }) => value))).toEqual([["5"], ["4"]]);
  });
});

describe("attendance", () => {
  test("one tap is absent for the whole lesson, the next takes it back", () => {
    const once = absentToggled([{ student: "s2", late: 5 }], "s1", 2);
    expect(once).toEqual([{ student: "s2", late: 5 }, { student: "s1", hours: 2 }]);
    expect(absentToggled(once, "s1", 2)).toEqual([{ student: "s2", late: 5 }]);
    expect(absentToggled([{ student: "s1", hours: 1, late: 5 }], "s1", 2)).toEqual([{ student: "s1", hours: 2 }]);
  });

  test("one tap is late, the next takes it back; who was away is there then, half a pair stays missed", () => {
    expect(lateToggled([{ student: "s1", hours: 2 }], "s1", 10, 2)).toEqual([{ student: "s1", late: 10 }]);
    expect(lateToggled([{ student: "s1", hours: 1 }], "s1", 10, 2)).toEqual([{ student: "s1", hours: 1, late: 10 }]);
    expect(lateToggled([{ student: "s1", late: 25, left_early: 5 }], "s1", 10, 2)).toEqual([{ student: "s1", left_early: 5 }]);
  });

  test("who missed nothing is not listed", () => {
    expect(withMissed([{ student: "s1", hours: 2 }], { student: "s1", hours: 0, late: 0 })).toEqual([]);
  });

  test("absent is who missed all of it, and not where a grade of the lesson stands", () => {
    expect([isAbsent({ student: "s", hours: 1 }, 2), isAbsent({ student: "s", hours: 2 }, 2), isAbsent(undefined, 2)]).toEqual([false, true, false]);
    const cell = (...grades: { value: Value; makeup_on?: string }[]) => ({ etag: "1", grades: grades.map((grade) => ({ grade: "g", work: "oral" as const, ...grade })) });
    expect(mayBeAbsent(cell({ value: "." }, { value: "4", makeup_on: "2026-11-21" }))).toBe(true);
    expect(mayBeAbsent(cell({ value: "4" }))).toBe(false);
  });
});

describe("grades by taps", () => {
  const row = (values: Value[], more: Partial<Row> = {}): Row => ({
    student: "s1",
    missed: undefined,
    cell: { etag: "3", grades: values.map((value, n) => ({ grade: `g${n}`, value, work: "written" })) },
    entry: undefined,
    lock: null,
    ...more,
  });

  test("an empty cell takes it, a dot gives way to it and keeps its work, a grade asks what is meant", () => {
    expect(entered(row([]), { value: "5", work: "oral" })).toEqual([{ value: "5", work: "oral" }]);
    expect(entered(row(["4", "."]), { value: "3", work: "oral" })).toEqual([
      { grade: "g0", value: "4", work: "written" },
      { grade: "g1", value: "3", work: "written" },
    ]);
    expect(entered(row(["4"]), { value: "5", work: "oral" })).toBeUndefined();
    expect(entered(row(["."]), { value: ".", work: "oral" })).toBeUndefined();
  });

  test("what has not left the device yet is simply replaced", () => {
    const unsent = row(["4"], { entry: entry("cell:l1:s1", {}) });
    unsent.cell.grades = [{ value: "4", work: "oral" } as never];
    expect(entered(unsent, { value: "2", work: "oral" })).toEqual([{ value: "2", work: "oral" }]);
    expect(entered({ ...unsent, entry: entry("cell:l1:s1", {}, { tries: 1 }) }, { value: "2", work: "oral" })).toBeUndefined();
  });

  test("next is the next who was there and is not locked", () => {
    const rows = [row([], { student: "s1" }), row([], { student: "s2", missed: { student: "s2", hours: 2 } }), row([], { student: "s3", lock: { code: "final-stands", rule: "G2", clause: "R 4.4.1", by: "teacher" } }), row([], { student: "s4" })];
    expect(nextPresent(rows, null, 2)).toBe("s1");
    expect(nextPresent(rows, "s1", 2)).toBe("s4");
    expect(nextPresent(rows, "s4", 2)).toBeNull();
    expect(nextPresent(rows, "s4", 2, -1)).toBe("s1");
  });
});

describe("a lesson of the timetable", () => {
  test("takes the next topic of its kind, else the next one at all", () => {
    const topics = [1, 2, 3, 4].map((number) => ({ number, title: `т${number}`, hours: 2, kind: number % 2 ? ("lecture" as const) : ("practical" as const) }));
    const spread = spreadOf({ lessons: [held("l1", { topic_no: 1 }), held("l2", { topic_no: 2, assignment: "a2" })] });
    expect(nextTopic(spread, "a1", "lecture", topics)?.number).toBe(3);
    expect(nextTopic(spread, "a1", "practical", topics)?.number).toBe(2);
    expect(nextTopic(spread, "a1", "exam", topics)?.number).toBe(2);
    expect(nextTopic(spread, "a1", "lecture", [])).toBeUndefined();
  });

  test("says before anybody taps why nothing can be entered", () => {
    const lesson = { lesson: "l1", assignment: "a1", date: "2026-11-20", lock: null };
    expect(barredFrom(spreadOf(), lesson, "2026-11-20")).toBeUndefined();
    expect(barredFrom(spreadOf({ you: { assignments: [] } }), lesson, "2026-11-20")).toBe("foreign");
    expect(barredFrom(spreadOf({ you: { assignments: [], lessons: ["l1"] } }), lesson, "2026-11-20")).toBeUndefined();
    expect(barredFrom(spreadOf({ page: { closed: { by: "x", at: "y" } } }), lesson, "2026-11-20")).toBe("closed");
    expect(barredFrom(spreadOf(), lesson, "2026-11-19")).toBe("future");
    expect(barredFrom(spreadOf(), { ...lesson, lock: { code: "entry-limit-passed", rule: "G7", clause: "R 8.4", by: "deputy_director" } }, "2026-12-20")).toBe("late");
    expect([overdue(spreadOf(), "2026-11-20", "2026-11-27"), overdue(spreadOf(), "2026-11-20", "2026-11-28")]).toEqual([false, true]);
  });

  test("is as full as what is entered, sent or not", () => {
    const spread = spreadOf({ lessons: [held("l1", { topic: "", attendance: { etag: "none", marks: null } })] });
    expect(filled(spread, "l1", [], new Map())).toMatchObject({ held: true, attendance: false, topic: false, grades: 0 });
    const waiting = [entry("attendance:l1", { marks: [{ student: "s1", hours: 2 }, { student: "s2", late: 5 }] }), entry("cell:l1:s3", { grades: [{ value: "5", work: "oral" }] })];
    expect(filled(spread, "l1", waiting, mapOf(...waiting))).toMatchObject({ attendance: true, grades: 1, away: 1, late: 1 });
    expect(filled(spread, "nowhere", [], new Map()).held).toBe(false);
  });

  test("is a gap from the next day on until it is entered with attendance and topic", () => {
    const planned = { id: "l9", date: "2026-11-21", pair: 3, teacher: "me", cancelled: false } as Planned;
    const lessons = [held("l1"), held("l2", { attendance: { etag: "none", marks: null } }), held("l3", { topic: "" }), held("l4", { taught_by: "other", topic: "" })];
    const gaps = (plan: Planned[], waiting: Entry[] = [], today = "2026-11-24") => gapsOf(spreadOf({ lessons }), plan, "me", today, waiting).map(({ lesson, gap }) => `${lesson} ${gap}`);
    expect(gaps([planned])).toEqual(["l2 no_attendance", "l3 no_topic", "l9 not_held"]);
    expect(gaps([planned], [entry("attendance:l2", { marks: [] })])).toEqual(["l3 no_topic", "l9 not_held"]);
    expect(gaps([{ ...planned, cancelled: true }, { ...planned, teacher: "other" }, { ...planned, id: "l1" }])).toEqual(["l2 no_attendance", "l3 no_topic"]);
    expect(gaps([planned], [], "2026-11-20")).toEqual([]);
  });
});
