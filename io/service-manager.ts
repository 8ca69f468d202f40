import { describeError } from '../core/errors.ts';

/** Sends states to the service manager, as sd_notify(3) describes them: `READY=1`, `STATUS=…`. Never throws, never waits. */
export type Notify = (state: string) => void;

type NativeNotify = (unsetEnvironment: number, state: string) => number;

/**
 * The way to the service manager that started this process; `undefined` where none waits for word (`NOTIFY_SOCKET` is not set). Node has no
 * sockets of that kind, so systemd's own library is called; without the optional package koffi, its command stands in, which needs
 * `NotifyAccess=all`.
 */
export async function openServiceManager(env: ReadonlyMap<string, string>, warn: (reason: string) => void): Promise<Notify | undefined> {
  if (!env.get('NOTIFY_SOCKET')) return undefined;
  try {
    const { default: koffi } = await import('koffi');
    const notify = koffi.load('libsystemd.so.0').func('int sd_notify(int unset_environment, const char *state)') as unknown as NativeNotify;
    return (state) => void notify(0, state);
  } catch (error) {
    warn(`systemd is told by its command, which needs NotifyAccess=all: ${describeError(error)}`);
    return notifyByCommand;
  }
}

function notifyByCommand(state: string): void {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const child = spawn('systemd-notify', ['--no-block', ...state.split('\n')], { stdio: 'ignore' });
  child.on('error', () => undefined);
  child.unref();
}
