/**
 * Where the teacher stands in the grid. Moving is done on the page's elements themselves, so that a key costs no
 * drawing; whoever shows the place (the line below the grid) listens.
 */

export type Place = { row: number; column: number };

export class Cursor {
  private table: HTMLTableElement | null = null;
  private anchor: Place | undefined;
  private readonly listeners = new Set<() => void>();

  constructor(private at: Place) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  place = (): Place => this.at;

  /** After the table was drawn: the place may be gone or may be reached by Tab again. */
  settle(table: HTMLTableElement | null, rows: number, columns: number): void {
    this.table = table;
    const inside = { row: clamp(this.at.row, rows), column: clamp(this.at.column, columns) };
    if (inside.row !== this.at.row || inside.column !== this.at.column) this.set(inside, false);
    this.cell(this.at)?.setAttribute("tabindex", "0");
  }

  /** Bring the place into view, without taking the focus. */
  reveal(): void {
    this.cell(this.at)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** Go there. `select`: everything from where one came is picked. */
  go(to: Place, rows: number, columns: number, select = false): void {
    const from = this.anchor ?? this.at;
    this.pick(undefined);
    const place = { row: clamp(to.row, rows), column: clamp(to.column, columns) };
    this.set(place, true);
    if (select) {
      this.anchor = from;
      this.pick([from, place]);
    }
  }

  /** The place was reached by mouse or Tab. */
  arrived(place: Place): void {
    if (place.row !== this.at.row || place.column !== this.at.column) {
      this.pick(undefined);
      this.set(place, false);
    }
  }

  /** The picked block, or the one cell: first and last, both included. */
  picked(): [from: Place, to: Place] {
    const other = this.anchor ?? this.at;
    return [
      { row: Math.min(this.at.row, other.row), column: Math.min(this.at.column, other.column) },
      { row: Math.max(this.at.row, other.row), column: Math.max(this.at.column, other.column) },
    ];
  }

  private set(place: Place, focus: boolean): void {
    this.cell(this.at)?.setAttribute("tabindex", "-1");
    this.at = place;
    const cell = this.cell(place);
    cell?.setAttribute("tabindex", "0");
    if (focus) cell?.focus();
    for (const listener of this.listeners) listener();
  }

  private pick(block: [Place, Place] | undefined): void {
    for (const cell of this.table?.querySelectorAll("[data-picked]") ?? []) cell.removeAttribute("data-picked");
    this.anchor = undefined;
    if (!block) return;
    this.anchor = block[0];
    const [from, to] = this.picked();
    for (let row = from.row; row <= to.row; row++) {
      for (let column = from.column; column <= to.column; column++) this.cell({ row, column })?.setAttribute("data-picked", "");
    }
  }

  /** By position, which costs nothing on a page of thousands of cells. The last column is the final, behind the row's ends. */
  cell({ row, column }: Place): HTMLElement | null {
    const cells = this.table?.rows[row + 1]?.cells;
    if (!cells) return null;
    const last = cells[cells.length - 1];
    return Number(last?.dataset["column"]) === column ? (last ?? null) : (cells[column + 1] ?? null);
  }
}

const clamp = (n: number, size: number) => Math.max(0, Math.min(n, size - 1));

/** The place of the cell that an event happened in. */
export function placeIn(target: EventTarget | null): Place | undefined {
  const cell = target instanceof Element ? target.closest<HTMLElement>("[data-row]") : null;
  return cell ? { row: Number(cell.dataset["row"]), column: Number(cell.dataset["column"]) } : undefined;
}
