/** What an event of the log changed, in a few words: old → new, or what it says of a lesson or of presence. Pure. */

import { word, words } from "../domain/texts";
import { text } from "./texts";

type Data = Readonly<Record<string, unknown>>;

const said = (value: unknown) => (typeof value === "string" ? word(words.value, value) : "—");

/** «4 → 5», «поставлено 5», «отсутствуют: 3», the topic of a lesson; "" where the kind says it all. */
export function changeOf(data: Data): string {
  const { old, value, marks, topic, homework, reason_class, text: written } = data as Record<string, unknown>;
  if (typeof reason_class === "string") return word(words.absenceClass, reason_class);
  if (old !== undefined || value !== undefined) return text.change(said(old), said(value));
  if (Array.isArray(marks)) return text.absentOnes(marks.filter((mark: { hours?: number }) => (mark.hours ?? 0) > 0).length);
  const written_words = [topic, homework, written].find((each) => typeof each === "string" && each !== "");
  return typeof written_words === "string" ? written_words : "";
}

/** The students that the event is about. */
export function idsIn(data: Data): string[] {
  return typeof data["student"] === "string" ? [data["student"]] : [];
}
