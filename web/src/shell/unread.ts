/** The number of unread notices, kept current while the page is looked at. */

import { useQuery } from "@tanstack/react-query";
import { got, notifications } from "../api/client";

const EVERY_MS = 15_000;

export function useUnread(): number {
  const { data } = useQuery({
    queryKey: ["notifications", "/inbox/unread"],
    queryFn: () => got(notifications.GET("/inbox/unread")),
    refetchInterval: EVERY_MS,
  });
  return data?.unread ?? 0;
}
