/** Opening a session, and what a throttled try is told. */

import { got, identity } from "../api/client";
import { Refused } from "../api/problem";

/** Open a session of this browser: the cookie comes with the answer. Throws Refused, Unreachable. */
export async function signIn(login: string, password: string): Promise<void> {
  await got(identity.POST("/sessions", { body: { login: login.trim(), password } }));
}

/** The seconds after which the next try is possible, 0 for any other error. */
export function pauseOf(error: unknown): number {
  const seconds = error instanceof Refused ? error.problem["retry_after"] : 0;
  return typeof seconds === "number" ? seconds : 0;
}
