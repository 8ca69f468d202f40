import { readFileSync } from 'node:fs';

/** What the operating system says of a process: CPU of all its threads since its start, and the most memory it ever had. */
export interface ProcessFigures {
  readonly cpuSeconds: number;
  readonly peakMb: number;
  readonly rssMb: number;
}

/** Clock ticks per second on every Linux that runs Node. */
const TICKS = 100;

export function figuresOf(pid: number): ProcessFigures {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
    peakMb: kilobytes(status, 'VmHWM') / 1024,
    rssMb: kilobytes(status, 'VmRSS') / 1024,
  };
}

function kilobytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? Number.NaN);
}
