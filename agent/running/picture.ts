import type { Description } from '../../core/component.ts';
import type { ComponentMetrics } from '../../core/metrics.ts';
import type { AgentPlan } from '../plan/types.ts';
import type { Supervisor } from './supervisor.ts';

export interface PictureExtras {
  readonly version: string;
  /** Where the configuration came from. */
  readonly files: readonly string[];
  /** `http://127.0.0.1:34545`, where monitoring is on. */
  readonly monitoring?: string;
  readonly deadLetters: string;
  /** What else to try, one line each. */
  readonly tries?: readonly string[];
}

interface Row {
  readonly state: ComponentMetrics;
  readonly description: Description;
  /** `→ c1, c2` or `← c1`. */
  readonly arrow: string;
}

/** What runs, where it listens, what it promises and what to try: the last thing an agent says at its start. Lines without colours. */
export function drawAgent(plan: AgentPlan, agent: Supervisor, extras: PictureExtras): string {
  const rows = rowsOf(plan, agent);
  const lines = [
    `Millrace ${extras.version} runs agent ${agent.agent} of ${extras.files.join(', ')}`,
    '',
    ...table(rows.map(cells)),
    '',
    ...table(notes(rows, extras)),
  ];
  return `${lines.join('\n')}\n`;
}

function rowsOf(plan: AgentPlan, agent: Supervisor): readonly Row[] {
  const arrows = new Map<string, string>([
    ...plan.sources.map(({ name, channels }) => [`source ${name}`, `→ ${channels.join(', ')}`] as const),
    ...plan.sinks.map(({ name, channel }) => [`sink ${name}`, `← ${channel}`] as const),
  ]);
  return agent.components().map((state) => ({
    state,
    description: agent.product(state.kind, state.name)?.describe?.() ?? {},
    arrow: arrows.get(`${state.kind} ${state.name}`) ?? '',
  }));
}

function cells({ state, description, arrow }: Row): string[] {
  const endpoints = (description.endpoints ?? []).map(({ address, tls }) => `${address}${tls ? ' (TLS)' : ''}`).join(', ');
  const what = [endpoints, description.summary ?? ''].filter((text) => text !== '').join(', ');
  const status = state.state === 'running' ? what : `${state.state.toUpperCase()}: ${state.reason ?? 'not started yet'}`;
  return [`  ${state.kind}`, state.name, state.type, arrow, status];
}

function notes(rows: readonly Row[], extras: PictureExtras): string[][] {
  const kept = rows.flatMap(({ state, description }) => (description.paths ?? []).map((path) => `${path} (${state.kind} ${state.name})`));
  const lost = rows.flatMap(({ state, description }) =>
    description.lostOnPowerCut ? [`${description.lostOnPowerCut} (channel ${state.name})`] : [],
  );
  const tries = [...rows.flatMap(({ description }) => description.tryIt ?? []), ...(extras.tries ?? [])];
  return [
    ...labelled('data is kept in', kept.length > 0 ? kept : ['memory only']),
    ...labelled('a power cut loses', lost.length > 0 ? lost : ['nothing that was acknowledged']),
    ...labelled('events nobody accepts', [extras.deadLetters]),
    ...(extras.monitoring ? labelled('metrics', [`curl ${extras.monitoring}/metrics`]) : []),
    ...labelled('try', tries),
  ];
}

function labelled(label: string, texts: readonly string[]): string[][] {
  return texts.map((text, index) => [`  ${index === 0 ? label : ''}`, text]);
}

function table(rows: readonly string[][]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
