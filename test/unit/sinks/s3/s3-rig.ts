import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sink } from '../../../../core/component.ts';
import { readOptions } from '../../../../core/read-options.ts';
import { logFiles, type LogFiles } from '../../../../io/log-files.ts';
import { createS3Sink } from '../../../../sinks/s3/create.ts';
import { s3Sink } from '../../../../sinks/s3/index.ts';
import { FakeContext } from '../../../conformance/fakes.ts';
import { FakeS3 } from '../../../harness/fake-s3.ts';

export interface S3Rig {
  readonly s3: FakeS3;
  readonly context: FakeContext;
  readonly stage: string;
  /** A sink over the stage; `properties` beside those that reach the fake. */
  make(properties?: Record<string, string>, files?: LogFiles): Promise<Sink>;
}

/** A fake S3, and sinks over one stage directory. */
export async function s3Rig(t: { after(hook: () => Promise<void>): void }, pem?: Buffer): Promise<S3Rig> {
  const s3 = await new FakeS3(pem).start();
  const stage = mkdtempSync(join(tmpdir(), 'millrace-s3-'));
  const sinks: Sink[] = [];
  const context = new FakeContext();
  t.after(async () => {
    s3.trick = () => undefined;
    for (const sink of sinks) await sink.stop();
    await s3.stop();
    rmSync(stage, { recursive: true, force: true });
  });
  return {
    s3,
    context,
    stage,
    async make(properties = {}, files = logFiles) {
      const given = {
        's3.bucket': 'logs',
        's3.endpoint': s3.endpoint,
        's3.accessKeyId': 'id',
        's3.secretAccessKey': 'planted-secret',
        's3.stageDirectory': stage,
        ...properties,
      };
      const { values, problems } = readOptions(s3Sink, new Map(Object.entries(given)));
      if (!values) throw new Error(problems.map(({ key, sentence }) => `${key} ${sentence}`).join('; '));
      const sink = await createS3Sink(context, values, files);
      sinks.push(sink);
      return sink;
    },
  };
}
