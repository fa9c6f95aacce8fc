import { svg, text } from '../svg';
import { memoryTrend, type Observation } from './report';
import type { Sample } from './samples';

interface Series {
  name: string;
  /** Classes of the style sheet. */
  style: string;
  points: readonly (readonly [minute: number, value: number])[];
}

interface Panel {
  title: string;
  series: readonly Series[];
}

const WIDTH = 800;
const PANEL = { left: 60, right: 20, top: 34, height: 150, gap: 44 };

/** Draws memory, event-loop delay, handles and requests over the time of a run. */
export function chart(seen: Observation): string {
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
        { name: `trend of resident, ${slope.toFixed(2)} MB/min`, style: 'third dashed', points: trend },
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
  return svg(
    {
      width: WIDTH,
      height: panels.length * (PANEL.top + PANEL.height + PANEL.gap),
      title: `Memory, event-loop delay and handles over ${Math.round(minutes)} minutes of load`,
    },
    panels.flatMap((panel, index) => drawPanel(panel, { minutes, warmUp: seen.warmUp, index })),
  );
}

function drawPanel(
  { title, series }: Panel,
  { minutes, warmUp, index }: { minutes: number; warmUp: number; index: number },
): string[] {
  const top = index * (PANEL.top + PANEL.height + PANEL.gap) + PANEL.top;
  const bottom = top + PANEL.height;
  const right = WIDTH - PANEL.right;
  const highest = roundUp(Math.max(1, ...series.flatMap(({ points }) => points.map(([, value]) => value))));
  const x = (minute: number): number => PANEL.left + (minute / minutes) * (right - PANEL.left);
  const y = (value: number): number => bottom - (value / highest) * PANEL.height;
  const marks = [0, 1, 2, 3, 4].map((part) => (part / 4) * highest);
  const legend = series.filter(({ name }) => name !== '');
  return [
    `<rect class="shade" x="${PANEL.left}" y="${top}" width="${(x(warmUp) - PANEL.left).toFixed(1)}" height="${PANEL.height}"/>`,
    ...(index === 0 ? [text(PANEL.left + 4, top + 16, 'warm-up')] : []),
    text(PANEL.left, top - 12, title, 'heading'),
    ...marks.map((value) => `<path class="grid" d="M${PANEL.left} ${y(value).toFixed(1)}H${right}"/>`),
    ...marks.map((value) => text(PANEL.left - 6, Math.round(y(value)) + 4, String(value), 'end')),
    ...ticks(minutes).map((minute) => text(x(minute), bottom + 16, String(minute), 'middle')),
    text(right, bottom + 32, 'minutes', 'end'),
    ...series.map(({ style, points }) => {
      const path = points.map(([minute, value]) => `${x(minute).toFixed(1)} ${y(value).toFixed(1)}`).join('L');
      return `<path class="line ${style}" d="M${path}"/>`;
    }),
    ...legend.flatMap(({ name, style }, entry) => {
      const from = 260 + entry * 120;
      return [`<path class="line ${style}" d="M${from} ${top - 16}h18"/>`, text(from + 24, top - 12, name)];
    }),
  ];
}

/** Rounds up to a number whose quarters are easy to read. */
function roundUp(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 4, 6, 8, 10].find((factor) => factor * magnitude >= value) ?? 10;
  return step * magnitude;
}

function ticks(minutes: number): number[] {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((each) => minutes / each <= 8) ?? 1_000;
  return Array.from({ length: Math.floor(minutes / step) + 1 }, (_, index) => index * step);
}
