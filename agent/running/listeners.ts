import type { Endpoint } from '../../core/component.ts';
import type { Logger } from '../../core/log.ts';

/**
 * Tells where a component listens, each time that it starts: after a reload and after a failure too. A listener that others than this
 * machine can reach and that lets everybody in is warned of.
 */
export function tellListeners(endpoints: readonly Endpoint[], log: Logger): void {
  for (const { address, protocol, tls, authentication } of endpoints) {
    log.info('listens', { address, protocol, tls, authentication });
    if (!authentication && !isLoopback(address)) {
      log.warn('listens on an address that others can reach, and lets everybody in', { address });
    }
  }
}

function isLoopback(address: string): boolean {
  return /^(127\.|\[::1\]|\[::ffff:127\.)/.test(address);
}
