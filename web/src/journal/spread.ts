/** The spread of a page as the API gives it: students × lessons with everything a page shows. Means are hundredths. */

export type Lock = { rule: string; by: string | null } | null;
export type Grade = { grade: string; value: string; work: string; makeup_on?: string; retake_of?: string; late_by_days?: number };
export type Cell = { etag: string; grades: Grade[] };
export type Missed = { student: string; hours?: number; late?: number; left_early?: number };

export type SpreadLesson = {
  lesson: string;
  assignment: string;
  taught_by: string;
  date: string;
  pair: number;
  number: number;
  hours: number;
  kind: string;
  topic: string;
  topic_no: number | null;
  homework: string;
  due_on: string | null;
  late_by_days: number;
  etag: string;
  /** marks null: not marked yet. */
  attendance: { etag: string; marks: Missed[] | null; late_by_days?: number };
  unlocked_until: string | null;
  lock: Lock;
};

export type Final = { etag: string; value: string | null; mean?: number | null; basis?: unknown; reason?: string | null; order_no?: string; source?: string; late?: boolean; waived?: boolean };

export type SpreadStudent = {
  student: string;
  spans: { on: string; until: string | null }[];
  enrolled: boolean;
  cells: Record<string, Cell>;
  mean: number | null;
  counts: { grades: number; substantial: number; debts: number };
  final: Final | null;
  proposal: { value: string | null; why: string | null };
  permission: { late_until: string | null; fewer_grades: boolean } | null;
  carried: { source_page: string; grades: { grade: string; value: string; work: string }[] } | null;
  taken: { page: string; value: string | null }[];
  lock: Lock;
};

export type Spread = {
  position: string;
  as_of: string | null;
  you: { id: string; assignments: string[]; lessons: string[]; finals: boolean; undo_until: string | null };
  page: {
    id: string;
    group: string;
    discipline: string;
    period: string;
    year: string;
    kind: string;
    starts_on: string;
    ends_on: string;
    revision: number;
    closed: { by: string; at: string } | null;
    signed: { by: string; at: string; revision: number; current: boolean } | null;
    rules: { weights: Record<string, number>; min_grades: number; min_substantial: number; min_grades_pass: number; max_deviation: number; entry_limit_days: number; undo_minutes: number };
    finals: { opens: string; deadline: string; state: "early" | "open" | "late" };
    unfinished: { without_final: string[]; open_debts: unknown[] };
    lock: Lock;
  };
  assignments: { assignment: string; subgroup: string; kinds: string[]; teachers: { teacher: string; responsible: boolean; starts_on: string; ends_on: string | null; removed_on: string | null }[] }[];
  substitutes: { lesson: string; teacher: string; assignment: string; day: string }[];
  subgroups: Record<string, string[]>;
  lessons: SpreadLesson[];
  students: SpreadStudent[];
};
