import type { Results } from './report';
import { svg, text } from './svg';

const WIDTH = 920;
/** More than the width of a label's character. */
const CHARACTER = 7;
const RIGHT = 60;
const BAR = { height: 16, gap: 4 };
const GROUP = { head: 34, gap: 12 };
const TOP = 64;

/** Draws the ratios to H as bars. */
export function chart({ workloads, contenders, plan, node }: Results): string {
  const groups = Object.values(workloads);
  const ratios = groups.flatMap(({ measurements }) =>
    Object.values(measurements).map(({ ratioToH }) => ratioToH?.max ?? 0),
  );
  const left = 24 + CHARACTER * Math.max(...Object.values(contenders).map(({ length }) => length));
  const scale = (WIDTH - left - RIGHT) / Math.max(1, ...ratios);
  const at = (ratio: number): string => (left + ratio * scale).toFixed(1);
  const bars: string[] = [];
  let y = TOP;
  for (const { title, connections, measurements } of groups) {
    bars.push(text(16, y + 18, `${title}, ${connections} connections`, 'heading'));
    y += GROUP.head - 6;
    const top = y;
    for (const [name, { ratioToH }] of Object.entries(measurements)) {
      if (ratioToH === null) continue;
      const { median, min, max } = ratioToH;
      const middle = y + BAR.height / 2;
      bars.push(
        text(left - 8, middle + 4, contenders[name] ?? name, 'end'),
        `<rect class="bar ${colourOf(name)}" x="${left.toFixed(1)}" y="${y}" width="${(median * scale).toFixed(1)}" height="${BAR.height}"/>`,
        `<path class="spread" d="M${at(min)} ${middle}H${at(max)}"/>`,
        text(left + max * scale + 6, middle + 4, median.toFixed(2)),
      );
      y += BAR.height + BAR.gap;
    }
    bars.push(`<path class="line dark dashed" d="M${at(1)} ${top - 3}V${y - BAR.gap + 3}"/>`);
    y += GROUP.gap;
  }
  const note = `median of ${plan.rounds} rounds, thin line: lowest to highest; Node ${node}, one core for each`;
  return svg(
    {
      width: WIDTH,
      height: y + 28,
      title: 'Requests per CPU second, relative to H, a proxy written by hand without GraphQL',
    },
    [
      text(16, 26, 'Requests per CPU second, as a multiple of H (higher is better)', 'title'),
      text(16, 46, 'H: a proxy written by hand that does the same work without GraphQL, callers or audit', 'note'),
      ...bars,
      text(16, y + 12, note, 'note'),
    ],
  );
}

function colourOf(name: string): 'first' | 'dark' | 'grey' {
  if (name.startsWith('H')) return 'dark';
  return name.startsWith('this') ? 'first' : 'grey';
}
