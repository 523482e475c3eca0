/** The first page of those who control: a curator's own groups, what waits for the deputy, where an auditor begins. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { useNames } from "../api/names";
import { hundredths, later } from "../format";
import { groupsOf, rolesOf, useSignedIn, type Group } from "../shell/session";
import { useToday } from "../shell/start";
import { LinkButton } from "../ui/button";
import { Empty, Note } from "../ui/notes";
import { Loaded } from "../ui/page";
import { pagesOf, stateOf, summaryOf, type PageLine, type Summary, type SummaryStudent } from "./data";
import { Lines } from "./groups";
import { text } from "./texts";

const SOON_DAYS = 14;
const LOW_MEAN = 250;
const MUCH_MISSED = 5;

export default function ControlHome() {
  const me = useSignedIn();
  const roles = rolesOf(me);
  const leads = roles.has("deputy_director") || roles.has("director") || roles.has("study_office");
  return (
    <>
      {groupsOf(me, "curator").map((group) => (
        <Curated key={group.group} group={group} />
      ))}
      {leads && <Waiting />}
      {roles.has("auditor") && <Auditing />}
    </>
  );
}

function Curated({ group }: { group: Group }) {
  const summary = useQuery(summaryOf(group.group));
  return (
    <section className="stack" aria-label={text.ownGroup(group.title)}>
      <div className="row spread">
        <h2>{text.ownGroup(group.title)}</h2>
        <LinkButton to={`/groups/${group.group}`}>{text.openGroup}</LinkButton>
      </div>
      <Loaded query={summary}>{(data) => <OfGroup summary={data} />}</Loaded>
    </section>
  );
}

function OfGroup({ summary }: { summary: Summary }) {
  const { indicators } = summary;
  const helped = summary.students.filter(needsHelp);
  const name = useNames(helped.map(({ student }) => student));
  const at = `/groups/${summary.group}`;
  return (
    <>
      <div className="tiles">
        <Link className="tile" to={at}>
          <span className="small soft">{text.studentsHead}</span>
          <b>{summary.students.length}</b>
        </Link>
        <Link className="tile" to={at}>
          <span className="small soft">{text.attendance}</span>
          <b>{text.percent(hundredths(indicators.attendance))}</b>
        </Link>
        <Link className={indicators.hours.unclassified > 0 ? "tile warn" : "tile"} to={`${at}?part=absences`}>
          <span className="small soft">{text.unclassified}</span>
          <b>{text.hours(indicators.hours.unclassified)}</b>
        </Link>
        <Link className="tile" to={`/gaps?group=${summary.group}`}>
          <span className="small soft">{text.toGaps}</span>
          <b aria-hidden="true">{"→"}</b>
        </Link>
      </div>
      <div className="panel stack">
        <div>
          <h3>{text.risk}</h3>
          <p className="small soft">{text.riskWhy}</p>
        </div>
        {helped.length === 0 ? (
          <Empty title={text.noRisk} />
        ) : (
          <ul>
            {helped.map((student) => (
              <li key={student.student}>
                <Link to={`/card/${student.student}`}>{name(student.student)}</Link>
                {`: ${whyHelp(student).join(", ")}`}
              </li>
            ))}
          </ul>
        )}
      </div>
    </>
  );
}

const lowIn = ({ cells }: SummaryStudent) => Object.values(cells).filter(({ mean }) => mean !== null && mean < LOW_MEAN).length;
const dotsOf = ({ cells }: SummaryStudent) => Object.values(cells).reduce((sum, { debts }) => sum + debts, 0);
const missesMuch = ({ hours }: SummaryStudent) => hours.held > 0 && hours.missed * MUCH_MISSED >= hours.held;
const needsHelp = (student: SummaryStudent) => lowIn(student) > 0 || dotsOf(student) > 0 || missesMuch(student);

function whyHelp(student: SummaryStudent): string[] {
  const { held, missed } = student.hours;
  return [
    ...(dotsOf(student) > 0 ? [text.dots(dotsOf(student))] : []),
    ...(lowIn(student) > 0 ? [text.lowIn(lowIn(student))] : []),
    ...(missesMuch(student) ? [text.missedOf(missed, held)] : []),
  ];
}

function Waiting() {
  const today = useToday();
  const pages = useQuery(pagesOf({ state: "open" }));
  return (
    <section className="stack" aria-label={text.waiting}>
      <h2>{text.waiting}</h2>
      <Loaded query={pages}>
        {(open) => {
          const tiles = tilesOf(open, today).filter(({ n }) => n > 0);
          if (tiles.length === 0) return <Note kind="good">{text.nothingWaits}</Note>;
          return (
            <div className="tiles">
              {tiles.map(({ name, n, to }) => (
                <Link key={name} className="tile warn" to={to}>
                  <span className="small soft">{name}</span>
                  <b>{n}</b>
                </Link>
              ))}
            </div>
          );
        }}
      </Loaded>
      <h2>{text.byGroup}</h2>
      <Lines />
    </section>
  );
}

function tilesOf(open: readonly PageLine[], today: string) {
  const count = (wanted: (page: PageLine) => boolean) => open.filter(wanted).length;
  const signed = (page: PageLine) => stateOf(page) === "signed";
  return [
    { name: text.tileSigned, n: count(signed), to: "/closing?state=signed" },
    { name: text.tileOverdue, n: count((page) => page.ends_on < today && !signed(page)), to: "/closing?state=open" },
    { name: text.tileSoon, n: count((page) => page.ends_on >= today && page.ends_on <= later(today, SOON_DAYS)), to: "/closing?state=open" },
    { name: text.tileUnsigned, n: count((page) => page.finals > 0 && !signed(page)), to: "/closing?state=open" },
    { name: text.tileGaps, n: open.reduce((sum, page) => sum + page.without_attendance, 0), to: "/gaps" },
  ];
}

function Auditing() {
  return (
    <section className="panel stack" aria-label={text.auditor}>
      <h2>{text.auditor}</h2>
      <p>{text.auditorWhy}</p>
      <ol>
        {text.auditorSteps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <div className="row">
        <LinkButton kind="primary" to="/changes">
          {text.toChanges}
        </LinkButton>
        <LinkButton to="/journal">{text.toJournal}</LinkButton>
        <LinkButton to="/groups">{text.groups}</LinkButton>
      </div>
    </section>
  );
}
