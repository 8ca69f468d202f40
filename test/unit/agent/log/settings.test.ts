import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLogSettings, type LogSettings } from '../../../../agent/log/settings.ts';

function settings(properties: Readonly<Record<string, string>>): LogSettings {
  return readLogSettings(new Map(Object.entries(properties)));
}

test('without properties: info, text, to the console', () => {
  assert.deepEqual(settings({}), { level: 'info', console: true, format: 'text', warnings: [] });
});

test('flume.root.logger: level and appenders in any case', () => {
  const cases: readonly (readonly [string, LogSettings['level'], boolean, string | undefined])[] = [
    ['INFO,console', 'info', true, undefined],
    ['DEBUG', 'debug', true, undefined],
    ['warn , Console', 'warn', true, undefined],
    ['TRACE,LOGFILE', 'debug', false, 'flume.log'],
    ['FATAL,DAILY', 'error', false, 'flume.log'],
    ['OFF', 'off', true, undefined],
    ['INFO,LOGFILE,console', 'info', true, 'flume.log'],
  ];
  for (const [text, level, console, file] of cases) {
    const read = settings({ 'flume.root.logger': text });
    assert.deepEqual([read.level, read.console, read.file, read.warnings.length], [level, console, file, 0], text);
  }
});

test('flume.log.dir and flume.log.file say where the file is; LOG_DIR as in Flume 1.11', () => {
  const logger = { 'flume.root.logger': 'INFO,LOGFILE' };
  assert.equal(settings({ ...logger, 'flume.log.dir': '/var/log/flume', 'flume.log.file': 'a.log' }).file, '/var/log/flume/a.log');
  assert.equal(settings({ ...logger, LOG_DIR: 'logs' }).file, 'logs/flume.log');
});

test('what is not understood is told, and something sensible done', () => {
  const read = settings({ 'flume.root.logger': 'LOUD,syslog', 'millrace.log.format': 'xml' });
  assert.deepEqual([read.level, read.console, read.format], ['info', true, 'text']);
  assert.equal(read.warnings.length, 3);
});

test('text for journald alone gets priorities; JSON and files stay as they are', () => {
  const format = (properties: Record<string, string>): string => readLogSettings(new Map(Object.entries(properties)), true).format;
  assert.equal(format({}), 'journal');
  assert.equal(format({ 'millrace.log.format': 'json' }), 'json');
  assert.equal(format({ 'flume.root.logger': 'INFO,console,LOGFILE' }), 'text');
});
