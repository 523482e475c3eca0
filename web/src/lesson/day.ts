/** Time within a day of the timetable, and between days. Pure. */

export type Moment = "now" | "next";

/**
 * Which of the lessons goes on now, and which comes next when none does. `times`: «08:30–10:00» each, in order; ""
 * where no bells are set. `clock`: the college's now, «09:15»; undefined on another day.
 */
export function momentOf(times: readonly string[], clock: string | undefined): (Moment | undefined)[] {
  if (clock === undefined) return times.map(() => undefined);
  const spans = times.map((time) => time.split("–"));
  const runs = spans.map(([starts = "", ends = ""]) => starts !== "" && starts <= clock && clock < ends);
  const next = runs.includes(true) ? -1 : spans.findIndex(([starts = ""]) => starts > clock);
  return spans.map((_, n) => (runs[n] ? "now" : n === next || (next >= 0 && times[n] === times[next]) ? "next" : undefined));
}

/** Whole days from today to that day. */
export function daysTo(day: string, today: string): number {
  return Math.round((Date.parse(`${day}T00:00:00Z`) - Date.parse(`${today}T00:00:00Z`)) / 86_400_000);
}
