/** Faults of an agent and its broker, in an order that a seed decides. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Referee } from '../faults/referee/referee.ts';
import type { RunningAgent } from '../harness/agent.ts';
import type { Kafka } from '../servers/kafka.ts';

export type Fault = 'kill -9 of the agent' | 'kill -9 of the broker' | 'SIGSTOP of the agent' | 'SIGSTOP of the broker';

export interface Counts {
  readonly kills: number;
  readonly brokerKills: number;
  /** Of each. */
  readonly stops: number;
}

export interface Players {
  readonly kafka: Kafka;
  readonly agent: RunningAgent;
  readonly startAgent: () => Promise<unknown>;
}

/** A number of the environment: `MILLRACE_<name>`. */
export function setting(name: string, otherwise: number): number {
  return Number(process.env[`MILLRACE_${name}`] ?? otherwise);
}

export function faultsOf({ random }: Referee, { kills, brokerKills, stops }: Counts): Fault[] {
  const kinds: readonly [Fault, number][] = [['kill -9 of the agent', kills], ['kill -9 of the broker', brokerKills], ['SIGSTOP of the agent', stops], ['SIGSTOP of the broker', stops]];
  const faults = kinds.flatMap(([fault, times]) => Array.from({ length: times }, () => ({ fault, place: random.below(1_000_000) })));
  return faults.sort((a, b) => a.place - b.place).map(({ fault }) => fault);
}

/** From 5 ms to 1 s from now, each order of magnitude as likely. What is suspended is so for up to 9 s. */
export async function happen(referee: Referee, fault: Fault, { kafka, agent, startAgent }: Players): Promise<void> {
  await sleep(5 * 200 ** (referee.random.below(1000) / 1000));
  if (!agent.running()) throw new Error(`the agent ended by itself:\n${agent.lines.slice(-20).join('\n')}`);
  referee.fault(fault);
  const pauseMs = 100 + referee.random.below(9000);
  if (fault === 'kill -9 of the agent') {
    await agent.kill();
    await startAgent();
  } else if (fault === 'kill -9 of the broker') {
    await kafka.broker.kill();
    await kafka.broker.start();
  } else if (fault === 'SIGSTOP of the broker') {
    kafka.broker.suspend();
    await sleep(pauseMs);
    kafka.broker.resume();
  } else {
    process.kill(agent.pid, 'SIGSTOP');
    await sleep(pauseMs);
    process.kill(agent.pid, 'SIGCONT');
  }
}
