/** MinIO: four minutes to build, once; used by `npm run test:servers`. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { getGoProgram, goMissing, type GoProgram } from './go-programs.ts';
import { S3_KEYS, S3_REGION, type S3Server } from './s3-server.ts';
import { freePorts, serverOf, systemFolder, systemOf } from './server.ts';

const PROGRAM: GoProgram = { path: 'github.com/minio/minio', version: 'v0.0.0-20260212201848-7aac2a2c5b7c', cost: '4 minutes' };

export const minioMissing = (): string | false => goMissing(PROGRAM);
export const getMinio = (): Promise<string> => getGoProgram(PROGRAM);

export async function startMinio(): Promise<S3Server> {
  const command = await getMinio();
  const folder = await systemFolder('minio');
  const [port] = await freePorts(1);
  const endpoint = `http://127.0.0.1:${port}`;
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  const server = serverOf({
    name: 'MinIO',
    launch: () => ({
      command,
      args: ['server', data, '--address', `127.0.0.1:${port}`, '--quiet'],
      env: {
        MINIO_ROOT_USER: S3_KEYS.accessKeyId,
        MINIO_ROOT_PASSWORD: S3_KEYS.secretAccessKey,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
        GOMEMLIMIT: '200MiB',
      },
    }),
    answers: async () => (await fetch(`${endpoint}/minio/health/ready`)).ok,
  });
  await server.start();
  return { ...systemOf(folder, [server]), server, endpoint, region: S3_REGION, ...S3_KEYS };
}
