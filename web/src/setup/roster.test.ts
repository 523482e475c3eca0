import { describe, expect, it } from "vitest";
import { recordId, rosterOf } from "./roster";
import type { Row } from "./table";

const row = (line: number, cells: Record<string, string>): Row => ({ line, cells, wrong: [] });
const STUDENT = row(1, { family: "Зимина", given: "Анна", middle: "Львовна", role: "student", group: "ИСП-21", birth: "2008-04-17", since: "2026-09-01" });

describe("a pasted list as a roster", () => {
  it("gives records the ids that the importer of files gives them", async () => {
    // uuid5 of «people:people:зимина анна львовна» in the importer's namespace
    expect(await recordId("people", "зимина анна львовна")).toBe("29cadfba-e546-5b93-9c17-729ac625e7f4");
  });

  it("takes existing groups by title and makes the others once", async () => {
    const other = row(2, { family: "Ким", given: "Олег", middle: "", role: "student", group: "исп-21" });
    const third = row(3, { family: "Ли", given: "Юн", middle: "", role: "student", group: "ИСП-22" });
    const made = await rosterOf([STUDENT, other, third, { ...third, line: 4 }], "таблица", [{ id: "known", title: "ИСП-21" }]);
    expect(made.groups.map(({ name }) => name)).toEqual(["ИСП-22"]);
    expect(made.enrolments.map(({ group_id, where }) => [group_id === "known", where])).toEqual([
      [true, "таблица:1"],
      [true, "таблица:2"],
      [false, "таблица:3"],
    ]);
    expect(made.people).toHaveLength(3);
  });

  it("links guardians to students of the list and nobody else", async () => {
    const mother = row(2, { family: "Зимина", given: "Ольга", middle: "", role: "guardian", child: "Зимина Анна; Чужой Иван" });
    const made = await rosterOf([mother, STUDENT], "таблица", []);
    expect(made.guardians).toHaveLength(1);
    expect(made.guardians[0]?.student_id).toBe(made.enrolments[0]?.person_id);
  });

  it("makes a curator of his group, not of the whole college", async () => {
    const curator = row(1, { family: "Климов", given: "Пётр", middle: "", role: "curator", group: "ИСП-21" });
    const made = await rosterOf([curator], "таблица", [{ id: "known", title: "ИСП-21" }]);
    expect(made.roles).toMatchObject([{ role: "curator", group_id: "known" }]);
    expect(made.enrolments).toEqual([]);
  });
});
