// npm run test:systemd: the package and its unit under a real systemd. Needs root; nothing outside the machine of the test is touched.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { configure, dropIn, missing, MONITORING, PORT, property, send, sendLine, startMachine } from './machine.ts';
import { whyNoRig, type Rig } from './rig.ts';

const UNIT = 'millrace@web';
const FILES = 'k1.type = file_roll\nk1.sink.directory = ${env:LOGS_DIRECTORY}\nk1.sink.rollInterval = 0';
const NOWHERE = 'k1.type = avro\nk1.hostname = 127.0.0.1\nk1.port = 45409';
const OUT = '/var/log/millrace/web/*';
const skip = whyNoRig() ?? false;
let rig: Rig;

before(async () => {
  if (skip !== false) return;
  rig = await startMachine(['1.0.0', '1.0.1']);
  await rig.run('dpkg -i /root/millrace_1.0.0.deb', 300_000);
});

after(() => rig?.end());

/** The agent as it is before each test: stopped, without what was stored, without settings of a test. */
async function fresh(sink: string, options = ''): Promise<void> {
  // An agent whose event loop is blocked would not hear of a stop.
  await rig.run(`systemctl stop --no-block ${UNIT}; sleep 0.5; systemctl kill -s KILL ${UNIT} 2>/dev/null; systemctl stop ${UNIT}; systemctl reset-failed ${UNIT} 2>/dev/null; rm -rf /var/lib/millrace/web /var/log/millrace/web /root/acknowledged /etc/systemd/system/${UNIT}.service.d; systemctl daemon-reload`);
  await configure(rig, 'web', sink, options);
}

async function delivered(): Promise<void> {
  await rig.until(`millrace status --port ${MONITORING} --seconds 0`, /, 0 waiting|: 0 waiting|Events: 0 waiting/, 30_000);
  const result = await missing(rig, OUT);
  assert.deepEqual(result.missing, []);
}

test('start and stop: READY, status, time to READY', { skip }, async (t) => {
  await fresh(FILES);
  await rig.run(`systemctl start ${UNIT}`);
  assert.equal(await property(rig, 'web', 'ActiveState'), 'active');
  const { status, out } = await rig.try(`millrace status --port ${MONITORING} --seconds 0`);
  assert.equal(status, 0, out);
  await rig.until(`systemctl show -p StatusText ${UNIT}`, /events\/s in, .*waiting/);
  await rig.run(`systemctl stop ${UNIT}`);
  assert.equal(await property(rig, 'web', 'Result'), 'success');
  assert.equal((await rig.try(`millrace status --port ${MONITORING}`)).status, 3);
  for (let round = 0; round < 5; round++) {
    await rig.run(`systemctl start ${UNIT}`);
    const took = Number(await property(rig, 'web', 'ActiveEnterTimestampMonotonic')) - Number(await property(rig, 'web', 'InactiveExitTimestampMonotonic'));
    t.diagnostic(`start to READY: ${Math.round(took / 1000)} ms`);
    await rig.run(`systemctl stop ${UNIT}`);
  }
});

test('X23 own user, no capabilities, systemd-analyze security 3.0 or better; X16 nothing that holds events is for others', { skip }, async () => {
  await fresh(FILES);
  await rig.run(`systemctl start ${UNIT}`);
  await send(rig, 0, 5);
  const exposure = /exposure level[^:]*: ([\d.]+)/.exec(await rig.run(`systemd-analyze security ${UNIT} --no-pager`))?.[1];
  assert.ok(Number(exposure) <= 3, exposure);
  const status = await rig.run(`cat /proc/$(systemctl show -p MainPID --value ${UNIT})/status`);
  assert.match(status, /^CapEff:\s0+$/m);
  assert.match(status, /^NoNewPrivs:\s1$/m);
  assert.match(status, /^Seccomp:\s2$/m);
  assert.equal((await rig.run(`ps -o user= -p $(systemctl show -p MainPID --value ${UNIT})`)).trim(), 'millrace');
  assert.equal(await rig.run('find /var/lib/millrace/web /var/log/millrace/web -mindepth 1 -perm /077'), '');
  assert.equal(await rig.run('stat -c "%a %U" /var/lib/millrace/web /etc/millrace'), '700 millrace\n750 root\n');
});

test('reload: what changed changes, the process stays', { skip }, async () => {
  await fresh(FILES);
  await rig.run(`systemctl start ${UNIT}`);
  const pid = await property(rig, 'web', 'MainPID');
  await configure(rig, 'web', FILES, '', PORT + 5);
  await rig.run(`systemctl reload ${UNIT}`);
  await rig.until(`ss -ltn`, new RegExp(`:${PORT + 5}\\b`));
  assert.equal(await property(rig, 'web', 'MainPID'), pid);
  assert.equal(await property(rig, 'web', 'ActiveState'), 'active');
});

test('kill -9: started again, and what was acknowledged arrives', { skip }, async () => {
  await fresh(NOWHERE);
  await rig.run(`systemctl start ${UNIT}`);
  await send(rig, 0, 200);
  await configure(rig, 'web', FILES);
  await rig.run(`kill -9 $(systemctl show -p MainPID --value ${UNIT})`);
  await rig.until(`systemctl show -p NRestarts,ActiveState ${UNIT}`, /NRestarts=1\nActiveState=active|ActiveState=active\nNRestarts=1/);
  await delivered();
});

test('O8 hang: a process that stands still, and one whose event loop is blocked, are started again', { skip }, async () => {
  await fresh(FILES);
  await dropIn(rig, 'web', '[Service]\nWatchdogSec=3s\nRestartSec=100ms\nTimeoutAbortSec=3s');
  await rig.run(`systemctl start ${UNIT}`);
  await sleep(7000);
  assert.equal(await property(rig, 'web', 'NRestarts'), '0', 'an idle agent is fine');
  await rig.run(`kill -STOP $(systemctl show -p MainPID --value ${UNIT})`);
  await rig.until(`systemctl show -p NRestarts ${UNIT}`, /NRestarts=1/, 30_000);
  await rig.put('/etc/millrace/blocks.js', plugin('write() { for (;;); }'));
  await configure(rig, 'web', 'k1.type = ./blocks.js');
  await rig.run(`systemctl restart ${UNIT}`);
  await send(rig, 0, 1);
  await rig.until(`systemctl show -p NRestarts ${UNIT}`, /NRestarts=[1-9]/, 30_000);
});

test('O8 a sink that never returns stops the signs of life; a target that is down does not', { skip }, async () => {
  await fresh(NOWHERE, '-Dmillrace.stuck.seconds=2');
  await dropIn(rig, 'web', '[Service]\nWatchdogSec=3s\nRestartSec=100ms\nTimeoutAbortSec=3s');
  await rig.run(`systemctl start ${UNIT}`);
  await send(rig, 0, 10);
  await sleep(8000);
  assert.equal(await property(rig, 'web', 'NRestarts'), '0');
  await rig.put('/etc/millrace/hangs.js', plugin('write() { return new Promise(() => undefined); }'));
  await configure(rig, 'web', 'k1.type = ./hangs.js', '-Dmillrace.stuck.seconds=2');
  await rig.run(`systemctl restart ${UNIT}`);
  await rig.until(`systemctl show -p NRestarts ${UNIT}`, /NRestarts=[1-9]/, 40_000);
  assert.match(await rig.run(`journalctl -u ${UNIT} --no-pager -p err`), /a part of the pipeline hangs.*sink k1/);
});

test('O8 configuration that cannot run is not tried again; no storm of restarts; the journal may go away', { skip }, async () => {
  await fresh('k1.type = no-such-sink');
  assert.notEqual((await rig.try(`systemctl start ${UNIT}`)).status, 0);
  await sleep(3000);
  assert.deepEqual([await property(rig, 'web', 'ExecMainStatus'), await property(rig, 'web', 'NRestarts')], ['78', '0']);
  await fresh(FILES);
  await dropIn(rig, 'web', '[Service]\nEnvironment=MILLRACE_NODE=/bin/false');
  await rig.try(`systemctl start --no-block ${UNIT}`);
  await sleep(7000);
  assert.ok(Number(await property(rig, 'web', 'NRestarts')) <= 4);
  await fresh(FILES);
  await rig.run(`systemctl start ${UNIT}`);
  await rig.run('systemctl restart systemd-journald');
  await send(rig, 0, 20);
  await delivered();
  assert.equal(await property(rig, 'web', 'NRestarts'), '0');
});

test('the journal knows which lines are warnings', { skip }, async () => {
  await fresh(NOWHERE);
  await rig.run(`systemctl start ${UNIT}`);
  await send(rig, 0, 1);
  const warnings = await rig.until(`journalctl -u ${UNIT} --no-pager -p warning -o cat --since -20s`, /web\.sinks\.k1/);
  assert.doesNotMatch(warnings, /agent runs|listens|^<\d>/m);
  assert.match(await rig.run(`millrace status --port ${MONITORING} --seconds 0`), /Last warnings and errors:\n.*web\.sinks\.k1/);
});

test('credentials: what LoadCredential gave stands in the configuration, and nowhere else', { skip }, async (t) => {
  // Where systemd is not allowed the mounts that it makes for them, they are empty folders for everybody.
  await rig.put('/root/probe', 'seen');
  const probe = await rig.try("systemd-run --wait -q -p LoadCredential=probe:/root/probe --pipe sh -c 'cat $CREDENTIALS_DIRECTORY/probe'");
  if (!probe.out.includes('seen')) return t.skip('credentials of systemd do not work in this machine');
  await fresh('k1.type = file_roll\nk1.sink.directory = ${s[place]}');
  await rig.run(`printf '\\nweb.configfilters = s\\nweb.configfilters.s.type = credentials\\n' >> /etc/millrace/web.properties`);
  await rig.run('install -d -m 700 /etc/millrace/secrets && echo /var/log/millrace/web > /etc/millrace/secrets/place && chmod 600 /etc/millrace/secrets/place');
  await dropIn(rig, 'web', '[Service]\nLoadCredential=place:/etc/millrace/secrets/place');
  await rig.run(`systemctl start ${UNIT}`);
  await send(rig, 0, 5);
  await delivered();
  assert.doesNotMatch(await rig.run(`journalctl -u ${UNIT} --no-pager -o cat --since -5s`), /\/var\/log\/millrace\/web/);
});

test('a start before there is a network: it runs, keeps what comes, and delivers later', { skip }, async () => {
  await fresh('k1.type = avro\nk1.hostname = collector.example.invalid\nk1.port = 4141');
  await dropIn(rig, 'web', '[Service]\nPrivateNetwork=yes');
  await rig.run(`systemctl start ${UNIT}`);
  await rig.run(`nsenter -n -t $(systemctl show -p MainPID --value ${UNIT}) ${sendLine(0, 50)}`);
  await configure(rig, 'web', FILES);
  await dropIn(rig, 'web', '');
  await rig.run(`systemctl restart ${UNIT}`);
  await delivered();
});

test('a log below /var/log that belongs to adm is tailed through its rotation', { skip }, async () => {
  await fresh(FILES);
  await rig.run(`sed -i '/sources.r1/d' /etc/millrace/web.properties && cat >> /etc/millrace/web.properties <<'END'
web.sources.r1.type = TAILDIR
web.sources.r1.filegroups = f
web.sources.r1.filegroups.f = /var/log/shop/app.log
web.sources.r1.positionFile = /var/lib/millrace/web/positions.json
web.sources.r1.channels = c1
END
install -d -m 750 -g adm /var/log/shop; seq -f line-%g 0 99 > /var/log/shop/app.log; chgrp adm /var/log/shop/app.log; chmod 640 /var/log/shop/app.log; seq -f line-%g 0 299 > /root/acknowledged`);
  await rig.run(`systemctl start ${UNIT}`);
  await rig.until(`cat ${OUT}`, /line-99\n/);
  await rig.run('seq -f line-%g 100 199 >> /var/log/shop/app.log; mv /var/log/shop/app.log /var/log/shop/app.log.1; seq -f line-%g 200 299 > /var/log/shop/app.log; chgrp adm /var/log/shop/app.log; chmod 640 /var/log/shop/app.log');
  await rig.until(`cat ${OUT}`, /line-299\n/);
  await delivered();
});

test('the machine goes down with a backlog and comes up again', { skip }, async () => {
  await fresh(NOWHERE);
  await rig.run(`systemctl add-wants basic.target ${UNIT}; systemctl start ${UNIT}`);
  await send(rig, 0, 300);
  await rig.run('sync');
  await rig.reboot();
  await rig.until(`systemctl is-active ${UNIT}`, /^active/);
  await rig.run(`rm /etc/systemd/system/basic.target.wants/${UNIT}.service`);
  await configure(rig, 'web', FILES);
  await rig.run(`systemctl restart ${UNIT}`);
  await delivered();
});

test('MemoryMax reached: the agent is ended, started again, and nothing acknowledged is lost', { skip }, async (t) => {
  await fresh(NOWHERE);
  await dropIn(rig, 'web', '[Service]\nMemoryMax=200M\nRestartSec=100ms');
  await rig.run(`systemctl start ${UNIT}`);
  if (!(await rig.run(`systemctl show -p MemoryCurrent ${UNIT}`)).match(/=\d+$/m)) return t.skip('there is no memory controller here');
  await send(rig, 0, 100);
  await rig.put('/etc/millrace/eats.js', plugin('write() { globalThis.eaten = Array.from({ length: 500 }, () => Buffer.alloc(1 << 20, 1)); throw new Error("no"); }'));
  await configure(rig, 'web', 'k1.type = ./eats.js');
  await rig.run(`systemctl restart ${UNIT}`);
  await rig.until(`systemctl show -p NRestarts ${UNIT}`, /NRestarts=[1-9]/, 30_000);
  await configure(rig, 'web', FILES);
  await rig.run(`systemctl reset-failed ${UNIT}; systemctl restart ${UNIT}`);
  await delivered();
});

test('an upgrade over a running agent with a backlog: the new program runs, nothing acknowledged is lost', { skip }, async () => {
  await fresh(NOWHERE);
  await rig.run(`systemctl start ${UNIT}`);
  await send(rig, 0, 2000);
  const pid = await property(rig, 'web', 'MainPID');
  const sending = rig.run(sendLine(2000, 3000), 300_000);
  await rig.run('dpkg -i /root/millrace_1.0.1.deb', 300_000);
  await sending;
  assert.notEqual(await property(rig, 'web', 'MainPID'), pid);
  assert.equal(await property(rig, 'web', 'ActiveState'), 'active');
  await configure(rig, 'web', FILES);
  await rig.run(`systemctl reload ${UNIT}`);
  await rig.until(`cat ${OUT} | sort -u | wc -l`, /^5000$/m, 60_000);
  await delivered();
});

test('the package: manual, completion, flume-ng; remove keeps data and configuration, purge keeps neither', { skip }, async () => {
  await fresh(FILES);
  await rig.run(`systemctl start ${UNIT}`);
  assert.match(await rig.run('flume-ng version | head -1'), /^Flume 1\.11\.0/);
  assert.match(await rig.run('zcat /usr/share/man/man5/millrace-properties.5.gz'), /\.SS netcat\n/);
  assert.equal(await rig.run(`. /usr/share/bash-completion/completions/millrace; COMP_WORDS=(millrace sta); COMP_CWORD=1; _millrace; echo "\${COMPREPLY[@]}"`), 'status\n');
  assert.match(await rig.run(`dpkg-query -W -f='\${Conffiles}' millrace`), /\/etc\/millrace\/example\.properties/);
  await rig.run('dpkg -r millrace');
  assert.equal((await rig.try(`systemctl is-active ${UNIT}`)).out, 'inactive\n');
  await rig.run('test -e /etc/millrace/example.properties && test -d /var/lib/millrace/web && ! test -e /usr/bin/flume-ng && ! test -e /usr/bin/millrace');
  await rig.run('dpkg -P millrace');
  await rig.run('! test -e /etc/millrace/example.properties && ! test -e /var/lib/millrace && ! test -e /var/log/millrace');
});

/** A sink with this body of its product. */
function plugin(body: string): string {
  return `export const plugin = ({ define }) => define('sink', { types: ['test-sink'], summary: 'For a test.', options: {}, create: () => ({ batchSize: 10, ${body.replace(/^write/, 'async write')} }) });\n`;
}
