/**
 * What the outbox saves goes into the kept pages before its entry disappears; where it met another value, the page is
 * read again. Used once, in the shell.
 */

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect } from "react";
import { outbox, useAllEntries, useOnSaved, type Answer, type Entry } from "../outbox";
import { spreadOf, takeIn } from "./cache";

export function useSavedIntoPages(): void {
  const client = useQueryClient();
  useOnSaved(
    useCallback((entry: Entry, answer: Answer) => takeIn(client, entry, answer, outbox.entriesOf(entry.page).size <= entry.targets.length), [client]),
  );
  const overtaken = useAllEntries().flatMap(({ state, key, page }) => (state === "conflict" ? [`${page} ${key}`] : []));
  const known = overtaken.join("\n");
  useEffect(() => {
    const pages = new Set(known.split("\n").flatMap((line) => line.split(" ")[0] || []));
    for (const page of pages) void client.invalidateQueries({ queryKey: spreadOf(page).queryKey });
  }, [client, known]);
}
