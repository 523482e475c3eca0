import { describe, expect, it } from "vitest";
import { halvesOf, progressOf, usualYear, type Counts } from "./steps";

const NOTHING: Counts = {
  years: 0, bells: 0, groups: 0, calendared: 0, uncurated: 0, people: 0, students: 0, teachers: 0, disciplines: 0, assignments: 0, lessons: 0, staff: 0, staffed: 0,
}; // prettier-ignore

const states = (counts: Partial<Counts>) => progressOf({ ...NOTHING, ...counts }).map(({ state }) => state);

describe("the checklist", () => {
  it("begins with the year", () => {
    expect(states({})).toEqual(["next", "later", "later", "later", "later", "later"]);
    expect(states({ years: 1 })[0]).toBe("next");
    expect(states({ years: 1, bells: 1 }).slice(0, 2)).toEqual(["done", "next"]);
  });

  it("does not call people done before every group has its calendar", () => {
    const some = { years: 1, bells: 1, groups: 2, students: 20, teachers: 1 };
    expect(states({ ...some, calendared: 1 })[1]).toBe("next");
    expect(states({ ...some, calendared: 2 })[1]).toBe("done");
  });

  it("says what is done beyond the next step as well", () => {
    expect(states({ years: 1, bells: 1, disciplines: 3 })).toEqual(["done", "next", "done", "later", "later", "later"]);
  });

  it("does not call codes done while the administrator is the only one of the staff", () => {
    expect(states({ staff: 1, staffed: 1 }).at(-1)).toBe("later");
  });

  it("has nothing left to do once everybody of the staff has an account or a code", () => {
    const whole = { years: 1, bells: 1, groups: 1, calendared: 1, people: 3, students: 1, teachers: 1, disciplines: 1, assignments: 1, lessons: 9, staff: 2 };
    expect(states({ ...whole, staffed: 1 }).at(-1)).toBe("next");
    expect(states({ ...whole, staffed: 2 })).not.toContain("next");
  });
});

it("knows the academic year of a day", () => {
  expect(usualYear("2026-11-24")).toEqual({ title: "2026/27", starts_on: "2026-09-01", ends_on: "2027-06-30" });
  expect(usualYear("2027-06-30").title).toBe("2026/27");
  expect(usualYear("2027-07-01").title).toBe("2027/28");
});

it("halves a year at the turn of the calendar year", () => {
  expect(halvesOf({ starts_on: "2026-09-01", ends_on: "2027-06-30" })).toEqual([
    { starts_on: "2026-09-01", ends_on: "2026-12-31" },
    { starts_on: "2027-01-11", ends_on: "2027-06-30" },
  ]);
  expect(halvesOf({ starts_on: "2027-01-11", ends_on: "2027-06-30" })).toHaveLength(1);
});
