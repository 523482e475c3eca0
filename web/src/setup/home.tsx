/** The administrator's part of the first page: how far the college is set up, and what comes next. */

import { Link } from "wouter";
import { number } from "../format";
import { LinkButton } from "../ui/button";
import { ProblemNote, Skeleton } from "../ui/notes";
import { useCounts } from "./counts";
import "./setup.css";
import { progressOf, STEPS, type Counts, type Progress, type Step } from "./steps";
import { text } from "./texts";

const has: Record<Step, (counts: Counts) => string> = {
  year: ({ years, bells }) => text.home.year(years, bells),
  people: ({ groups, calendared, students, teachers }) => text.home.peopleHas(groups, calendared, students, teachers),
  disciplines: ({ disciplines }) => text.home.disciplinesHas(disciplines),
  load: ({ assignments }) => text.home.loadHas(assignments),
  timetable: ({ lessons }) => text.home.timetableHas(lessons),
  codes: ({ staff, staffed }) => text.home.codesHas(staffed, staff),
};

export default function SetupHome() {
  const { counts, error } = useCounts();
  if (!counts) return error ? <ProblemNote error={error} again={() => location.reload()} /> : <Skeleton lines={6} />;
  const steps = progressOf(counts);
  const done = steps.filter(({ state }) => state === "done").length;
  const running = counts.lessons > 0;
  return (
    <>
      {running && <Figures counts={counts} />}
      {done < steps.length && <Checklist steps={steps} counts={counts} done={done} running={running} />}
    </>
  );
}

/** All steps until the college runs; afterwards those that still want something. */
function Checklist({ steps, counts, done, running }: { steps: readonly Progress[]; counts: Counts; done: number; running: boolean }) {
  const shown = running ? steps.filter(({ state }) => state !== "done") : steps;
  return (
    <section className="stack" aria-labelledby="first-run">
      <div>
        <h2 id="first-run">{running ? text.home.left : text.home.first}</h2>
        {!running && <p className="soft">{text.home.firstLead(done, steps.length)}</p>}
      </div>
      <ol className="setup-steps">
        {shown.map(({ step, state, done: parts, of }) => (
          <li key={step} className={state} data-step={STEPS.indexOf(step) + 1} aria-current={state === "next" ? "step" : undefined}>
            <span className="setup-step">
              <b>{text.step[step]}</b>
              <span className="soft small">{text.stepWhy[step]}</span>
              <span className="small">{`${parts > 0 && parts < of ? text.home.partly(parts, of) : text.home.state[state]} · ${has[step](counts)}`}</span>
            </span>
            <LinkButton to={`/setup/${step}`} {...(state === "next" && { kind: "primary" as const })}>
              {state === "next" ? text.home.begin : text.home.open}
              <span className="hidden">{text.step[step]}</span>
            </LinkButton>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** What is changed all year long. */
const LINKS = ["people", "load", "programmes", "timetable"] as const;

function Figures({ counts }: { counts: Counts }) {
  const figures: readonly [to: string, name: string, value: number, warn?: boolean][] = [
    ["/people", text.home.people, counts.people],
    ["/people?role=student", text.home.students, counts.students],
    ["/setup/people", text.home.groups, counts.groups],
    ["/setup/disciplines", text.home.disciplines, counts.disciplines],
    ["/timetable", text.home.lessons, counts.lessons],
    ["/setup/people", text.home.uncurated, counts.uncurated, counts.uncurated > 0],
    ["/setup/codes", text.home.noAccount, counts.staff - counts.staffed, counts.staffed < counts.staff],
  ];
  return (
    <section className="stack" aria-labelledby="college">
      <h2 id="college">{text.home.ready}</h2>
      <div className="tiles">
        {figures.map(([to, name, value, warn]) => (
          <Link key={name} to={to} className={warn ? "tile warn" : "tile"}>
            <b>{number(value)}</b>
            <span className="small">{name}</span>
          </Link>
        ))}
      </div>
      <div className="row">
        {LINKS.map((step) => (
          <LinkButton key={step} to={`/setup/${step}`}>
            {text.step[step]}
          </LinkButton>
        ))}
      </div>
    </section>
  );
}
