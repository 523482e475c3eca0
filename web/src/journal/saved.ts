/** What the outbox saves goes into the kept pages before its entry disappears. Used once, in the shell. */

import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { outbox, useOnSaved, type Answer, type Entry } from "../outbox";
import { takeIn } from "./cache";

export function useSavedIntoPages(): void {
  const client = useQueryClient();
  useOnSaved(
    useCallback((entry: Entry, answer: Answer) => takeIn(client, entry, answer, outbox.entriesOf(entry.page).size <= entry.targets.length), [client]),
  );
}
