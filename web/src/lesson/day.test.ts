import { expect, test } from "vitest";
import { daysTo, momentOf } from "./day";

const TIMES = ["08:30–10:00", "10:10–11:40", ""];

test("the lesson that goes on is marked, between lessons the next one, on other days none", () => {
  expect(momentOf(TIMES, "08:30")).toEqual(["now", undefined, undefined]);
  expect(momentOf(TIMES, "10:00")).toEqual([undefined, "next", undefined]);
  expect(momentOf(TIMES, "07:00")).toEqual(["next", undefined, undefined]);
  expect(momentOf(TIMES, "18:00")).toEqual([undefined, undefined, undefined]);
  expect(momentOf(TIMES, undefined)).toEqual([undefined, undefined, undefined]);
});

test("two lessons at one time are both next", () => {
  expect(momentOf(["10:10–11:40", "10:10–11:40", "12:10–13:40"], "09:00")).toEqual(["next", "next", undefined]);
});

test("days are counted on the calendar, also over a month's end", () => {
  expect([daysTo("2026-11-24", "2026-11-24"), daysTo("2026-12-01", "2026-11-24"), daysTo("2026-11-20", "2026-11-24")]).toEqual([0, 7, -4]);
});
