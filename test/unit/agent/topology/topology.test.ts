import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { topology } from '../../../../agent/commands/topology.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-topology-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const TLS = { 'sources.r1.ssl': 'true', 'sources.r1.keystore': '/on/the/other/host', 'sources.r1.keystore-password': 'x' };

describe('topology', () => {
  test('a chain that fits: a picture in the order of the events, exit status 0', async () => {
    const { status, out } = await run({ web1: sender(), 'collector': receiver() });
    assert.equal(status, 0);
    assert.ok(out.indexOf('web1  agent a') < out.indexOf('collector  agent b'));
    assert.match(out, /c1 → k1 avro ⟶ collector b\.r1/);
    assert.match(out, /2 agents, 1 connection: everything fits/);
  });

  test('the order of the files does not matter, and names may have a domain', async () => {
    const { status, out } = await run({ collector: receiver(), web1: sender({ 'sinks.k1.hostname': 'collector.example.com' }) });
    assert.equal(status, 0);
    assert.ok(out.indexOf('web1  agent a') < out.indexOf('collector  agent b'));
  });

  for (const [what, sent, received, wanted, aliases] of [
    ['a wrong port', { 'sinks.k1.port': '4142' }, {}, /web1\.conf:\d+:\d+  error  M081 .*4142, where no source of collector listens[\s\S]*collector listens on 4141 \(avro\)/],
    ['another protocol', { 'sinks.k1.type': 'thrift' }, {}, /M082 .*speaks thrift, and collector b\.r1 is of the type avro/],
    ['TLS on one side', { 'sinks.k1.ssl': 'true' }, {}, /M082  web1 a\.k1 speaks TLS, and collector b\.r1 does not/],
    ['compression on one side', {}, { 'sources.r1.compression-type': 'deflate' }, /M082  collector b\.r1 compresses, and web1 a\.k1 does not/],
    ['batches above the capacity', { 'sinks.k1.batch-size': '500' }, {}, /M083 .*up to 500 events at a time, and channel c1 of collector b\.r1 takes up to 100/],
    ['a receiver on loopback', {}, { 'sources.r1.bind': '127.0.0.1' }, /M084  collector b\.r1 is bound to 127\.0\.0\.1/],
    ['versions of TLS without a common one', { 'sinks.k1.ssl': 'true', 'sinks.k1.exclude-protocols': 'TLSv1.3' }, { ...TLS, 'sources.r1.include-protocols': 'TLSv1.3' }, /M082  web1 a\.k1 speaks TLSv1\.2, and collector b\.r1 TLSv1\.3/],
    ['one of several receivers with a wrong port', { 'sinks.k1.hosts': 'x y', 'sinks.k1.client.type': 'default_failover', 'sinks.k1.hosts.x': 'collector:4141', 'sinks.k1.hosts.y': 'collector:4142' }, {}, /M081  web1 a\.k1 sends to collector:4142[\s\S]*hosts\.y = collector:4142/],
    ['a receiver that picks a free port', {}, { 'sources.r1.port': '0' }, /M081 [\s\S]*b\.r1 picks a free port \(port = 0\)/],
    ['a circle', {}, { 'sinks.k1.type': 'avro', 'sinks.k1.hostname': 'web1', 'sinks.k1.port': '4140' }, /M085 .*events go round in a circle: (?:web1 a\.k1 → collector b\.k1 → web1 a\.k1|collector b\.k1 → web1 a\.k1 → collector b\.k1)\n(?:.*\n){2}.*\.conf:\d+:\d+\n/],
    ['a file with errors of its own', { 'sinks.k1.port': 'many' }, {}, /web1\.conf:\d+:\d+  error  M088 .*web1\.conf has errors of its own.*the first is M015/],
    ['another way of writing Thrift', { 'sinks.k1.type': 'thrift', 'sinks.k1.protocol': 'binary' }, { 'sources.r1.type': 'thrift' }, /M082  web1 a\.k1 writes binary, and collector b\.r1 reads compact/],
    ['Kerberos on one side', { 'sinks.k1.type': 'thrift' }, { 'sources.r1.type': 'thrift', 'sources.r1.kerberos': 'true', 'sources.r1.agent-principal': 'f/c@R', 'sources.r1.agent-keytab': '/k' }, /M082  collector b\.r1 speaks Kerberos, and web1 a\.k1 does not/],
    ['cipher suites without a common one', { 'sinks.k1.ssl': 'true', 'sinks.k1.include-protocols': 'TLSv1.2', 'sinks.k1.include-cipher-suites': 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384' }, { ...TLS, 'sources.r1.include-cipher-suites': 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256' }, /M082  web1 a\.k1 and collector b\.r1 have no cipher suite in common/],
    ['a certificate that is asked for and not there', { 'sinks.k1.ssl': 'true' }, { ...TLS, 'sources.r1.client-auth': 'required', 'sources.r1.truststore': '/t' }, /M082  collector b\.r1 asks for a certificate, and web1 a\.k1 has none/],
    ['the own host in place of the next', { 'sinks.k1.hostname': 'localhost' }, {}, /M081  web1 a\.k1 sends to localhost:4141[\s\S]*; collector does listen on 4141: if that is the same host, say so by HOST=\S+web1\.conf HOST=\S+collector\.conf/],
    ['a receiver bound to another address', { 'sinks.k1.hostname': '10.1.0.7' }, { 'sources.r1.bind': '10.0.0.7' }, /M084  collector b\.r1 is bound to 10\.0\.0\.7, and web1 a\.k1 sends to 10\.1\.0\.7/, ['collector=10.1.0.7']],
    ['more sinks than connections', { 'sinks': 'k1 k2', 'sinks.k2.type': 'avro', 'sinks.k2.channel': 'c1', 'sinks.k2.hostname': 'collector', 'sinks.k2.port': '4141' }, { 'sources.r1.maxConnections': '1' }, /collector\.conf:\d+:\d+  error  M083  collector b\.r1 takes up to 1 connections, and 2 sinks send to it: web1 a\.k1, web1 a\.k2/],
    ['rules that shut out an address', {}, rules('allow:ip:10.1.*,deny:ip:*'), /M084  collector b\.r1 does not let in web1 a\.k1 \(10\.2\.0\.5\)/, ['web1=10.2.0.5']],
    ['rules that shut out a name', {}, rules('deny:name:web*,allow:ip:*'), /M084  collector b\.r1 does not let in web1 a\.k1\n/],
    ['rules that cannot be read', {}, rules('allow:ip:['), /M084  collector b\.r1 cannot start with these rules: Unclosed character class/],
    ['rules that shut out everybody else', {}, rules('allow:name:localhost,deny:ip:*'), /M084  collector b\.r1 does not let in web1 a\.k1\n/],
  ] as readonly (readonly [string, Changes, Changes, RegExp, (readonly string[])?])[]) {
    test(`${what} is an error with both places`, async () => {
      const { status, out } = await run({ web1: sender(sent), collector: receiver(received) }, aliases);
      assert.equal(status, 78);
      assert.match(out, wanted);
    });
  }

  test('a host that is not among the files is a warning, until an alias says whose address it is', async () => {
    const files = { web1: sender({ 'sinks.k1.hostname': '10.0.0.7' }), collector: receiver() };
    const { status, out } = await run(files);
    assert.equal(status, 1);
    assert.match(out, /warning  M086 .*10\.0\.0\.7:4141, which is none of the hosts/);
    assert.equal((await run(files, ['collector=10.0.0.7'])).status, 0);
    assert.equal((await run({ ...files, collector: receiver({ 'sources.r1.bind': '10.0.0.7' }) })).status, 0);
  });

  test('a host that is nearly one of the files is asked about', async () => {
    assert.match((await run({ web1: sender({ 'sinks.k1.hostname': 'colector' }), collector: receiver() })).out, /M086 [\s\S]*did you mean collector\?/);
  });

  test('files that are on the other hosts need not be here', async () => {
    const { status, out } = await run({ web1: sender({ 'sinks.k1.ssl': 'true' }), collector: receiver(TLS) });
    assert.equal(status, 0, out);
  });

  test('rules that let some addresses or names in: a warning, until those of the sender are known', async () => {
    const files = { web1: sender(), collector: receiver(rules('allow:ip:10.1.*,deny:ip:*')) };
    const { status, out } = await run(files);
    assert.equal(status, 1);
    assert.match(out, /collector\.conf:\d+:\d+  warning  M084  whether collector b\.r1 lets in web1 a\.k1 depends on addresses and names of web1/);
    assert.equal((await run(files, ['web1=10.1.0.5'])).status, 0);
    const byName = { ...files, collector: receiver(rules('allow:name:web*.example.com,deny:ip:*')) };
    assert.equal((await run(byName, ['web1=10.1.0.5'])).status, 1);
    assert.equal((await run(byName, ['web1=web1.example.com'])).status, 0);
    assert.equal((await run({ ...files, web1: sender({ 'sources.r1.bind': '10.1.0.5' }) })).status, 0);
  });

  test('one address of IPv6 is known in every spelling', async () => {
    const http = { 'sinks.k1.type': 'http', 'sinks.k1.endpoint': 'http://[FD00:0::7]:4141/' };
    const { status, out } = await run({ web1: sender(http), collector: receiver({ 'sources.r1.type': 'http', 'sources.r1.bind': 'fd00::7' }) });
    assert.match(out, /k1 http ⟶ collector b\.r1/);
    assert.notEqual(status, 78);
  });

  test('of two sources on one port it is the one that speaks alike', async () => {
    const udp = { 'sources.r0.type': 'netcatudp', 'sources.r0.bind': '0.0.0.0', 'sources.r0.port': '4141', 'sources.r0.channels': 'c1' };
    assert.equal((await run({ web1: sender(), collector: receiver({ sources: 'r0 r1', ...udp }) })).status, 0);
  });

  test('one of several receivers that is unknown is shown where it stands', async () => {
    const { out } = await run({ web1: sender({ 'sinks.k1.hosts': 'x y', 'sinks.k1.client.type': 'default_failover', 'sinks.k1.hosts.x': 'collector:4141', 'sinks.k1.hosts.y': 'colector:4141' }), collector: receiver() });
    assert.match(out, /M086 [\s\S]*hosts\.y = colector:4141\n.*did you mean collector\?/);
  });

  test('agents of one host reach one another by its loopback', async () => {
    writeFileSync(join(folder, 'one.conf'), sender({ 'sinks.k1.hostname': 'localhost' }));
    writeFileSync(join(folder, 'two.conf'), receiver({ 'sources.r1.bind': '127.0.0.1' }));
    const { status, out } = await runWords([`h=${join(folder, 'one.conf')}`, `h=${join(folder, 'two.conf')}`]);
    assert.equal(status, 0, out);
  });

  test('where files of several folders are called the same, the folders are the hosts', async () => {
    for (const [host, conf] of [['web1', sender()], ['collector', receiver()]] as const) {
      mkdirSync(join(folder, host), { recursive: true });
      writeFileSync(join(folder, host, 'flume.conf'), conf);
    }
    const { status, out } = await runWords(['web1', 'collector'].map((host) => join(folder, host, 'flume.conf')));
    assert.match(out, /^web1  agent a/);
    assert.equal(status, 0);
  });

  test('two agents of one host on one port', async () => {
    writeFileSync(join(folder, 'one.conf'), receiver());
    writeFileSync(join(folder, 'two.conf'), receiver());
    const { status, out } = await runWords([`h=${join(folder, 'one.conf')}`, `h=${join(folder, 'two.conf')}`]);
    assert.equal(status, 78);
    assert.match(out, /M087  h b\.r1 listens on port 4141, as h b\.r1 does/);
  });

  test('the picture is an SVG with every component and connection', async () => {
    const svg = join(folder, 'chain.svg');
    await run({ web1: sender(), web2: sender(), collector: receiver() }, [], svg);
    const text = readFileSync(svg, 'utf8');
    assert.match(text, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    for (const words of ['web1: agent a', 'web2: agent a', 'collector: agent b', 'k1  avro ← c1']) assert.ok(text.includes(words), words);
    assert.equal(text.match(/marker-end/g)?.length, 2);
    assert.equal(text.match(/<(?!\/|path|circle)\w/g)?.length, (text.match(/<\/(?!path|circle)\w/g)?.length ?? 0) + (text.match(/<rect[^>]*\/>/g)?.length ?? 0));
  });

  test('a file that cannot be read is told', async () => {
    const { status, out } = await runWords([join(folder, 'missing.conf')]);
    assert.equal(status, 78);
    assert.match(out, /M001  cannot read .*missing\.conf/);
  });
});

type Changes = Readonly<Record<string, string>>;

function rules(text: string): Changes {
  return { 'sources.r1.ipFilter': 'true', 'sources.r1.ipFilterRules': text };
}

function sender(changes: Changes = {}): string {
  return text('a', {
    'sources.r1.type': 'avro',
    'sources.r1.bind': '0.0.0.0',
    'sources.r1.port': '4140',
    'channels.c1.type': 'memory',
    'channels.c1.capacity': '1000',
    'channels.c1.transactionCapacity': '1000',
    'sinks.k1.type': 'avro',
    'sinks.k1.hostname': 'collector',
    'sinks.k1.port': '4141',
    ...changes,
  });
}

function receiver(changes: Changes = {}): string {
  return text('b', {
    'sources.r1.type': 'avro',
    'sources.r1.bind': '0.0.0.0',
    'sources.r1.port': '4141',
    'channels.c1.type': 'memory',
    'sinks.k1.type': 'null',
    ...changes,
  });
}

function text(agent: string, properties: Readonly<Record<string, string>>): string {
  const all = { sources: 'r1', channels: 'c1', sinks: 'k1', 'sources.r1.channels': 'c1', 'sinks.k1.channel': 'c1', ...properties };
  return Object.entries(all).map(([key, value]) => `${agent}.${key} = ${value}\n`).join('');
}

function run(files: Readonly<Record<string, string>>, aliases: readonly string[] = [], svg?: string): Promise<{ status: number; out: string }> {
  const words = Object.entries(files).map(([host, conf]) => {
    const path = join(folder, `${host}.conf`);
    writeFileSync(path, conf);
    return path;
  });
  return runWords(words, aliases, svg);
}

async function runWords(files: readonly string[], aliases: readonly string[] = [], svg?: string): Promise<{ status: number; out: string }> {
  let out = '';
  const write = (words: string): void => void (out += words);
  const io = { out: write, err: write, colour: false, env: new Map<string, string>(), systemProperties: new Map<string, string>() };
  const status = await topology({ files, aliases, pluginsPath: [], ...(svg !== undefined && { svg }) }, io);
  return { status, out };
}
