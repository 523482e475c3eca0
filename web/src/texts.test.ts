import { describe, expect, test } from "vitest";

const rooms = import.meta.glob<{ [name: string]: unknown }>("./*/texts.ts", { eager: true });
/** What stands in Russian as it is: the other language's own name, and signs that are no words. */
const AS_IT_IS = ["English", "Switch to English"];

/** Every text of a room, with where it stands; of a function its source, where its words are. */
function* textsIn(value: unknown, at: string): Generator<[at: string, said: string]> {
  if (typeof value === "string") yield [at, value];
  // Pairs of what a word is looked up by, and the word.
  else if (Array.isArray(value) && value.every((each) => typeof each === "string")) yield [at, value.join(" ")];
  else if (typeof value === "function") yield [at, literals(String(value))];
  else if (typeof value === "object" && value !== null) for (const [key, below] of Object.entries(value)) yield* textsIn(below, `${at}.${key}`);
}

/** What stands in quotes in the source of a function. */
const literals = (source: string) => [...source.matchAll(/"([^"]*)"|'([^']*)'|`([^`]*)`/g)].map(([, a, b, c]) => (a ?? b ?? c ?? "").replace(/\$\{[^}]*\}/g, "")).join(" ");

describe.each(Object.entries(rooms))("%s", (_, room) => {
  test("is Russian", () => {
    const foreign = [...textsIn(room, "")].filter(([, said]) => /[A-Za-z]{2,}/.test(said) && !/[А-Яа-яЁё]/.test(said) && !AS_IT_IS.includes(said));
    expect(foreign).toEqual([]);
  });
});
