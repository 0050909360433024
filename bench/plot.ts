// Pictures of costs: lines over two logarithmic scales, as SVG that stands in the documentation. Pure.

/** What a picture shows. */
export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly { readonly name: string; readonly points: readonly (readonly [number, number])[] }[];
}

const SIZE = { width: 720, height: 400, left: 70, right: 230, top: 40, bottom: 50 } as const;
/** Told apart by people who see few colours: Okabe and Ito's. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;

/** A scale: from values to places, with the powers of ten in it. */
interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** Draws a picture. */
export function drawPlot({ title, x, y, series }: Plot): string {
  const points = series.flatMap((one) => one.points);
  const across = scaleOf(
    points.map(([value]) => value),
    SIZE.left,
    SIZE.width - SIZE.right,
  );
  const up = scaleOf(
    points.map(([, value]) => value),
    SIZE.height - SIZE.bottom,
    SIZE.top,
  );
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${SIZE.height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${SIZE.width}" height="${SIZE.height}" fill="#fff"/>`,
    text(SIZE.left, 22, title, 'font-size="15"'),
    ...across.ticks.map((value) => tickAcross(across.at(value), value)),
    ...up.ticks.map((value) => tickUp(up.at(value), value)),
    text(SIZE.width - SIZE.right, SIZE.height - 12, x, 'text-anchor="end"'),
    text(12, SIZE.top - 4, y, ''),
    ...series.flatMap((one, index) => lineOf(one, index, (point) => [across.at(point[0]), up.at(point[1])])),
    '</svg>',
    '',
  ];
  return parts.join('\n');
}

function lineOf(
  { name, points }: Plot['series'][number],
  index: number,
  place: (point: readonly [number, number]) => readonly [number, number],
): readonly string[] {
  const colour = COLOURS[index % COLOURS.length];
  const places = points.map(place);
  const y = SIZE.top + 14 + 20 * index;
  const left = SIZE.width - SIZE.right + 16;
  return [
    `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${places.map((one) => one.map(rounded).join(',')).join(' ')}"/>`,
    ...places.map(([cx, cy]) => `<circle cx="${rounded(cx)}" cy="${rounded(cy)}" r="3" fill="${colour}"/>`),
    `<rect x="${left}" y="${y - 9}" width="12" height="4" fill="${colour}"/>`,
    text(left + 18, y - 3, name, ''),
  ];
}

/** A logarithmic scale from one place to another; the powers of ten around the values are its ends. */
function scaleOf(values: readonly number[], from: number, to: number): Scale {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const at = (value: number): number => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
  return { at, ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)) };
}

function tickAcross(x: number, value: number): string {
  const bottom = SIZE.height - SIZE.bottom;
  return `<line x1="${rounded(x)}" x2="${rounded(x)}" y1="${SIZE.top}" y2="${bottom}" stroke="#ddd"/>${text(x, bottom + 18, grouped(value), 'text-anchor="middle"')}`;
}

function tickUp(y: number, value: number): string {
  const right = SIZE.width - SIZE.right;
  return `<line x1="${SIZE.left}" x2="${right}" y1="${rounded(y)}" y2="${rounded(y)}" stroke="#ddd"/>${text(SIZE.left - 8, y + 4, grouped(value), 'text-anchor="end"')}`;
}

function text(x: number, y: number, words: string, more: string): string {
  return `<text x="${rounded(x)}" y="${rounded(y)}" fill="#222"${more === '' ? '' : ` ${more}`}>${escaped(words)}</text>`;
}

function grouped(value: number): string {
  return value.toLocaleString('en');
}

function rounded(value: number): string {
  return value.toFixed(1);
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
