/** `s3-files.ts ENDPOINT KEY SECRET BUCKET AT-A-TIME FILE …`: uploads files with @aws-sdk/client-s3 as its documentation shows, and prints its figures. */
import { createReadStream, statSync } from 'node:fs';
import { basename } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { figuresOf } from '../process-figures.ts';

const [endpoint = '', accessKeyId = '', secretAccessKey = '', Bucket = '', atATime = '1', ...files] = process.argv.slice(2);
const client = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
const before = figuresOf(process.pid).cpuSeconds;
const began = performance.now();
const waiting = [...files];
const upload = async (): Promise<void> => {
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    await client.send(new PutObjectCommand({ Bucket, Key: `files/${basename(path)}`, Body: createReadStream(path), ContentLength: statSync(path).size }));
  }
};
await Promise.all(Array.from({ length: Number(atATime) }, upload));
const seconds = (performance.now() - began) / 1000;
const { cpuSeconds, peakMb } = figuresOf(process.pid);
console.log(JSON.stringify({ seconds, cpuSeconds: cpuSeconds - before, peakMb }));
