import type { Connection } from './connections.ts';
import type { HostedAgent } from './ends.ts';
import { columnsOf } from './layout.ts';

const BOX = { width: 250, head: 40, row: 22, bottom: 10 };
const GAP = { x: 110, y: 28 };
const EDGE = 20;
/** About the width of one in an address. */
const LETTER = 6.5;

interface Box {
  readonly agent: HostedAgent;
  readonly x: number;
  readonly y: number;
  readonly height: number;
  /** Height of each row: `sources r1`, `channels c1`, `sinks k1`. */
  readonly rows: ReadonlyMap<string, number>;
}

/** The chain as a picture: a box for each agent, the events going from left to right. */
export function topologySvg(agents: readonly HostedAgent[], connections: readonly Connection[]): string {
  const boxes = place(columnsOf(agents, connections));
  // Where an arrow leads to no box further right, its address stands at the edge.
  const longest = Math.max(...connections.map(({ sender }) => addressOf(sender).length), 0);
  const width = Math.ceil(Math.max(...boxes.map(({ x }) => x + BOX.width), 0) + Math.max(GAP.x, EDGE + LETTER * longest));
  const height = Math.max(...boxes.map(({ y, height: own }) => y + own), 0) + EDGE;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>',
    ...boxes.map(drawBox),
    ...connections.map((connection) => drawConnection(connection, boxes, connections)),
    '</svg>',
    '',
  ].join('\n');
}

function place(columns: readonly (readonly HostedAgent[])[]): readonly Box[] {
  return columns.flatMap((column, index) => {
    let y = EDGE;
    return column.map((agent) => {
      const rows = new Map<string, number>();
      for (const [list, names] of rowsOf(agent)) for (const name of names) rows.set(`${list} ${name}`, y + BOX.head + rows.size * BOX.row);
      const box = { agent, x: EDGE + index * (BOX.width + GAP.x), y, height: BOX.head + rows.size * BOX.row + BOX.bottom, rows };
      y += box.height + GAP.y;
      return box;
    });
  });
}

function rowsOf({ plan }: HostedAgent): readonly (readonly ['sources' | 'channels' | 'sinks', readonly string[]])[] {
  const names = (list: readonly { readonly name: string }[]): readonly string[] => list.map(({ name }) => name);
  return [['sources', names(plan.sources)], ['channels', names(plan.channels)], ['sinks', names(plan.sinks)]];
}

const COLOURS = { sources: '#2b6cb0', channels: '#975a16', sinks: '#276749' } as const;

function drawBox({ agent, x, y, height, rows }: Box): string {
  const { plan } = agent;
  const parts = [...rows].map(([key, at]) => {
    const [list, name] = key.split(' ') as ['sources' | 'channels' | 'sinks', string];
    const component = plan[list].find((each) => each.name === name);
    const words = `${name}  ${component?.definition.types[0] ?? ''}${flow(agent, list, name)}`;
    return `<circle cx="${x + 14}" cy="${at + 2}" r="4" fill="${COLOURS[list]}"/><text x="${x + 26}" y="${at + 7}">${escapeXml(words)}</text>`;
  });
  return [
    `<rect x="${x}" y="${y}" width="${BOX.width}" height="${height}" rx="8" fill="#f7fafc" stroke="#4a5568"/>`,
    `<text x="${x + 12}" y="${y + 20}" font-weight="bold">${escapeXml(`${agent.host}: agent ${plan.name}`)}</text>`,
    ...parts,
  ].join('\n');
}

function flow({ plan }: HostedAgent, list: string, name: string): string {
  if (list === 'sources') return ` → ${plan.sources.find((each) => each.name === name)?.channels.join(', ') ?? ''}`;
  if (list === 'sinks') return ` ← ${plan.sinks.find((each) => each.name === name)?.channel ?? ''}`;
  return '';
}

function drawConnection({ sender, receiver }: Connection, boxes: readonly Box[], all: readonly Connection[]): string {
  const from = boxes.find(({ agent }) => agent === sender.agent);
  if (!from) return '';
  const [x1, y1] = [from.x + BOX.width, (from.rows.get(`sinks ${sender.name}`) ?? from.y) + 2];
  const to = receiver && boxes.find(({ agent }) => agent === receiver.agent);
  const label = escapeXml(addressOf(sender));
  if (!receiver || !to) {
    // Below one another, where one sink has several.
    const lost = all.filter((other) => !other.receiver && other.sender.agent === sender.agent && other.sender.name === sender.name);
    const y = y1 + 14 + 13 * lost.findIndex((other) => other.sender === sender);
    return `<path d="M${x1} ${y1}h40" stroke="#c53030" stroke-dasharray="4 3" marker-end="url(#tip)"/><text x="${x1 + 6}" y="${y}" font-size="11" fill="#c53030">${label}</text>`;
  }
  const [x2, y2] = [to.x, (to.rows.get(`sources ${receiver.name}`) ?? to.y) + 2];
  if (x2 <= x1) {
    // Back to the left, which closes a circle: below all boxes.
    const bottom = Math.max(...boxes.map(({ y, height }) => y + height)) + EDGE / 2;
    const way = `M${x1} ${y1}h14V${bottom}H${x2 - 14}V${y2}h12`;
    return `<path d="${way}" fill="none" stroke="#c53030" marker-end="url(#tip)"/><text x="${x1 + 18}" y="${y1 + 14}" font-size="11" fill="#c53030">${label}</text>`;
  }
  const bend = Math.max(60, Math.abs(x2 - x1) / 2);
  return `<path d="M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - 2} ${y2}" fill="none" stroke="#2d3748" marker-end="url(#tip)"/><text x="${x2 - 12}" y="${y2 - 6}" font-size="11" text-anchor="end">${label}</text>`;
}

function addressOf({ targetHost, targetPort }: Connection['sender']): string {
  return `${targetHost}:${targetPort}`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
