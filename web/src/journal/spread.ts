/** The spread of a page in the contract's own types: students × lessons with everything a page shows. */

import type { components } from "../api/generated/gradebook";

type Schemas = components["schemas"];

export type Spread = Schemas["Spread"];
export type SpreadLesson = Schemas["Lesson"];
export type SpreadStudent = Schemas["Student"];
export type Lock = Schemas["Lock"] | null;
export type Cell = Schemas["Cell"];
export type Grade = Schemas["Grade"];
export type Missed = Schemas["Missed"];
export type Final = Schemas["Final"];
export type Value = Grade["value"];
export type Work = Grade["work"];
export type Kind = SpreadLesson["kind"];
