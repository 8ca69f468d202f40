/** versitygw: an S3 server over a folder, quick to build and to start; used by `npm test`. */

import { mkdir } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { getGoProgram, goMissing, type GoProgram } from './go-programs.ts';
import { S3_KEYS, S3_REGION, type S3Server } from './s3-server.ts';
import { freePorts, serverOf, systemFolder, systemOf } from './server.ts';

const PROGRAM: GoProgram = { path: 'github.com/versity/versitygw/cmd/versitygw', version: 'v1.8.0', cost: '1.5 minutes' };

export const versitygwMissing = (): string | false => goMissing(PROGRAM);
export const getVersitygw = (): Promise<string> => getGoProgram(PROGRAM);

/** `pem`: a certificate with its key; the server then speaks HTTPS. */
export async function startVersitygw({ pem }: { readonly pem?: string } = {}): Promise<S3Server> {
  const command = await getVersitygw();
  const folder = await systemFolder('versitygw');
  const [port] = await freePorts(1);
  const endpoint = `${pem === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  const secure = pem === undefined ? [] : ['--cert', pem, '--key', pem];
  const [data, iam] = [join(folder, 'data'), join(folder, 'iam')];
  await Promise.all([data, iam].map((path) => mkdir(path, { recursive: true })));
  const server = serverOf({
    name: 'versitygw',
    launch: () => ({
      command,
      args: ['--port', `127.0.0.1:${port}`, '--health', '/health', '--region', S3_REGION, ...secure, '--iam-dir', iam, 'posix', data],
      env: { ROOT_ACCESS_KEY: S3_KEYS.accessKeyId, ROOT_SECRET_KEY: S3_KEYS.secretAccessKey },
    }),
    answers: () => (pem === undefined ? fetch(`${endpoint}/health`).then(({ ok }) => ok) : answersOverTls(`${endpoint}/health`)),
  });
  await server.start();
  return { ...systemOf(folder, [server]), server, endpoint, region: S3_REGION, ...S3_KEYS };
}

/** Whoever vouches for it. */
function answersOverTls(url: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    get(url, { rejectUnauthorized: false, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    }).on('error', reject);
  });
}
