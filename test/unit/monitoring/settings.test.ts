import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMonitoringSettings } from '../../../monitoring/settings.ts';

function read(properties: Record<string, string>): ReturnType<typeof readMonitoringSettings> {
  return readMonitoringSettings(new Map(Object.entries(properties)));
}

test('nothing is served unless flume.monitoring.type says so', () => {
  assert.deepEqual(read({ 'flume.monitoring.port': '1' }), {});
});

test('X1 http in any case: loopback and port 41414 unless told otherwise', () => {
  assert.deepEqual(read({ 'flume.monitoring.type': 'HTTP' }).settings, { host: '127.0.0.1', port: 41_414, format: 'json' });
  assert.deepEqual(
    read({ 'flume.monitoring.type': 'http', 'flume.monitoring.port': '34545', 'flume.monitoring.host': '0.0.0.0' }).settings,
    { host: '0.0.0.0', port: 34_545, format: 'json' },
  );
  assert.equal(read({ 'flume.monitoring.type': 'prometheus' }).settings?.format, 'prometheus');
});

test('a port that is none, ganglia and a Java class are problems that name what was given', () => {
  for (const port of ['abc', '-1', '65536', '', '1.5']) {
    const { settings, problem } = read({ 'flume.monitoring.type': 'http', 'flume.monitoring.port': port });
    assert.equal(settings, undefined, port);
    assert.ok(problem?.includes(`port=${port} `), problem);
  }
  assert.match(read({ 'flume.monitoring.type': 'ganglia' }).problem ?? '', /does not have yet/);
  assert.match(read({ 'flume.monitoring.type': 'com.acme.Reporter' }).problem ?? '', /com\.acme\.Reporter/);
});
