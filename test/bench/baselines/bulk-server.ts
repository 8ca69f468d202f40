/** Answers `_bulk` requests as if every document were stored, and keeps none: so that only the sender is measured. Prints its port. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const LINE_FEED = 10;
const ID = Buffer.from('"_id":"');
const QUOTE = 34;

const server = createServer((request, response) => void serve(request, response));
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })));

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  response.setHeader('content-type', 'application/json').end(answerTo(Buffer.concat(chunks)));
}

/** An item for each pair of lines, with the id of the first of the two. */
function answerTo(body: Buffer): string {
  const items: string[] = [];
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf(LINE_FEED, at);
    const action = body.subarray(at, end);
    const idAt = action.indexOf(ID);
    const id = idAt >= 0 ? action.toString('latin1', idAt + ID.length, action.indexOf(QUOTE, idAt + ID.length)) : '';
    items.push(`{"index":{"_id":"${id}","status":201}}`);
    at = body.indexOf(LINE_FEED, end + 1) + 1;
  }
  return `{"items":[${items.join(',')}]}`;
}
