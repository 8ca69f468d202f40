import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAgentWords, readAgentArguments, type AgentRequest } from '../../../../agent/command-line/agent-arguments.ts';
import type { AgentArguments } from '../../../../agent/command-line/types.ts';
import { takeJvmArguments } from '../../../../agent/command-line/jvm-arguments.ts';
import { UsageError } from '../../../../agent/command-line/option-syntax.ts';

function request(text: string, entries?: readonly (readonly [string, string])[]): AgentRequest {
  const words = text.split(' ').filter((word) => word !== '');
  return readAgentArguments(parseAgentWords(words), entries && { path: 'flume.opts', entries }, '/home/plugins.d');
}

function read(text: string, entries?: readonly (readonly [string, string])[]): AgentArguments {
  const asked = request(text, entries);
  assert.ok(asked.ask === 'run');
  return asked.arguments;
}

function refused(text: string, message: RegExp, entries?: readonly (readonly [string, string])[]): void {
  assert.throws(() => read(text, entries), (error) => error instanceof UsageError && message.test(error.message), text);
}

test('C2.3: the words of a usual script', () => {
  assert.deepEqual(read('-c conf -n a1 -f x -C /e.jar:/f --no-reload-conf'), {
    name: 'a1',
    confFiles: ['x'],
    confUris: [],
    confDirectory: 'conf',
    reload: false,
    classPath: ['/e.jar', '/f'],
    pluginsPath: ['/home/plugins.d'],
    strict: false,
    lenient: false,
  });
});

test('2.3: every way to write an option', () => {
  for (const text of ['--name a1', '--name=a1', '-n a1', '-n=a1', '-na1', '-name a1', '--nam a1', '-n "a1"']) {
    assert.equal(read(`${text} -f x`).name, 'a1', text);
  }
  for (const text of ['--conf-file x', '--conf-f=x', '-f=x', '-fx', '-conf-file x']) {
    assert.deepEqual(read(`-n a1 ${text}`).confFiles, ['x'], text);
  }
  const other = read('-n a1 -f x -user u -pwd=p --poll 7 -b back -z zk:2181 -p /base --stop-timeout 2.5 --plugins-path a:b --strict');
  assert.deepEqual([other.confUser, other.confPassword, other.pollIntervalSeconds], ['u', 'p', 7]);
  assert.deepEqual([other.backupDirectory, other.zkConnString, other.zkBasePath], ['back', 'zk:2181', '/base']);
  assert.deepEqual([other.stopTimeoutMs, other.pluginsPath, other.strict], [2500, ['a', 'b'], true]);
});

test('2.3: a single-valued option given twice: the first one counts', () => {
  assert.equal(read('-n a1 --name a2 -f x').name, 'a1');
});

test('2.3: a negative number is a value', () => {
  assert.equal(read('-n a1 -f x -i -1').pollIntervalSeconds, -1);
});

test("2.3: abbreviations mean Flume's options, whatever ours are called", () => {
  assert.equal(read('-n a1 -f x --p 5').pollIntervalSeconds, 5);
  assert.equal(read('-n a1 -f x --no').reload, false);
});

test('C2.6 C2.7: files are repeated and merged; with a URI there are none', () => {
  assert.deepEqual(read('-n a1 -f x -f y').confFiles, ['x', 'y']);
  const both = read('-n a1 -u file:///good -f missing -u file:///other');
  assert.deepEqual([both.confFiles, both.confUris], [[], ['file:///good', 'file:///other']]);
});

test('C2.4: what Flume ends with "A fatal error occurred" is refused with a sentence', () => {
  refused('-f x', /name of the agent is missing/);
  refused('-n a1', /no configuration/);
  refused('-n a1 -f x --confile y', /unknown option "--confile"; did you mean --conf-file/);
  refused('-n a1 -f x -q', /unknown option "-q"/);
  refused('-n a1 -f x --co y', /may mean --conf-file or --conf-uri/);
  refused('-n a1 -f', /needs its file/);
  refused('-n -f x', /--name \(-n\) needs its name/);
  refused('-n a1 -f x -i soon', /"soon" is not a whole number/);
  refused('-n a1 -f x --no-reload-conf=yes', /takes no value/);
  refused('-n a1 -f x -a my.Provider', /Java class/);
  refused('-n a1 -f x -prov my.Provider', /Java class/);
  refused('-n a1 -f x --strict --lenient', /exclude each other/);
});

test('2.3: --help shows the usage, with and without a name', () => {
  assert.equal(request('--help').ask, 'help');
  assert.equal(request('-n a1 -h').ask, 'help');
});

test('words that belong to no option are ignored, as in Flume, and told of', () => {
  const asked = request('-n a1 -f x start');
  assert.ok(asked.ask === 'run');
  assert.match(asked.warnings.join(), /"start"/);
});

test('C2.8: flume.opts stands in for the command line, which wins', () => {
  const file = [['name', 'a1'], ['conf-file', 'x'], ['no-reload-conf', 'true']] as const;
  const alone = read('', file);
  assert.deepEqual([alone.name, alone.confFiles, alone.reload], ['a1', ['x'], false]);
  assert.deepEqual(read('-f y', file).confFiles, ['y']);
  for (const [value, reload] of [['yes', false], ['1', false], ['TRUE', false], ['no', true], ['', true]] as const) {
    assert.equal(read('-n a1 -f x', [['no-reload-conf', value]]).reload, reload, value);
  }
  assert.equal(read('-f x', [['n', 'a2']]).name, 'a2');
  refused('-n a1 -f x', /flume\.opts: "nam" is no option; did you mean --name/, [['nam', 'a1']]);
});

test('C2.3: -D and JVM options may stand anywhere', () => {
  const taken = takeJvmArguments(['-n', 'a1', '-Da=1', '-Xmx20m', '-Db', '-f', 'x', '-Da=2=3', '-javaagent:x.jar']);
  assert.deepEqual([...taken.systemProperties], [['a', '2=3'], ['b', '']]);
  assert.deepEqual(taken.ignored, ['-Xmx20m', '-javaagent:x.jar']);
  assert.deepEqual(taken.words, ['-n', 'a1', '-f', 'x']);
});
