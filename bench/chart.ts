import type { Results } from './report';

const WIDTH = 920;
/** More than a character of a label is wide. */
const CHARACTER = 7;
const RIGHT = 60;
const BAR = { height: 16, gap: 4 };
const GROUP = { head: 34, gap: 12 };
const TOP = 64;

/** Draws the ratios to H as bars: SVG that follows the reader's light or dark setting, and says its numbers in words, too. */
export function chart({ workloads, contenders, plan, node }: Results): string {
  const groups = Object.values(workloads);
  const ratios = groups.flatMap(({ measurements }) =>
    Object.values(measurements).map((seen) => seen.ratioToH?.max ?? 0),
  );
  const left = 24 + CHARACTER * Math.max(...Object.values(contenders).map(({ length }) => length));
  const scale = (WIDTH - left - RIGHT) / Math.max(1, ...ratios);
  const shapes: string[] = [];
  let y = TOP;
  for (const { title, connections, measurements } of groups) {
    shapes.push(text(16, y + 18, `${title}, ${connections} connections`, 'group'));
    y += GROUP.head - 6;
    const top = y;
    for (const [name, { ratioToH }] of Object.entries(measurements)) {
      if (ratioToH === null) continue;
      const { median, min, max } = ratioToH;
      const middle = y + BAR.height / 2;
      shapes.push(
        text(left - 8, middle + 4, contenders[name] ?? name, 'label'),
        `<rect class="${kindOf(name)}" x="${left.toFixed(1)}" y="${y}" width="${(median * scale).toFixed(1)}" height="${BAR.height}"/>`,
        `<line class="spread" x1="${at(min)}" x2="${at(max)}" y1="${middle}" y2="${middle}"/>`,
        text(left + max * scale + 6, middle + 4, median.toFixed(2), 'value'),
      );
      y += BAR.height + BAR.gap;
    }
    shapes.push(`<line class="one" x1="${at(1)}" x2="${at(1)}" y1="${top - 3}" y2="${y - BAR.gap + 3}"/>`);
    y += GROUP.gap;
  }
  const height = y + 28;
  const how = `median of ${plan.rounds} rounds, thin line: lowest to highest; Node ${node}, one core for each`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">
<title id="title">Requests per CPU second, relative to H, a proxy written by hand without GraphQL</title>
<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 } .group { font-weight: 600 } .label { text-anchor: end } .note { fill: #59636e }
.product { fill: #0969da } .reference { fill: #59636e } .peer { fill: #b6c1cc }
.spread { stroke: #1f2328; stroke-width: 1.5 } .one { stroke: #59636e; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .note { fill: #9198a1 }
  .product { fill: #4493f8 } .reference { fill: #9198a1 } .peer { fill: #3d444d }
  .spread { stroke: #f0f6fc } .one { stroke: #9198a1 }
}
</style>
${text(16, 26, 'Requests per CPU second, as a multiple of H (higher is better)', 'title')}
${text(16, 46, 'H: a proxy written by hand that does the same work without GraphQL, callers or audit', 'note')}
${shapes.join('\n')}
${text(16, y + 12, how, 'note')}
</svg>
`;

  function at(ratio: number): string {
    return (left + ratio * scale).toFixed(1);
  }
}

function kindOf(name: string): 'product' | 'reference' | 'peer' {
  if (name.startsWith('H')) return 'reference';
  return name.startsWith('this') ? 'product' : 'peer';
}

function text(x: number, y: number, content: string, kind: string): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text class="${kind}" x="${x.toFixed(1)}" y="${y}">${escaped}</text>`;
}
