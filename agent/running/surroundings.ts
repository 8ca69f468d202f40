import type { Batch } from '../../core/batch.ts';
import type { RejectionDetail } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';

/** What the running parts of an agent get from outside. */
export interface Surroundings {
  /** The logger of a component by its configured name. */
  logger(component: string): Logger;
  /**
   * Writes events that can never be accepted to the dead letters of the component; resolves once they are in the file. `details` say more
   * of single events than `reason`.
   */
  setAside(component: string, batch: Batch, reason: string, details?: readonly RejectionDetail[]): Promise<void>;
  /** A broken invariant: ends the process. */
  fatal(error: Error): void;
}
