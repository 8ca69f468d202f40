import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Progress } from '../../../../agent/command-line/progress.ts';

function said(terminal: boolean, colour: boolean, use: (progress: Progress) => void): string {
  let text = '';
  use(new Progress({ out: () => assert.fail('progress belongs to standard error'), err: (part) => void (text += part), colour, terminal, env: new Map(), systemProperties: new Map() }));
  return text;
}

const use = (progress: Progress): void => {
  progress.show(0.5, 'half of it');
  progress.line('half of it is done');
  progress.show(1, 'x'.repeat(200));
  progress.end();
  progress.end();
};

test('without a terminal there are whole lines and nothing else', () => {
  assert.equal(said(false, false, use), 'half of it is done\n');
});

test('on a terminal one line is written over, is short, and is gone at the end', () => {
  const text = said(true, false, use);
  assert.ok(!text.includes('\n') && text.includes('[############............] half of it'));
  assert.ok(text.endsWith('\r\u001b[K'));
  assert.ok(text.split('\r').every((line) => line.length <= 80), text);
});

test('colours only where they are wanted', () => {
  assert.ok(!said(true, false, use).includes('\u001b[1;'));
  assert.ok(said(true, true, use).includes('\u001b[1;32m'));
});
