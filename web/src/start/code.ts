/**
 * Activation codes as people type them: any case, any grouping, O for 0, I and L for 1, and Cyrillic letters that look
 * like Latin ones. Twenty symbols of Crockford's base32 and a check symbol, modulo 37 (the journal's own rule).
 */

const SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHECKS = `${SYMBOLS}*~$=U`;
const LENGTH = 20;
const READ_AS: Readonly<Record<string, string>> = {
  O: "0", I: "1", L: "1",
  // the keys of a Russian keyboard that bear the same shape
  "\u0410": "A", "\u0412": "B", "\u0415": "E", "\u041A": "K", "\u041C": "M", "\u041D": "H", "\u041E": "0",
  "\u0420": "P", "\u0421": "C", "\u0422": "T", "\u0425": "X",
}; // prettier-ignore

/** The symbols alone, without what people put between them. */
export function symbolsOf(typed: string): string {
  return [...typed.toUpperCase()]
    .filter((symbol) => !/[\s\-\u2010-\u2015]/.test(symbol))
    .map((symbol) => READ_AS[symbol] ?? symbol)
    .join("");
}

/** As printed on the slip: XXXXX-XXXXX-XXXXX-XXXXX-C, as far as it has been typed. */
export function written(typed: string): string {
  const symbols = symbolsOf(typed);
  const groups = symbols.slice(0, LENGTH).match(/.{1,5}/g) ?? [];
  return [...groups, ...(symbols.length > LENGTH ? [symbols.slice(LENGTH)] : [])].join("-");
}

/** `short`, `long`, `foreign` (a symbol that no code has), `mistyped` (the check symbol does not fit), or `whole`. */
export type Verdict = "short" | "long" | "foreign" | "mistyped" | "whole";

export function judged(typed: string): Verdict {
  const symbols = symbolsOf(typed);
  const body = symbols.slice(0, LENGTH);
  if ([...body].some((symbol) => !SYMBOLS.includes(symbol))) return "foreign";
  if (symbols.length <= LENGTH) return "short";
  if (symbols.length > LENGTH + 1) return "long";
  let rest = 0;
  for (const symbol of body) rest = (rest * 32 + SYMBOLS.indexOf(symbol)) % CHECKS.length;
  return CHECKS[rest] === symbols[LENGTH] ? "whole" : "mistyped";
}
