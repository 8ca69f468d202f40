/**
 * `npm run bench [-- WORKLOAD …] [--rounds N] [--no-flume]`: runs the subjects of each workload in turn, several rounds, and prints
 * figures and the ratios of each round. Every line is counted at the far end.
 */
import { cpus } from 'node:os';
import { flumeAvailable } from '../servers/flume.ts';
import { drainIntoHdfs } from './hdfs.ts';
import { measure, sum, type Measured } from './measure.ts';
import { s3Bench } from './s3.ts';
import { slowSink } from './slow-sink.ts';
import { workloads, type Workload } from './workloads.ts';

const words = process.argv.slice(2);
const rounds = Number(valueOf('--rounds') ?? 5);
const withoutFlume = words.includes('--no-flume') || flumeAvailable() !== false;
const wanted = words.filter((word, index) => !word.startsWith('--') && words[index - 1] !== '--rounds');

console.log(`Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${rounds} rounds, subjects in turn\n`);
for (const workload of workloads.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  report(workload, await run(workload));
}
if (wanted.length === 0 || wanted.includes('W10')) await slowSink();
if (wanted.length === 0 || wanted.includes('S3')) await s3Bench(rounds);
if (wanted.length === 0 || wanted.includes('hdfs')) await drainIntoHdfs(rounds, withoutFlume);

async function run(workload: Workload): Promise<Measured[][]> {
  const results: Measured[][] = [];
  const subjects = workload.subjects.filter(({ flume }) => !flume || !withoutFlume);
  for (let round = 1; round <= rounds; round++) {
    const figures: Measured[] = [];
    for (const { name, start } of subjects) {
      if (process.stderr.isTTY) process.stderr.write(`\r${workload.name} round ${round}/${rounds} ${name.padEnd(20)}`);
      const subject = await start();
      try {
        figures.push({ ...(await measure(subject, workload.load)), subject: name });
      } finally {
        await subject.stop();
      }
    }
    results.push(figures);
  }
  if (process.stderr.isTTY) process.stderr.write(`\r${' '.repeat(60)}\r`);
  return results;
}

function report(workload: Workload, results: readonly Measured[][]): void {
  const { load } = workload;
  console.log(`### ${workload.name}: ${workload.what}\n`);
  console.log(`${load.lines.toLocaleString('en')} lines of ${load.lineBytes} B over ${load.connections} connection(s); medians.\n`);
  console.log('| subject | lines/s | CPU s per million | peak MB | idle MB | listening after ms | lines/s, times the first | CPU, times the first |');
  console.log('|---|---:|---:|---:|---:|---:|---|---|');
  for (const [at, { subject }] of (results[0] ?? []).entries()) {
    const column = results.map((figures) => figures[at] as Measured);
    const ratio = (pick: (figures: Measured) => number): string =>
      results.map((figures) => (pick(figures[at] as Measured) / pick(figures[0] as Measured)).toFixed(2)).join(' ');
    const cells = [
      subject,
      Math.round(median(column.map(({ linesPerSecond }) => linesPerSecond))).toLocaleString('en'),
      inParts(column, ({ cpuParts }) => cpuParts, 3),
      inParts(column, ({ peaksMb }) => peaksMb, 0),
      median(column.map(({ idleMb }) => idleMb)).toFixed(0),
      median(column.map(({ startMs }) => startMs)).toFixed(0),
      ratio(({ linesPerSecond }) => linesPerSecond),
      ratio(({ cpuPerMillion }) => cpuPerMillion),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
  console.log('');
}

/** The median, and behind it those of the processes where there are several: sender, then receiver. */
function inParts(column: readonly Measured[], pick: (figures: Measured) => readonly number[], digits: number): string {
  const all = median(column.map((figures) => sum(pick(figures)))).toFixed(digits);
  const parts = (column[0] ? pick(column[0]) : []).map((_, index) => median(column.map((figures) => pick(figures)[index] as number)).toFixed(digits));
  return parts.length > 1 ? `${all} (${parts.join(' + ')})` : all;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function valueOf(option: string): string | undefined {
  const at = words.indexOf(option);
  return at < 0 ? undefined : words[at + 1];
}
