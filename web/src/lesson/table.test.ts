import { expect, test } from "vitest";
import { csvOf } from "./table";

test("a cell keeps its separators and quotes, and is no formula", () => {
  expect(csvOf(["а", "б"], [["x;y", 'он "сам"'], ["=1+1", "строка\nдве"]])).toBe('\uFEFFа;б\r\n"x;y";"он ""сам"""\r\n\'=1+1;"строка\nдве"\r\n');
});
