import { describe, expect, it } from "vitest";
import { dayFrom, tableOf, wholeFrom, wordFrom, type Field } from "./table";

const FIELDS: readonly Field[] = [
  { key: "title", title: "Тема", required: true },
  { key: "hours", title: "Часы", also: ["часов"], required: true, read: wholeFrom },
  { key: "kind", title: "Вид", read: wordFrom({ lecture: "лекция", laboratory: "лабораторная работа" }) },
];

describe("pasted tables", () => {
  it("takes columns in order where there is no heading", () => {
    const { rows, headed } = tableOf("Алгоритмы\t4\tлекция\nГрафы\t2\tлаб", FIELDS);
    expect(headed).toBe(false);
    expect(rows.map(({ cells }) => cells)).toEqual([
      { title: "Алгоритмы", hours: "4", kind: "lecture" },
      { title: "Графы", hours: "2", kind: "laboratory" },
    ]);
  });

  it("finds columns by their heading, in any order, among others", () => {
    const { rows, headed } = tableOf("№;Часов:;ТЕМА*\n1;4;Алгоритмы", FIELDS);
    expect(headed).toBe(true);
    expect(rows).toEqual([{ line: 2, cells: { title: "Алгоритмы", hours: "4", kind: "" }, wrong: [] }]);
  });

  it("names the line and what is wrong with it, and keeps the rest", () => {
    const { rows } = tableOf("Алгоритмы\tдва\n\n\t4\tтанец\nГрафы\t2", FIELDS);
    expect(rows.map(({ line, wrong }) => [line, wrong.map(({ key, why }) => `${key} ${why}`)])).toEqual([
      [1, ["hours unread"]],
      [3, ["title missing", "kind unread"]],
      [4, []],
    ]);
  });

  it("reads quoted cells with tabs, quotes and line breaks inside", () => {
    const { rows } = tableOf('"Графы ""и""\nдеревья"\t2\r\n', FIELDS);
    expect(rows[0]?.cells["title"]).toBe('Графы "и" деревья');
    expect(rows).toHaveLength(1);
  });
});

it("reads days as people write them and refuses impossible ones", () => {
  expect(dayFrom("7.04.2008")).toBe("2008-04-07");
  expect(dayFrom("2008-04-17")).toBe("2008-04-17");
  expect(dayFrom("31.02.2008")).toBeNull();
  expect(dayFrom("2008")).toBeNull();
});

it("reads whole numbers only", () => {
  expect(wholeFrom("1 024")).toBe("1024");
  expect(wholeFrom("36,0")).toBe("36");
  expect(wholeFrom("2,5")).toBeNull();
});

it("reads an unambiguous beginning of a word", () => {
  const read = wordFrom({ practical: "практическое занятие", practice: "практика", exam: "экзамен" });
  expect(read("Экз")).toBe("exam");
  expect(read("практика")).toBe("practice");
  expect(read("прак")).toBeNull();
});
