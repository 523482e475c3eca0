/** Whether there is room for a desk's layout. */

import { useSyncExternalStore } from "react";

const DESK = "(min-width: 900px)";

export function useWide(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const query = matchMedia(DESK);
      query.addEventListener("change", listener);
      return () => query.removeEventListener("change", listener);
    },
    () => matchMedia(DESK).matches,
  );
}
