/** What the edge tells everybody before sign-in: the college's zone and today, and the demo accounts where there are any. */

import { queryOptions, useQuery } from "@tanstack/react-query";
import { Unreachable } from "../api/problem";
import { setZone } from "../format";

export type Said = { ru: string; en: string };
export type DemoAccount = { login: string; role: Said; name: string; hint: Said };
export type Start = {
  zone: string;
  today: string;
  version: string;
  first: boolean;
  demo: { size: string; password: string; accounts: DemoAccount[] } | null;
};

export const START = queryOptions({
  queryKey: ["start"],
  queryFn: async (): Promise<Start> => {
    const answer = await fetch("/start.json", { headers: { "X-Zhurnal": "1" } }).catch((error: unknown) => {
      throw new Unreachable(String(error));
    });
    if (!answer.ok) throw new Unreachable(`HTTP ${answer.status}`);
    const start = (await answer.json()) as Start;
    setZone(start.zone);
    return start;
  },
  staleTime: 10 * 60_000,
});

/** Today on the college's calendar; the browser's own until the journal has said it. */
export function useToday(): string {
  const { data } = useQuery(START);
  return data?.today ?? new Date().toISOString().slice(0, 10);
}
