import type { TestContext } from 'node:test';
import { Referee, type Sender } from './referee.ts';
import { RolledFiles } from './rolled-files.ts';
import { TcpLines } from './tcp-sender.ts';

/** A referee of one test that reads the files of these directories. */
export function refereeOver(t: TestContext, ...directories: readonly string[]): Referee {
  const referee = new Referee();
  t.after(() => referee.close());
  referee.collect(new RolledFiles(...directories));
  return referee;
}

/** Lines to a port at which a netcat source listens. */
export function sendLines(referee: Referee, port: number, perSecond: number): Sender {
  return referee.send(new TcpLines({ port }), { perSecond });
}
