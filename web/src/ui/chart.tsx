/** Small plots in SVG. Each says in words what it shows; the figures themselves stand in a table beside it. */

export type Bar = { name: string; value: number | null; said: string };

const ROW = 28;
const NAME = 220;
const WIDTH = 640;
const LONGEST = 26;

/** Horizontal bars of one measure from `least` to `most`. */
export function Bars({ title, bars, least = 0, most }: { title: string; bars: readonly Bar[]; least?: number; most: number }) {
  const room = WIDTH - NAME - 64;
  const said = bars.map((bar) => `${bar.name}: ${bar.said}`).join("; ");
  return (
    <svg className="chart" viewBox={`0 0 ${WIDTH} ${bars.length * ROW}`} role="img" aria-label={`${title}. ${said}`}>
      {bars.map((bar, n) => {
        const length = bar.value === null ? 0 : (Math.max(0, bar.value - least) / (most - least)) * room;
        return (
          <g key={n} transform={`translate(0 ${n * ROW})`}>
            <text x={0} y={18} className="chart-name">
              {bar.name.length > LONGEST ? `${bar.name.slice(0, LONGEST - 1)}…` : bar.name}
            </text>
            <rect x={NAME} y={6} width={room} height={16} rx={3} className="chart-room" />
            <rect x={NAME} y={6} width={length} height={16} rx={3} className="chart-bar" />
            <text x={NAME + room + 8} y={18} className="chart-value">
              {bar.said}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

/** How far something is, as a bar with its words. */
export function Progress({ done, all, said }: { done: number; all: number; said: string }) {
  return (
    <div className="progress">
      <progress value={done} max={Math.max(all, 1)} aria-label={said} />
      <span className="small">{said}</span>
    </div>
  );
}
