/** Periods and the pages in them: what is ready to be closed, closing one page or all that are ready (R 4.4.1, G2). */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { Link, useSearchParams } from "wouter";
import { got, gradebook } from "../api/client";
import { useGroups, useDisciplines } from "../api/names";
import { words } from "../domain/texts";
import { day } from "../format";
import { rolesOf, useSignedIn } from "../shell/session";
import { Button } from "../ui/button";
import { Progress } from "../ui/chart";
import { Dialog } from "../ui/dialog";
import { Checkbox, Choice, TextField } from "../ui/field";
import { Note, ProblemNote } from "../ui/notes";
import { Loaded, Page } from "../ui/page";
import { notify } from "../ui/toast";
import { closingOf, pagesOf, periods, stateOf, type Closing as ClosingState, type PageLine, type PageState, type PeriodLine } from "./data";
import { PageLines } from "./pages";
import { text } from "./texts";

const ALL = "all";

export default function Closing() {
  const me = useSignedIn();
  const closes = rolesOf(me).has("deputy_director") || rolesOf(me).has("director");
  const [query, setQuery] = useSearchParams();
  const all = useQuery(periods);
  const group = useGroups();
  const [closing, setClosing] = useState<PageLine | "period">();
  const period = query.get("period") ?? ALL;
  const state = query.get("state") ?? ALL;
  const set = (changed: Record<string, string>) => setQuery({ ...Object.fromEntries(query), ...changed }, { replace: true });
  const titled = (each: PeriodLine) => `${group(each.group)}, ${each.title} (${text.span(day(each.starts_on, "short"), day(each.ends_on))})`;
  const chosen = all.data?.find((each) => each.id === period);
  const close = {
    key: "close",
    title: text.closePage,
    cell: (page: PageLine) =>
      stateOf(page) === "closed" ? (
        ""
      ) : (
        <Button small onPress={() => setClosing(page)}>
          {text.closePage}
        </Button>
      ),
  };
  return (
    <Page title={text.periodsTitle}>
      <div className="row">
        <Choice
          label={text.choosePeriod}
          value={period}
          onChange={(id) => set({ period: id })}
          options={[{ id: ALL, name: text.allPeriods }, ...(all.data ?? []).map((each) => ({ id: each.id, name: titled(each) }))]}
        />
        <Choice
          label={text.state}
          value={state}
          onChange={(id) => set({ state: id })}
          options={[{ id: ALL, name: text.anybody }, ...Object.entries(words.pageState).map(([id, name]) => ({ id, name }))]}
        />
      </div>
      {chosen && <OfPeriod period={chosen.id} onClose={closes ? () => setClosing("period") : undefined} />}
      <PageLines narrowed={period === ALL ? {} : { period }} {...(state !== ALL && { state: state as PageState })} more={closes ? [close] : []} />
      {closing === "period" && chosen && (
        <Close title={text.closePeriodTitle(titled(chosen))} period={chosen.id} onClose={() => setClosing(undefined)} />
      )}
      {closing && closing !== "period" && <Close title={text.closeTitle} page={closing} period={closing.period} onClose={() => setClosing(undefined)} />}
    </Page>
  );
}

function OfPeriod({ period, onClose }: { period: string; onClose: (() => void) | undefined }) {
  const closing = useQuery(closingOf(period));
  const pages = useQuery(pagesOf({ period }));
  return (
    <Loaded query={closing} lines={2}>
      {(state) => (
        <div className="panel stack">
          <div className="row spread">
            <Progress done={state.closed} all={state.pages} said={text.progress(state.closed, state.pages)} />
            {onClose && state.closed < state.pages && (
              <Button kind="primary" onPress={onClose}>
                {text.closePeriod}
              </Button>
            )}
          </div>
          {state.period_closed && <Note kind="good">{text.periodClosed}</Note>}
          {state.refused.length > 0 && <Against refused={state.refused} pages={pages.data ?? []} />}
        </div>
      )}
    </Loaded>
  );
}

/** What stands against the close of each page that is still open. */
function Against({ refused, pages }: { refused: ClosingState["refused"]; pages: readonly PageLine[] }) {
  const discipline = useDisciplines();
  const titled = (page: string) => discipline(pages.find(({ id }) => id === page)?.discipline ?? "");
  return (
    <details open={refused.length < 5}>
      <summary>{`${text.notClosed}: ${refused.length}`}</summary>
      <ul>
        {refused.map(({ page, problem }) => (
          <li key={page}>
            <Link to={`/journal/${page}`}>{titled(page)}</Link>
            {`: ${problem.detail} ${problem.next}`}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Close({ title, page, period, onClose }: { title: string; page?: PageLine; period: string; onClose: () => void }) {
  const client = useQueryClient();
  const discipline = useDisciplines();
  const group = useGroups();
  const [force, setForce] = useState(false);
  const [code, setCode] = useState("");
  const [more, setMore] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const close = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const header = { "Idempotency-Key": crypto.randomUUID() };
      const reason = force && code ? { code: code as "order", ...(more && { text: more }) } : null;
      if (page) {
        await got(gradebook.POST("/pages/{page}/close", { params: { path: { page: page.id }, header }, body: { force, reason } }));
        notify(text.done(1));
      } else {
        const answer = (await got(gradebook.POST("/closings", { params: { header }, body: { period, force, reason } }))) as unknown as ClosingState;
        notify(text.done(answer.closed));
      }
      await client.invalidateQueries({ queryKey: ["gradebook"] });
      onClose();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="form" onSubmit={(event) => void close(event)}>
        {page && <p>{`${group(page.group)}, ${discipline(page.discipline)}`}</p>}
        <p className="soft">{text.closeWhy}</p>
        <Checkbox label={text.force} checked={force} onChange={setForce} />
        {force && (
          <>
            <Choice label={text.reason} value={code} onChange={setCode} required options={Object.entries(words.reason).filter(([id]) => id !== "undo").map(([id, name]) => ({ id, name }))} />
            <TextField label={text.reasonText} value={more} onChange={setMore} lines={2} maxLength={500} />
          </>
        )}
        {error !== undefined && <ProblemNote error={error} />}
        <footer>
          <Button type="submit" kind="primary" isDisabled={busy}>
            {page ? text.closePage : text.closePeriod}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
