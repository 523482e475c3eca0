/**
 * Words of the interface. Each room has its own `texts.ts`; Russian is complete by its type, English is given for the
 * shell and for errors and falls back to Russian elsewhere.
 */

export type Language = "ru" | "en";

/** What a room gives in English: any part of its Russian texts, in the same shape. */
export type Partly<T> = T extends (...given: never[]) => unknown ? T : T extends object ? { [K in keyof T]?: Partly<T[K]> } : string;

const KEPT = "zhurnal.language";

function chosen(): Language {
  return globalThis.localStorage?.getItem(KEPT) === "en" ? "en" : "ru";
}

/** The language of this visit; it changes by a reload only. */
export const language: Language = chosen();

/** Keep the choice and start again in that language. */
export function speak(wanted: Language): void {
  localStorage.setItem(KEPT, wanted);
  location.reload();
}

/** The texts of a room in the language of this visit. */
export function choose<T extends object>(ru: T, en: Partly<NoInfer<T>>): T {
  return language === "en" ? merged(ru, en) : ru;
}

function merged<T extends object>(ru: T, en: Partly<T>): T {
  const both: Record<string, unknown> = Object.fromEntries(Object.entries(ru));
  for (const [key, value] of Object.entries(en)) {
    const below = both[key];
    both[key] = typeof value === "object" && value !== null && typeof below === "object" && below !== null ? merged(below, value) : value;
  }
  return both as unknown as T;
}

const rules = new Intl.PluralRules("ru-RU");

/** The Russian form that fits the number: `plural(5, "урок", "урока", "уроков")`. */
export function plural(n: number, one: string, few: string, many: string): string {
  const category = rules.select(n);
  return category === "one" ? one : category === "few" ? few : many;
}
