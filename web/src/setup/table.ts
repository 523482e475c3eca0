/**
 * Tables as they come from a spreadsheet's clipboard or from a CSV file, and what stands in their cells.
 *
 * Columns are found by their heading where the first row is one; otherwise they are taken in the order that is asked
 * for. Nothing is thrown away: each row says what is wrong with it.
 */

export type Field = { key: string; title: string; also?: readonly string[]; required?: boolean; read?: (cell: string) => string | null };
export type Row = { line: number; cells: Record<string, string>; wrong: readonly { key: string; why: "missing" | "unread" }[] };
export type Table = { rows: readonly Row[]; headed: boolean };

const folded = (word: string) => word.trim().toLocaleLowerCase("ru").replaceAll("\u0451", "\u0435").replace(/[*:.\s]+$/, "").replace(/\s+/g, " ");

/** The rows of a pasted table by the fields. `read` gives a cell's value in its stored form, null where it cannot. */
export function tableOf(pasted: string, fields: readonly Field[]): Table {
  const lines = linesOf(pasted).map((cells, n) => ({ line: n + 1, cells }));
  const filled = lines.filter(({ cells }) => cells.some((cell) => cell !== ""));
  const places = headingOf(filled[0]?.cells ?? [], fields);
  const order = places ?? fields.map(({ key }, n) => [key, n] as const);
  const rows = (places ? filled.slice(1) : filled).map(({ line, cells }): Row => {
    const found: Record<string, string> = {};
    const wrong: { key: string; why: "missing" | "unread" }[] = [];
    for (const field of fields) {
      const at = order.find(([key]) => key === field.key)?.[1];
      const cell = at === undefined ? "" : (cells[at] ?? "");
      const value = cell && field.read ? field.read(cell) : cell;
      found[field.key] = value ?? cell;
      if (cell === "" && field.required) wrong.push({ key: field.key, why: "missing" });
      if (value === null) wrong.push({ key: field.key, why: "unread" });
    }
    return { line, cells: found, wrong };
  });
  return { rows, headed: places !== null };
}

/** Which column each field stands in, null when the row is no heading: one has at least the first field's title. */
function headingOf(cells: readonly string[], fields: readonly Field[]): (readonly [key: string, at: number])[] | null {
  const words = cells.map(folded);
  const found = fields.flatMap(({ key, title, also = [] }) => {
    const at = words.findIndex((word) => [title, ...also].some((spelling) => folded(spelling) === word));
    return at < 0 ? [] : [[key, at] as const];
  });
  const first = fields.find(({ required }) => required) ?? fields[0];
  return found.some(([key]) => key === first?.key) ? found : null;
}

/** Cells of each line: by tabs, else by semicolons; quoted cells may hold both, and line breaks. */
function linesOf(pasted: string): string[][] {
  const text = pasted.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  const between = text.includes("\t") ? "\t" : ";";
  const lines: string[][] = [[]];
  let cell = "";
  let quoted = false;
  const close = () => {
    lines.at(-1)?.push(cell.replace(/\s+/g, " ").trim());
    cell = "";
  };
  for (let n = 0; n < text.length; n += 1) {
    const symbol = text[n] ?? "";
    if (quoted) {
      if (symbol !== '"') cell += symbol;
      else if (text[n + 1] === '"') {
        cell += symbol;
        n += 1;
      } else quoted = false;
    } else if (symbol === '"' && cell.trim() === "") quoted = true;
    else if (symbol === between) close();
    else if (symbol === "\n") {
      close();
      lines.push([]);
    } else cell += symbol;
  }
  close();
  return lines;
}

/** A day as people write it, `17.04.2008` or `2008-04-17`, as `2008-04-17`; null for anything else. */
export function dayFrom(cell: string): string | null {
  const dotted = /^(\d{1,2})[./](\d{1,2})[./](\d{4})$/.exec(cell);
  const [year, month, date] = dotted ? [dotted[3], dotted[2], dotted[1]] : (/^(\d{4})-(\d{2})-(\d{2})$/.exec(cell)?.slice(1) ?? []);
  if (!year || !month || !date) return null;
  const iso = `${year}-${month.padStart(2, "0")}-${date.padStart(2, "0")}`;
  const moment = new Date(`${iso}T00:00:00Z`);
  return Number.isNaN(moment.getTime()) || moment.toISOString().slice(0, 10) !== iso ? null : iso;
}

/** A whole number of hours, places … as digits; null for anything else. */
export function wholeFrom(cell: string): string | null {
  const digits = cell.replace(/[\s\u00A0]/g, "").replace(/[,.]0+$/, "");
  return /^\d{1,5}$/.test(digits) ? String(Number(digits)) : null;
}

/** A reader of words: the value that a word stands for, in any case and with «е» for «ё»; its beginning will do. */
export function wordFrom(words: Readonly<Record<string, string>>): (cell: string) => string | null {
  return (cell) => {
    const wanted = folded(cell);
    const exact = Object.entries(words).find(([value, said]) => folded(said) === wanted || value === wanted);
    if (exact) return exact[0];
    const near = Object.entries(words).filter(([, said]) => folded(said).startsWith(wanted));
    return near.length === 1 ? (near[0]?.[0] ?? null) : null;
  };
}
