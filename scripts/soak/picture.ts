import { memoryTrend, type Observation } from './report';
import type { Sample } from './samples';

interface Series {
  name: string;
  /** Of the style sheet. */
  style: 'first' | 'second' | 'line';
  points: readonly (readonly [minute: number, value: number])[];
}

interface Panel {
  title: string;
  series: readonly Series[];
}

const WIDTH = 800;
const PANEL = { left: 60, right: 20, top: 34, height: 150, gap: 44 };

/** Draws what was seen, for a light page and for a dark one. */
export function draw(seen: Observation): string {
  const of = (name: keyof Sample) => seen.samples.map((sample) => [sample.minute, sample[name]] as const);
  const { slope, at } = memoryTrend(seen);
  const minutes = seen.samples.at(-1)?.minute ?? 1;
  const trend = [seen.warmUp, minutes].map((minute) => [minute, at(minute)] as const);
  const panels: Panel[] = [
    {
      title: 'memory, MB',
      series: [
        { name: 'resident', style: 'first', points: of('rssMB') },
        { name: 'heap in use', style: 'second', points: of('heapMB') },
        { name: `trend of resident, ${slope.toFixed(2)} MB/min`, style: 'line', points: trend },
      ],
    },
    { title: 'event-loop delay, p99, ms', series: [{ name: '', style: 'first', points: of('loopDelayMs') }] },
    {
      title: 'handles and requests',
      series: [
        { name: 'open handles', style: 'first', points: of('handles') },
        { name: 'requests in flight', style: 'second', points: of('inFlight') },
      ],
    },
  ];
  const height = panels.length * (PANEL.top + PANEL.height + PANEL.gap);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title">
<title id="title">Memory, event-loop delay and handles over ${Math.round(minutes)} minutes of load</title>
<style>${STYLE}</style>
<rect class="page" width="${WIDTH}" height="${height}"/>
${panels.map((panel, index) => drawPanel(panel, { minutes, warmUp: seen.warmUp, index })).join('\n')}
</svg>
`;
}

const STYLE = `
text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 } .end { text-anchor: end }
.middle { text-anchor: middle } .page { fill: #fff } .grid { stroke: #d0d7de } .warm { fill: #8c959f; opacity: .15 }
path { fill: none; stroke-width: 1.5 } .first { stroke: #0969da } .second { stroke: #1a7f37 }
.line { stroke: #cf222e; stroke-dasharray: 6 4 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .page { fill: #0d1117 } .grid { stroke: #30363d }
  .first { stroke: #58a6ff } .second { stroke: #3fb950 } .line { stroke: #ff7b72 }
}
`;

function drawPanel(
  { title, series }: Panel,
  { minutes, warmUp, index }: { minutes: number; warmUp: number; index: number },
): string {
  const top = index * (PANEL.top + PANEL.height + PANEL.gap) + PANEL.top;
  const bottom = top + PANEL.height;
  const right = WIDTH - PANEL.right;
  const highest = roundUp(Math.max(1, ...series.flatMap(({ points }) => points.map(([, value]) => value))));
  const x = (minute: number): string => (PANEL.left + (minute / minutes) * (right - PANEL.left)).toFixed(1);
  const y = (value: number): string => (bottom - (value / highest) * PANEL.height).toFixed(1);
  const parts = [0, 1, 2, 3, 4].map((part) => part / 4);
  const legend = series.filter(({ name }) => name !== '');
  return [
    `<rect class="warm" x="${PANEL.left}" y="${top}" width="${Number(x(warmUp)) - PANEL.left}" height="${PANEL.height}"/>`,
    // Said once, where no curve comes up to it.
    ...(index === 0 ? [`<text x="${PANEL.left + 4}" y="${top + 16}">warm-up</text>`] : []),
    `<text class="title" x="${PANEL.left}" y="${top - 12}">${title}</text>`,
    ...parts.map((part) => `<path class="grid" d="M${PANEL.left} ${y(part * highest)}H${right}"/>`),
    ...parts.map(
      (part) => `<text class="end" x="${PANEL.left - 6}" y="${Number(y(part * highest)) + 4}">${part * highest}</text>`,
    ),
    ...ticks(minutes).map((minute) => `<text class="middle" x="${x(minute)}" y="${bottom + 16}">${minute}</text>`),
    `<text class="end" x="${right}" y="${bottom + 32}">minutes</text>`,
    ...series.map(
      ({ style, points }) => `<path class="${style}" d="M${points.map(([a, b]) => `${x(a)} ${y(b)}`).join('L')}"/>`,
    ),
    ...legend.map(({ name, style }, entry) => {
      const from = 260 + entry * 120;
      return `<path class="${style}" d="M${from} ${top - 16}h18"/><text x="${from + 24}" y="${top - 12}">${name}</text>`;
    }),
  ].join('\n');
}

/** To a number that four parts of are readable. */
function roundUp(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 4, 6, 8, 10].find((factor) => factor * magnitude >= value) ?? 10;
  return step * magnitude;
}

function ticks(minutes: number): number[] {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((each) => minutes / each <= 8) ?? 1_000;
  return Array.from({ length: Math.floor(minutes / step) + 1 }, (_, index) => index * step);
}
