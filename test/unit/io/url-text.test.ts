import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { readUrlText } from '../../../io/url-text.ts';

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('the text of a file', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'url-text-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'schema with blank.avsc');
  await writeFile(path, '"strüng"');
  assert.equal(await readUrlText(pathToFileURL(path).href), '"strüng"');
  await assert.rejects(readUrlText(pathToFileURL(folder).href), /cannot read file:/);
  await assert.rejects(readUrlText(pathToFileURL(join(folder, 'none')).href), /none/);
  await writeFile(path, Buffer.alloc((1 << 20) + 1, 65));
  await assert.rejects(readUrlText(pathToFileURL(path).href), (error: Error) => /longer/.test(String(error.cause)));
});

test('the answer of a server, unless it is an error', async (t) => {
  const base = await serve(t, (request, response) => {
    response.statusCode = request.url === '/good' ? 200 : 404;
    response.end('"string"');
  });
  assert.equal(await readUrlText(`${base}/good`), '"string"');
  await assert.rejects(readUrlText(`${base}/bad`), (error: Error) => /404/.test(String(error.cause)));
});

test('X14 redirections are not followed, other schemes not read, credentials not shown, long answers cut off', async (t) => {
  let followed = 0;
  const base = await serve(t, (request, response) => {
    if (request.url === '/endless') {
      const more = (): void => void (response.destroyed || response.write(Buffer.alloc(65_536), more));
      more();
    } else if (request.url === '/from') {
      response.writeHead(302, { location: '/to' }).end();
    } else {
      followed++;
      response.end();
    }
  });
  await assert.rejects(readUrlText(`${base}/from`));
  assert.equal(followed, 0);
  await assert.rejects(readUrlText('ftp://user:secret@127.0.0.1/x'), (error: Error) => !error.message.includes('secret'));
  await assert.rejects(readUrlText(`${base}/endless`), (error: Error) => /longer/.test(String(error.cause)));
});
