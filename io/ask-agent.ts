import { nodeHttp } from './node-http.ts';

const MOST_BYTES = 1024 * 1024;

/** One request without a body to the monitoring of an agent on this machine. Throws for what the network says, and for time-outs. */
export function askAgent(method: 'GET' | 'POST', url: URL, timeoutMs: number, mostBytes = MOST_BYTES): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const request = nodeHttp().request(url, { method, headers: { connection: 'close' }, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      body += text;
      if (body.length > mostBytes) response.destroy(new Error(`the answer is longer than ${mostBytes} bytes`));
    });
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    response.on('error', reject);
  });
  request.on('error', reject);
  request.end();
  return promise;
}
