import { FASTEST_PEER, GUARDED_PEER, GUARDED_REFERENCE, PLAIN_APOLLO, PRODUCT } from './contenders';
import type { Results } from './report';
import { svg, text } from './svg';

const WIDTH = 920;
/** More than the width of a label's character. */
const CHARACTER = 7;
const RIGHT = 60;
const BAR = { height: 16, gap: 4 };
const GROUP = { head: 34, gap: 12 };
const TOP = 64;

/** The others would only make the chart longer. They are in the tables. */
const CONTENDERS = [PRODUCT, FASTEST_PEER, PLAIN_APOLLO, GUARDED_PEER, GUARDED_REFERENCE];
const WORKLOADS = ['users-1', 'users-50', 'users-500', 'aliases-8', 'page-50', 'profiles', 'self-unlink'];

/** Draws the ratios to H as bars. H itself is the dashed line. */
export function chart({ workloads, contenders, plan, node }: Results): string {
  const groups = WORKLOADS.flatMap((name) => workloads[name] ?? []);
  const ratios = groups.flatMap(({ measurements }) => CONTENDERS.map((name) => measurements[name]?.ratioToH?.max ?? 0));
  const left = 24 + CHARACTER * Math.max(...CONTENDERS.map((name) => contenders[name]?.length ?? 0));
  const scale = (WIDTH - left - RIGHT) / Math.max(1, ...ratios);
  const at = (ratio: number): string => (left + ratio * scale).toFixed(1);
  const bars: string[] = [];
  let y = TOP;
  for (const { title, reference, measurements } of groups) {
    const compared = reference === GUARDED_REFERENCE ? ', compared with H with the same checks' : '';
    bars.push(text(16, y + 18, `${title}${compared}`, 'heading'));
    y += GROUP.head - 6;
    const top = y;
    for (const name of CONTENDERS) {
      const ratio = measurements[name]?.ratioToH ?? null;
      if (ratio === null || name === reference) continue;
      const { median, min, max } = ratio;
      const middle = y + BAR.height / 2;
      bars.push(
        text(left - 8, middle + 4, contenders[name] ?? name, 'end'),
        `<rect class="bar ${colourOf(name)}" x="${left.toFixed(1)}" y="${y}" width="${(median * scale).toFixed(1)}" height="${BAR.height}"/>`,
        `<path class="spread" d="M${at(min)} ${middle}H${at(max)}"/>`,
        text(left + Math.max(max, median) * scale + 6, middle + 4, median.toFixed(2)),
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
