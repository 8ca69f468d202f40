import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Source } from '../../../../core/component.ts';
import { spooldirSource } from '../../../../sources/spooldir/index.ts';
import { create, eventually, FakeSourceContext } from '../../../conformance/fakes.ts';

/** A spool directory of a test, and sources that read it. */
export class SpoolFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'millrace-spool-'));

  constructor(t: Pick<TestContext, 'after'>) {
    t.after(() => {
      chmodSync(this.path, 0o755);
      rmSync(this.path, { recursive: true, force: true });
    });
  }

  /** `seconds`: its time of modification; older files are read first. */
  write(name: string, content: string | Buffer, seconds = 1_000_000): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    utimesSync(path, seconds, seconds);
    return path;
  }

  /** Flume's own set of files, all of the same age. */
  writeSetF(): void {
    this.write('file0', '');
    this.write('file1', 'file1line0\n');
    this.write('file2', 'file2line0\nfile2line1\n');
    this.write('file3', 'file3line0\nfile3line1\nfile3line2\n');
    this.write('emptylineFile', '\n');
  }

  names(below = ''): string[] {
    return readdirSync(join(this.path, below)).filter((name) => name !== '.flumespool').sort();
  }

  trackers(): string[] {
    return existsSync(join(this.path, '.flumespool')) ? (readdirSync(join(this.path, '.flumespool'), { recursive: true }) as string[]).sort() : [];
  }

  text(name: string): string {
    return readFileSync(join(this.path, name), 'utf8');
  }

  source(properties: Record<string, string> = {}, context = new FakeSourceContext()): Promise<Source> {
    return Promise.resolve(create(spooldirSource, { spoolDir: this.path, pollDelay: '20', ...properties }, context));
  }

  /** Runs a source until `done` holds. */
  async run(properties: Record<string, string>, done: (context: FakeSourceContext) => boolean, context = new FakeSourceContext()): Promise<FakeSourceContext> {
    const source = await this.source(properties, context);
    await source.start();
    try {
      await eventually(() => done(context), `${JSON.stringify(properties)} done; there are ${this.names().join(', ')}; bodies ${context.bodies.length}`);
    } finally {
      await source.stop();
    }
    return context;
  }

  /** Until no file waits any more. */
  drain(properties: Record<string, string> = {}, context = new FakeSourceContext()): Promise<FakeSourceContext> {
    return this.run(properties, () => this.names().every((name) => /\.(COMPLETED|SETASIDE)$/.test(name)), context);
  }
}
