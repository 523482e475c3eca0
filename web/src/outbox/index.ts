/**
 * Entries that wait to be sent. A room enters a change and paints it at once; the rest happens here.
 *
 *     const entry = outbox.add({
 *       page, targets: [`cell:${lesson}:${student}`], method: "PUT",
 *       path: `/pages/${page}/cells/${lesson}/${student}`,
 *       body: { grades: [{ value: "5", work: "oral" }] }, expected: null, shown: "5",
 *     });
 */

export { cellsAfter, pendingGrade, refusals, tagged } from "./bodies";
export { outbox } from "./browser";
export type { Answer, Change, Entry, Item, Mark, Method } from "./entry";
export { placeOf } from "./entry";
export { useAllEntries, useEntries, useEntry, useOnSaved, useOutboxOf, useWaiting } from "./hooks";
export type { Status } from "./outbox";
