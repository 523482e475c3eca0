/** Everything that can come back instead of an answer. */

/** RFC 9457 as the journal answers it: what, why, which clause, what to do next; other members by the code. */
export type ProblemDocument = {
  type: string;
  code: string;
  status: number;
  title: string;
  detail: string;
  next: string;
  clause?: string;
  [more: string]: unknown;
};

/** The journal refused: it answered with a problem. */
export class Refused extends Error {
  constructor(readonly problem: ProblemDocument) {
    super(problem.title);
  }
}

/** No answer of the journal: no network, a time-out, or something between that is not the journal. */
export class Unreachable extends Error {}
