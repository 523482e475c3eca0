/**
 * Dates and numbers as people read them. Days are `YYYY-MM-DD` strings of the college's calendar and never become
 * instants; instants are shown in the college's zone, wherever the reader sits.
 */

import { language } from "./texts";

const locale = language === "en" ? "en-GB" : "ru-RU";
let zone = "Asia/Barnaul";

/** The college's time zone, once it is known. */
export function setZone(name: string): void {
  zone = name;
}

const onDay = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options });
const days = {
  full: onDay({ day: "numeric", month: "long", year: "numeric" }),
  long: onDay({ weekday: "long", day: "numeric", month: "long" }),
  short: onDay({ day: "2-digit", month: "2-digit" }),
  numeric: onDay({ day: "2-digit", month: "2-digit", year: "numeric" }),
  weekday: onDay({ weekday: "short" }),
  month: onDay({ month: "long" }),
};

/** A day, `2026-11-24`, as «24.11» (short), «24.11.2026» (numeric), «24 ноября 2026 г.», «вторник, 24 ноября» … */
export function day(iso: string, how: keyof typeof days = "numeric"): string {
  return days[how].format(new Date(`${iso.slice(0, 10)}T00:00:00Z`));
}

/** An instant in the college's zone: «24.11.2026, 14:05»; `seconds` for histories. */
export function instant(iso: string, seconds = false): string {
  const options: Intl.DateTimeFormatOptions = { dateStyle: "short", timeStyle: seconds ? "medium" : "short", timeZone: zone };
  return new Intl.DateTimeFormat(locale, options).format(new Date(iso));
}

/** An instant as its day of the college, `YYYY-MM-DD`. */
export function dayOf(iso: string | Date): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone }).format(new Date(iso));
}

/** The time of an instant on the college's clock: «08:30». */
export function clockOf(at: Date): string {
  return new Intl.DateTimeFormat("ru-RU", { hour: "2-digit", minute: "2-digit", timeZone: zone }).format(at);
}

/** Days later (or earlier) on the calendar. */
export function later(iso: string, by: number): string {
  const moved = new Date(`${iso}T00:00:00Z`);
  moved.setUTCDate(moved.getUTCDate() + by);
  return moved.toISOString().slice(0, 10);
}

/** The Monday of that day's week. */
export function monday(iso: string): string {
  return later(iso, -((new Date(`${iso}T00:00:00Z`).getUTCDay() + 6) % 7));
}

/** A number with the language's separators. */
export function number(value: number, digits = 0): string {
  return value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A mean that the API gives in hundredths: 425 → «4,25»; «—» for none. */
export function hundredths(value: number | null | undefined): string {
  return value === null || value === undefined ? "—" : number(value / 100, 2);
}
