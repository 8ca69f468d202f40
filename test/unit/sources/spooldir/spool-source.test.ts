import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Source, SourceContext } from '../../../../core/component.ts';
import { spooldirSource } from '../../../../sources/spooldir/index.ts';
import { create } from '../../../conformance/fakes.ts';
import { sourceConformance } from '../../../conformance/source.ts';

/** A source that is made in time, over folders of their own. */
class Late implements Source {
  readonly folder: string;
  readonly #made: Promise<Source>;

  constructor(folder: string, context: SourceContext) {
    this.folder = folder;
    this.#made = Promise.resolve(create(spooldirSource, { spoolDir: folder, pollDelay: '10', maxBackoff: '1' }, context));
  }

  async start(): Promise<void> {
    await (await this.#made).start();
  }

  async stop(): Promise<void> {
    await (await this.#made).stop();
  }
}

const folders = mkdtempSync(join(tmpdir(), 'millrace-spool-'));
process.on('exit', () => rmSync(folders, { recursive: true, force: true }));
let count = 1000;
sourceConformance('spooldir', {
  create(context) {
    const folder = join(folders, String(count++));
    mkdirSync(folder);
    return new Late(folder, context);
  },
  feed(source, body) {
    const { folder } = source as Late;
    writeFileSync(join(folder, '.new'), body);
    renameSync(join(folder, '.new'), join(folder, `file${count++}`));
  },
  async obstruct(source) {
    const { folder } = source as Late;
    rmSync(folder, { recursive: true });
    return () => mkdirSync(folder);
  },
  afterFailure: 'again',
});
