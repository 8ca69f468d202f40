/** What the S3 servers of the tests have in common. */

import type { Server, System } from './server.ts';

export interface S3Server extends System {
  readonly server: Server;
  /** `http://127.0.0.1:PORT`. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export const S3_REGION = 'us-east-1';
export const S3_KEYS = { accessKeyId: 'millrace-test', secretAccessKey: 'planted-secret-7f3a91' };
