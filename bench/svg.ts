/**
 * Draws a text.
 *
 * @param style Default: left-aligned in the standard font. Classes of the style sheet.
 */
export function text(x: number, y: number, content: string, style = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text${style === '' ? '' : ` class="${style}"`} x="${x.toFixed(1)}" y="${y}">${escaped}</text>`;
}

/**
 * Puts shapes into an SVG file that follows the reader's light or dark setting.
 *
 * @param title The alternative text for readers who do not see the image.
 */
export function svg(
  { width, height, title }: { width: number; height: number; title: string },
  shapes: readonly string[],
): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">
<title id="title">${title}</title>
<style>${STYLE}</style>
<rect class="page" width="${width}" height="${height}"/>
${shapes.join('\n')}
</svg>
`;
}

/** `.first`, `.second`, `.third`, `.dark` and `.grey` are colours; `.bar` and `.line` say what is drawn in them. */
const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 } .heading { font-weight: 600 } .note { fill: #59636e }
.end { text-anchor: end } .middle { text-anchor: middle } .page { fill: #fff }
.first { color: #0969da } .second { color: #1a7f37 } .third { color: #cf222e } .dark { color: #59636e } .grey { color: #b6c1cc }
.bar { fill: currentColor } .line { stroke: currentColor; stroke-width: 1.5; fill: none } .dashed { stroke-dasharray: 6 4 }
.spread { stroke: #1f2328; stroke-width: 1.5 } .grid { stroke: #d0d7de } .shade { fill: #8c959f; opacity: .15 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .note { fill: #9198a1 } .page { fill: #0d1117 }
  .first { color: #4493f8 } .second { color: #3fb950 } .third { color: #ff7b72 } .dark { color: #9198a1 } .grey { color: #3d444d }
  .spread { stroke: #f0f6fc } .grid { stroke: #30363d }
}
`;
