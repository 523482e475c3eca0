import { describe, expect, it } from "vitest";
import type { Assignment, Slot, Timetable } from "./data";
import { cleaned, daysOf, inForce, kindsOf, same, slotsAt } from "./week";

const slot = (weekday: number, pair: number, more: Partial<Slot> = {}): Slot => ({ weekday, pair, assignment: "a", room: "", kind: "lecture", parity: "every", joint: "", ...more });
const published = (starts_on: string): Timetable => ({ id: starts_on, group: "g", period: "p", starts_on, ends_on: "2026-12-31", slots: [] });

it("leaves the days without study out", () => {
  expect(daysOf({ weekend: [6, 7] })).toEqual([1, 2, 3, 4, 5]);
});

describe("which timetable is in force", () => {
  it("takes the latest that has begun", () => {
    const all = [published("2026-09-01"), published("2026-10-01"), published("2026-12-01")];
    expect(inForce(all, "2026-11-24")?.id).toBe("2026-10-01");
  });
  it("shows the one to come before any has begun", () => {
    expect(inForce([published("2026-09-01")], "2026-08-20")?.id).toBe("2026-09-01");
    expect(inForce([], "2026-08-20")).toBeUndefined();
  });
});

it("compares grids by their lines, not by their order", () => {
  expect(same([slot(1, 1), slot(2, 1)], [slot(2, 1), slot(1, 1)])).toBe(true);
  expect(same([slot(1, 1)], [slot(1, 1, { room: "r" })])).toBe(false);
  expect(same([slot(1, 1)], [slot(1, 1), slot(1, 1)])).toBe(false);
});

it("finds both subgroups of a pair", () => {
  expect(slotsAt([slot(1, 1), slot(1, 1, { assignment: "b" }), slot(1, 2)], 1, 1)).toHaveLength(2);
});

it("offers the kinds of an assignment, all where it names none", () => {
  const of = (kinds: Assignment["kinds"]) => ({ kinds }) as Assignment;
  expect(kindsOf(of(["laboratory"]), ["lecture", "laboratory"])).toEqual(["laboratory"]);
  expect(kindsOf(of([]), ["lecture"])).toEqual(["lecture"]);
});

it("drops lines whose assignment is gone", () => {
  expect(cleaned([slot(1, 1), slot(1, 2, { assignment: "gone" })], [{ id: "a" } as Assignment])).toEqual([slot(1, 1)]);
});
