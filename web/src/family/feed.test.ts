import { describe, expect, it } from "vitest";
import type { Card, CardGrade, CardLesson, CardPage } from "./data";
import { absences, currentPeriod, entries, homework } from "./feed";

const hours = { held: 0, missed: 0, ill: 0, excused: 0, unexcused: 0, unclassified: 0, late: 0, late_minutes: 0, left_early: 0 };
const five: CardGrade = { grade: "g", value: "5", work: "oral", weight: 100 };
const present = { hours: 0, late: 0, left_early: 0, class: null };

const lesson = (date: string, pair: number, more: Partial<CardLesson> = {}): CardLesson => ({
  lesson: `${date}/${pair}`,
  date,
  pair,
  number: 1,
  hours: 2,
  kind: "lecture",
  teacher: "t",
  topic: "",
  topic_no: null,
  grades: [],
  ...more,
});

const page = (id: string, period: string, lessons: CardLesson[]): CardPage => ({
  page: id,
  group: { id: "g", title: "" },
  discipline: { id, code: "", title: id, kind: "discipline" },
  period,
  year: "y",
  state: "open",
  teachers: [],
  mean: null,
  counted: 0,
  needed: null,
  final: null,
  final_mean: null,
  hours,
  attendance: null,
  programme: null,
  lessons,
  carried: [],
  taken: [],
});

const period = (id: string, starts_on: string, ends_on: string) => ({ period: id, title: "", kind: "semester" as const, starts_on, ends_on });

const card = (...disciplines: CardPage[]): Card => ({
  student: "s",
  status: "studying",
  years: [
    {
      year: "y",
      title: "",
      periods: [period("p1", "2026-09-01", "2026-10-31"), period("p2", "2026-11-09", "2027-01-30"), period("foreign", "2026-11-20", "2026-12-30")],
    },
  ],
  hours,
  attendance: null,
  disciplines,
  positions: {},
});

describe("the newest entries", () => {
  it("stand first over all disciplines, and lessons without an entry are left out", () => {
    const shown = entries([
      page("a", "p1", [lesson("2026-09-01", 1, { grades: [five] }), lesson("2026-09-03", 1)]),
      page("b", "p1", [lesson("2026-09-01", 3, { grades: [five] }), lesson("2026-09-02", 1, { absence: { ...present, hours: 2 } })]),
    ]);
    expect(shown.map((entry) => entry.lesson.lesson)).toEqual(["2026-09-02/1", "2026-09-01/3", "2026-09-01/1"]);
  });
  it("hold absences of every kind, but not the marks of somebody present", () => {
    const lessons = [lesson("2026-09-01", 1, { absence: { ...present, late: 10 } }), lesson("2026-09-02", 1, { absence: present })];
    expect(absences([page("a", "p1", lessons)]).map((entry) => entry.lesson.date)).toEqual(["2026-09-01"]);
  });
});

describe("homework", () => {
  it("is due from that day on, the nearest first, without a day last", () => {
    const set = (date: string, due: string | null) => lesson(date, 1, { homework: { text: "x", due_on: due } });
    const lessons = [set("2026-09-01", "2026-09-10"), set("2026-09-02", null), set("2026-09-03", "2026-09-04"), set("2026-09-04", "2026-09-05")];
    expect(homework([page("a", "p1", lessons)], "2026-09-05").map((entry) => entry.lesson.date)).toEqual(["2026-09-04", "2026-09-01", "2026-09-02"]);
  });
});

describe("the period to begin with", () => {
  const both = card(page("a", "p1", []), page("b", "p2", []));
  it("is the running one of the student's own", () => expect(currentPeriod(both, "y", "2026-11-24")).toBe("p2"));
  it("is the last one in the holidays", () => expect(currentPeriod(both, "y", "2026-11-03")).toBe("p1"));
  it("is none before the year has begun", () => expect(currentPeriod(both, "y", "2026-08-01")).toBe(""));
});
