/**
 * A list of things as a table that filters, sorts and exports; on a phone each row becomes a card.
 *
 * Filtering and sorting happen here, over the rows that were loaded: lists of a college are short. `csv` is the address
 * of the same list as a table for a spreadsheet.
 */

import { useMemo, useState, type ReactNode } from "react";
import { SearchField, Input, Label } from "react-aria-components";
import { Button } from "./button";
import { Empty } from "./notes";
import { text } from "./texts";

export type Column<Row> = {
  key: string;
  title: string;
  cell: (row: Row) => ReactNode;
  /** What the column sorts by and the search looks in; without it the column does neither. */
  value?: (row: Row) => string | number | null;
  end?: boolean;
};

const AT_ONCE = 100;

export function List<Row>({
  label,
  rows,
  columns,
  rowKey,
  empty,
  csv,
  tools,
  sort,
  search = true,
}: {
  label: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  empty: ReactNode;
  csv?: string;
  tools?: ReactNode;
  sort?: { key: string; down?: boolean };
  search?: boolean;
}) {
  const [wanted, setWanted] = useState("");
  const [order, setOrder] = useState(sort);
  const [shown, setShown] = useState(AT_ONCE);
  const found = useMemo(() => sorted(filtered(rows, columns, wanted), columns, order), [rows, columns, wanted, order]);
  return (
    <div className="list">
      <div className="tools">
        {search && (
          <SearchField className="field search" value={wanted} onChange={setWanted}>
            <Label>{text.search}</Label>
            <Input className="input" placeholder={text.searchHint} />
          </SearchField>
        )}
        {tools}
        <span className="figures" role="status">
          {text.shown(found.length, rows.length)}
        </span>
        {csv && (
          <a className="button small" href={csv} download>
            {text.export}
          </a>
        )}
      </div>
      {rows.length === 0 ? (
        empty
      ) : found.length === 0 ? (
        <Empty title={text.notFound}>{text.changeSearch}</Empty>
      ) : (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls has to be reached by keyboard
        <div className="scroll" role="region" aria-label={label} tabIndex={0}>
          <table>
            <caption className="hidden">{label}</caption>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column.key} scope="col" className={column.end ? "end" : undefined} aria-sort={ariaSort(column, order)}>
                    {column.value ? (
                      <button type="button" onClick={() => setOrder({ key: column.key, down: order?.key === column.key && !order.down })}>
                        {column.title}
                        <span aria-hidden="true">{order?.key === column.key ? (order.down ? "↓" : "↑") : "↕"}</span>
                      </button>
                    ) : (
                      column.title
                    )}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {found.slice(0, shown).map((row) => (
                <tr key={rowKey(row)}>
                  {columns.map((column) => (
                    <td key={column.key} className={column.end ? "end" : undefined} data-title={column.title}>
                      {column.cell(row)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found.length > shown && (
        <div>
          <Button onPress={() => setShown(shown + AT_ONCE)}>{text.more}</Button>
        </div>
      )}
    </div>
  );
}

type Order = { key: string; down?: boolean } | undefined;

function ariaSort<Row>(column: Column<Row>, order: Order): "ascending" | "descending" | "none" | undefined {
  if (!column.value) return undefined;
  return order?.key === column.key ? (order.down ? "descending" : "ascending") : "none";
}

/** The rows in which every word of the search begins somewhere. */
function filtered<Row>(rows: readonly Row[], columns: readonly Column<Row>[], wanted: string): readonly Row[] {
  const words = wanted.toLocaleLowerCase("ru").split(/\s+/).filter(Boolean);
  if (words.length === 0) return rows;
  return rows.filter((row) => {
    const said = columns.map((column) => column.value?.(row) ?? "").join(" ").toLocaleLowerCase("ru");
    return words.every((word) => said.includes(word));
  });
}

const collator = new Intl.Collator("ru", { numeric: true });

function sorted<Row>(rows: readonly Row[], columns: readonly Column<Row>[], order: Order): readonly Row[] {
  const by = columns.find((column) => column.key === order?.key)?.value;
  if (!by) return rows;
  const turned = order?.down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [by(a), by(b)];
    if (x === y) return 0;
    if (x === null || y === null) return x === null ? 1 : -1; // what is missing stands last in both directions
    return turned * (typeof x === "number" && typeof y === "number" ? x - y : collator.compare(String(x), String(y)));
  });
}
