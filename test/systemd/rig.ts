/**
 * A machine with a real systemd as its process 1: an overlay of this one, or of the Debian that lies in the folder `MILLRACE_ROOT`, in
 * namespaces and control groups of its own. What happens in it stays in it: what is written lies in a tmpfs that goes with the last process.
 * It ends when this process does, however that ends.
 *
 *     const rig = await startRig();
 *     t.after(() => rig.end());
 *     await rig.run('systemctl start millrace@web');
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const NEEDED = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'];
/** For MemoryMax. */
const MEMORY = '/sys/fs/cgroup/memory';
const HIERARCHIES = [...NEEDED, ...(existsSync(join(MEMORY, 'cgroup.procs')) ? [MEMORY] : [])];
/** Not ours, which may have a shell read all sorts of things. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LC_ALL: 'C.UTF-8' };
const SYSTEMD = '/lib/systemd/systemd';

export interface Outcome {
  readonly status: number | null;
  readonly out: string;
}

export interface Rig {
  /** Runs a shell line in the machine; standard output and error together. Fails where it ends with anything but 0. */
  run(line: string, timeoutMs?: number): Promise<string>;
  /** The same, whatever it ends with. */
  try(line: string, timeoutMs?: number): Promise<Outcome>;
  /** Writes a file into the machine. */
  put(path: string, content: string | Buffer): Promise<void>;
  /** Runs a shell line again and again until what it says fits. */
  until(line: string, wanted: RegExp, timeoutMs?: number): Promise<string>;
  /** Ends every process of the machine at once, as pulling the plug would, and starts it again on the same disk. */
  reboot(): Promise<void>;
  end(): Promise<void>;
}

/** Why there can be no such machine here; `undefined`: there can. */
export function whyNoRig(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync(SYSTEMD)) return `needs ${SYSTEMD}`;
  const missing = NEEDED.find((folder) => !existsSync(join(folder, 'cgroup.procs')));
  return missing === undefined ? undefined : `needs the control groups of ${missing}`;
}

export async function startRig(): Promise<Rig> {
  const base = mkdtempSync(join(tmpdir(), 'millrace-systemd-'));
  const groups = HIERARCHIES.map((folder) => join(folder, base.slice(base.lastIndexOf('/') + 1)));
  for (const group of groups) mkdirSync(group);
  writeFileSync(join(base, 'hold.sh'), holdScript(base, groups));
  // Ends with its standard input, so with us even where we are killed, and takes the machine with it. In a session of its own, or a signal
  // for our whole group would end it before it could.
  const holder = spawn('unshare', ['--mount', '--fork', '--kill-child=SIGKILL', 'bash', join(base, 'hold.sh')], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  const said = linesOf(holder);
  const boot = async (): Promise<number> => {
    holder.stdin?.write('boot\n');
    const pid = Number(/^booted (\d+)/.exec(await said((line) => line.startsWith('booted')))?.[1]);
    await untilUp(pid, base);
    return pid;
  };
  let pid = await boot();
  const attempt = (line: string, timeoutMs = 60_000, input?: string | Buffer): Promise<Outcome> => runIn(pid, line, timeoutMs, input);
  const run = async (line: string, timeoutMs?: number, input?: string | Buffer): Promise<string> => {
    const { status, out } = await attempt(line, timeoutMs, input);
    if (status !== 0) throw new Error(`${line} ended with ${status}:\n${out}`);
    return out;
  };
  return {
    run: (line, timeoutMs) => run(line, timeoutMs),
    try: (line, timeoutMs) => attempt(line, timeoutMs),
    put: async (path, content) => void (await run(`mkdir -p "$(dirname '${path}')" && cat > '${path}'`, undefined, content)),
    async until(line, wanted, timeoutMs = 20_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const { out } = await attempt(line);
        if (wanted.test(out)) return out;
        if (Date.now() > deadline) throw new Error(`${line} never said ${wanted}; last:\n${out}`);
        await sleep(100);
      }
    },
    async reboot() {
      process.kill(pid, 'SIGKILL');
      await said((line) => line === 'down');
      pid = await boot();
    },
    async end() {
      holder.stdin?.end();
      if (holder.exitCode === null && holder.signalCode === null) await new Promise((resolve) => holder.once('exit', resolve));
      rmSync(base, { recursive: true, force: true });
    },
  };
}

/** Holds the disk; `boot` on its standard input starts systemd on it, and the end of its standard input ends everything. */
function holdScript(base: string, groups: readonly string[]): string {
  return `
mount --make-rprivate /
mount -t tmpfs tmpfs ${base} && mkdir -p ${base}/upper ${base}/work ${base}/root || exit 1
mount -t overlay overlay -o lowerdir=${process.env['MILLRACE_ROOT'] ?? '/'},upperdir=${base}/upper,workdir=${base}/work ${base}/root || exit 1
cat > ${base}/init.sh <<'INIT'
${initScript(`${base}/root`)}
INIT
first=
down() {
  for group in ${groups.join(' ')}; do
    # From the leaves up: a group can go when none is below it.
    find $group -depth -mindepth 1 -type d -exec rmdir {} + 2>/dev/null
  done
}
while read -r word; do
  [ "$word" = boot ] || continue
  (
    for group in ${groups.join(' ')}; do echo $BASHPID > $group/cgroup.procs; done
    exec setsid unshare --fork --kill-child=SIGKILL --pid --mount --uts --ipc --cgroup bash ${base}/init.sh
  ) > ${base}/console.log 2>&1 < /dev/null &
  machine=$!
  first=
  for try in $(seq 100); do
    read -r first rest < /proc/$machine/task/$machine/children && [ -n "$first" ] && break
    sleep 0.05
  done
  echo "booted $first"
  ( while [ -d /proc/$first ]; do sleep 0.05; done; down; echo down ) &
done
[ -z "$first" ] || kill -9 $first 2>/dev/null
wait 2>/dev/null
sleep 0.1
down
rmdir ${groups.join(' ')} 2>/dev/null
umount ${base}/root ${base} && rm -rf ${base}
exit 0
`;
}

function initScript(root: string): string {
  return `
R=${root}
mount --make-rprivate /
mount -t proc proc $R/proc
mount -t sysfs -o ro sysfs $R/sys
mount -t tmpfs -o mode=755 tmpfs $R/sys/fs/cgroup
mkdir -p $R/sys/fs/cgroup/systemd $R/sys/fs/cgroup/unified
mount -t cgroup -o none,name=systemd cgroup $R/sys/fs/cgroup/systemd
mount -t cgroup2 cgroup2 $R/sys/fs/cgroup/unified
${HIERARCHIES.includes(MEMORY) ? 'mkdir -p $R/sys/fs/cgroup/memory; mount -t cgroup -o memory cgroup $R/sys/fs/cgroup/memory' : ''}
mount -t tmpfs -o mode=755 tmpfs $R/run
mount -t tmpfs -o mode=1777 tmpfs $R/tmp
mount -t tmpfs -o mode=755 tmpfs $R/dev
mkdir -p $R/dev/pts $R/dev/shm
mount -t devpts devpts $R/dev/pts -o newinstance,ptmxmode=0666,mode=620
ln -s pts/ptmx $R/dev/ptmx
for d in null zero random urandom full tty; do touch $R/dev/$d; mount --bind /dev/$d $R/dev/$d; done
# systemd makes the mounts for credentials in a namespace of their own, from where they have to get to this one; in a container it does not see to that.
mount --make-rshared $R
exec chroot $R env -i container=rig PATH=${ENVIRONMENT.PATH} ${SYSTEMD} --system --unit=basic.target --log-target=console
`;
}

/** Resolves with the next line that fits; those before it are gone. */
function linesOf(child: ChildProcess): (fits: (line: string) => boolean) => Promise<string> {
  const lines: string[] = [];
  let rest = '';
  let wake = (): void => undefined;
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    wake();
  });
  child.once('exit', () => wake());
  return async (fits) => {
    for (;;) {
      for (let line = lines.shift(); line !== undefined; line = lines.shift()) if (fits(line)) return line;
      if (child.exitCode !== null) throw new Error('the machine could not be started');
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
}

async function untilUp(pid: number, base: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const { out } = await runIn(pid, 'systemctl is-system-running', 10_000);
    if (/running|degraded/.test(out)) return;
    if (Date.now() > deadline) throw new Error(`systemd did not come up: ${out} ${existsSync(join(base, 'console.log')) ? readFileSync(join(base, 'console.log'), 'utf8') : ''}`);
    await sleep(100);
  }
}

function runIn(pid: number, line: string, timeoutMs: number, input?: string | Buffer): Promise<Outcome> {
  const child = spawn('nsenter', ['-t', String(pid), '-m', '-p', '-i', '-u', '-C', '-r', '-w', 'bash', '-c', line], { stdio: 'pipe', cwd: '/', env: ENVIRONMENT });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => void (out += text));
  const patience = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  return new Promise((resolve) =>
    child.once('close', (status) => {
      clearTimeout(patience);
      resolve({ status, out });
    }),
  );
}
