/** npm run test:chains: all tests of this folder, in namespaces of their own where the machine lets us. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onPath } from '../servers/daemon.ts';

const tests = [process.execPath, fileURLToPath(new URL('../../scripts/run-tests.js', import.meta.url)), ...(process.argv.length > 2 ? process.argv.slice(2) : ['test/chains'])];
const missing = ['unshare', 'ip', 'nft', 'tc'].filter((program) => !onPath(program));
const canEnter = process.getuid?.() === 0 && missing.length === 0;
if (!canEnter) console.error(`the tests with hosts are left out: ${missing.length > 0 ? `install ${missing.join(', ')}` : 'they need root'}`);
if (canEnter) mkdirSync('/run/netns', { recursive: true });
const inside = ['--net', '--mount', '--kill-child', '--fork', 'sh', '-c', 'mount -t tmpfs none /run/netns && ip link set lo up && exec "$@"', 'sh', ...tests];
const [program = '', ...args] = canEnter ? ['unshare', ...inside] : tests;
const { status } = spawnSync(program, args, { stdio: 'inherit', env: { ...process.env, MILLRACE_CHAINS: '1', ...(canEnter && { MILLRACE_HOSTS: '1' }) } });
process.exitCode = status ?? 1;
