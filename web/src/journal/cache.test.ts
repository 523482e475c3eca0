import { QueryClient } from "@tanstack/react-query";
import { afterEach, expect, test, vi } from "vitest";
import { gradebook } from "../api/client";
import type { Change } from "../outbox/entry";
import { spreadOf, takeIn, withSaved } from "./cache";
import type { Spread } from "./spread";

const spread = (position = 10): Spread =>
  ({
    position: `gradebook:${position}`,
    you: { id: "me" },
    page: { id: "p" },
    lessons: [{ lesson: "l1", date: "2026-11-20", pair: 1, number: 1, topic: "Тема", homework: "", due_on: null, etag: "3", attendance: { etag: "none", marks: null } }],
    students: [
      { student: "s1", cells: {}, final: null, lock: null },
      { student: "s2", cells: { l1: { etag: "4", grades: [] } }, final: { etag: "9", value: "5" }, lock: {} },
    ],
  }) as unknown as Spread;

const change = (target: string, body: object, more: Partial<Change> = {}): Change => ({ page: "p", targets: [target], method: "PUT", path: "", body, shown: null, ...more });

test("a saved cell has its grades with their ids, and its tag", () => {
  const after = withSaved(spread(), change("cell:l1:s1", { grades: [{ value: "5", work: "oral" }] }), { position: "gradebook:11", etag: "7", grades: [{ grade: "g1", value: "5" }] });
  expect(after.students[0]?.cells).toEqual({ l1: { etag: "7", grades: [{ grade: "g1", value: "5", work: "oral" }] } });
  expect(after.students[1]).toEqual(spread().students[1]);
});

test("attendance, homework, an amended and a new lesson stand as they were sent, under their new tags", () => {
  const answer = { position: "gradebook:11", etag: "8" };
  expect(withSaved(spread(), change("attendance:l1", { marks: [{ student: "s1", hours: 2 }] }), answer).lessons[0]?.attendance).toEqual({ etag: "8", marks: [{ student: "s1", hours: 2 }] });
  expect(withSaved(spread(), change("homework:l1", { text: "Читать", due_on: "2026-11-27" }), answer).lessons[0]).toMatchObject({ homework: "Читать", due_on: "2026-11-27", etag: "8", topic: "Тема" });
  expect(withSaved(spread(), change("lesson:l1", { topic: "Другая", hours: undefined }, { method: "PATCH" }), answer).lessons[0]).toMatchObject({ topic: "Другая", etag: "8", number: 1 });
  const entered = withSaved(spread(), change("lesson:l0", { assignment: "a", date: "2026-11-19", pair: 2, hours: 2, kind: "lecture", topic: "Первая", topic_no: 1 }), answer);
  expect(entered.lessons.map(({ lesson, number, etag }) => [lesson, number, etag])).toEqual([["l0", 2, "8"], ["l1", 1, "3"]]);
  expect(entered.lessons[0]).toMatchObject({ taught_by: "me", attendance: { marks: null }, lock: null });
});

test("a final locks the student's row, its withdrawal opens it", () => {
  const set = withSaved(spread(), change("final:s1", { value: "4" }), { position: "gradebook:11", etag: "8" });
  expect(set.students[0]).toMatchObject({ final: { etag: "8", value: "4" }, lock: { rule: "G2", by: "teacher" } });
  const taken = withSaved(spread(), change("final:s2", { reason: { code: "input_error" } }, { method: "DELETE" }), { position: "gradebook:11", etag: "12" });
  expect(taken.students[1]).toMatchObject({ final: { etag: "12", value: null }, lock: null });
});

test("what stood there already is taken as it stands there", () => {
  const after = withSaved(spread(), change("attendance:l1", { marks: [] }), { current: { marks: [{ student: "s2", late: 5 }], etag: "6" } });
  expect(after.lessons[0]?.attendance).toEqual({ etag: "6", marks: [{ student: "s2", late: 5 }] });
});

test("what concerns the whole page changes nothing by itself", () => {
  const before = spread();
  expect(withSaved(before, change("page", {}, { method: "POST" }), { position: "gradebook:11" })).toBe(before);
});

afterEach(() => vi.restoreAllMocks());

test("an answer that is older than the last saved change does not undo it, and an unchanged page is not sent again", async () => {
  const asked: unknown[] = [];
  const answers: { data?: Spread; response: Response }[] = [];
  const answered = (status: number, etag: string, data?: Spread) => ({ ...(data && { data }), response: new Response(null, { status, headers: { ETag: etag } }) });
  vi.spyOn(gradebook, "GET").mockImplementation(((_: string, init: { headers: Record<string, string> }) => {
    asked.push(init.headers["If-None-Match"]);
    return Promise.resolve(answers.shift());
  }) as never);
  const client = new QueryClient();
  const cells = async () => (await client.fetchQuery({ ...spreadOf("p"), staleTime: 0 })).students[0]?.cells;

  answers.push(answered(200, '"a"', spread(10)), answered(304, '"a"'));
  expect(await cells()).toEqual({});
  expect(await cells()).toEqual({});
  takeIn(client, change("cell:l1:s1", { grades: [{ value: "5", work: "oral" }] }), { position: "gradebook:12", etag: "7", grades: [{ grade: "g1", value: "5" }] }, false);
  answers.push(answered(200, '"b"', spread(11)), answered(200, '"c"', spread(12)));
  expect(await cells()).toHaveProperty("l1");
  expect(await cells()).toEqual({});
  expect(asked).toEqual([undefined, '"a"', undefined, undefined]);
});
