import { describe, expect, it } from "vitest";
import { changeOf, idsIn } from "./change";

describe("a change in a few words", () => {
  it.each([
    [{ old: "4", value: "5" }, "4 → 5"],
    [{ value: "pass" }, "— → зачёт"],
    [{ old: "2" }, "2 → —"],
    [{ marks: [{ student: "a", hours: 2 }, { student: "b", late: 5 }] }, "отсутствуют: 1"],
    [{ topic: "Сплавы" }, "Сплавы"],
    [{ reason_class: "ill" }, "болезнь"],
    [{ forced: false }, ""],
  ])("%j is told as %s", (data, told) => expect(changeOf(data)).toBe(told));
  it("names the student where there is one", () => {
    expect(idsIn({ student: "s", value: "5" })).toEqual(["s"]);
    expect(idsIn({ marks: [{ student: "a" }] })).toEqual([]);
  });
});
