/** What the room reads: summaries of groups, pages with their state, absences, changes. */

import { queryOptions } from "@tanstack/react-query";
import type { components as OfGradebook } from "../api/generated/gradebook";
import type { components as OfIdentity } from "../api/generated/identity";
import type { components as OfReporting } from "../api/generated/reporting";
import { got, gradebook, identity, reporting, schedule } from "../api/client";

type Gradebook = OfGradebook["schemas"];
export type PageState = "open" | "signed" | "closed";
export type PageLine = Gradebook["PageLine"];

export const stateOf = (page: Pick<PageLine, "closed" | "signed_at">): PageState => (page.closed ? "closed" : page.signed_at ? "signed" : "open");

const PAGES_AT_ONCE = 500;

/** All pages within reach, narrowed by group, period or state. A college has more than one answer holds. */
export const pagesOf = (narrowed: { group?: string; period?: string; teacher?: string; state?: "open" | "closed" }) =>
  queryOptions({
    queryKey: ["gradebook", "/pages", narrowed],
    queryFn: async () => {
      const pages: PageLine[] = [];
      for (;;) {
        const query = { ...narrowed, limit: PAGES_AT_ONCE, offset: pages.length };
        const answer = await got(gradebook.GET("/pages", { params: { query } }));
        pages.push(...answer.items);
        if (pages.length >= answer.total || answer.items.length === 0) return pages;
      }
    },
  });

type Reporting = OfReporting["schemas"];
export type Summary = Reporting["Summary"];
export type SummaryStudent = Reporting["SummaryStudent"];

export const summaryOf = (group: string, period?: string) =>
  queryOptions({
    queryKey: ["reporting", "/groups/summary", group, period ?? ""],
    queryFn: () => got(reporting.GET("/groups/{group}/summary", { params: { path: { group }, query: period ? { period } : {} } })),
  });

export type Absent = { starts_on: string; ends_on: string };
export const absencesOf = (group: string) =>
  queryOptions({
    queryKey: ["gradebook", "/absences", "group", group],
    queryFn: async () => (await got(gradebook.GET("/absences", { params: { query: { group } } }))).items,
  });

export const makeupsOf = (group: string) =>
  queryOptions({
    queryKey: ["gradebook", "/groups/makeups", group],
    queryFn: async () => (await got(gradebook.GET("/groups/{group}/makeups", { params: { path: { group } } }))).items,
  });

type Identity = OfIdentity["schemas"];
export type GroupWhole = Identity["GroupWhole"];
export type GroupLine = Identity["GroupLine"];

export const groupOf = (group: string) =>
  queryOptions({
    queryKey: ["identity", "/groups", group],
    queryFn: () => got(identity.GET("/groups/{group}", { params: { path: { group } } })),
  });

export const groups = queryOptions({
  queryKey: ["identity", "/groups", "lines"],
  queryFn: async () => (await got(identity.GET("/groups", { params: { query: { limit: 500 } } }))).items,
});

export type PeriodLine = { id: string; group: string; title: string; kind: string; starts_on: string; ends_on: string };

export const periods = queryOptions({
  queryKey: ["schedule", "/periods", "all"],
  queryFn: async () => (await got(schedule.GET("/periods", { params: { query: { limit: 500 } } }))).items,
});

export type Closing = {
  period: string;
  pages: number;
  closed: number;
  period_closed: boolean;
  refused: { page: string; problem: { title: string; detail: string; next: string; clause?: string } }[];
};

export const closingOf = (period: string) =>
  queryOptions({
    queryKey: ["gradebook", "/closings", period],
    queryFn: async () => (await got(gradebook.GET("/closings/{period}", { params: { path: { period } } }))) as unknown as Closing,
  });
