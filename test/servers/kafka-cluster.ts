/** Several brokers of Apache Kafka, each a controller as well, without login: topics may have a replica on each. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brisk, formatted, getKafka } from './kafka.ts';
import { freePorts, systemFolder, systemOf, type Server, type System } from './server.ts';

export interface KafkaCluster extends System {
  readonly brokers: readonly Server[];
  /** Of all of them: `127.0.0.1:9092,127.0.0.1:9093`. */
  readonly plain: string;
}

export async function startKafkaCluster(count = 3): Promise<KafkaCluster> {
  const jars = await getKafka();
  const folder = await systemFolder('kafka-cluster');
  const ports = await freePorts(2 * count);
  const nodes = Array.from({ length: count }, (_, index) => ({ id: index + 1, plain: ports[2 * index] as number, controller: ports[2 * index + 1] as number }));
  const voters = nodes.map(({ id, controller }) => `${id}@127.0.0.1:${controller}`).join(',');
  const brokers: Server[] = [];
  for (const { id, plain, controller } of nodes) {
    const home = join(folder, String(id));
    await mkdir(join(home, 'data'), { recursive: true });
    const properties = join(home, 'server.properties');
    const settings: Record<string, string> = {
      'process.roles': 'broker,controller',
      'node.id': String(id),
      'controller.quorum.voters': voters,
      'controller.listener.names': 'CONTROLLER',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      listeners: `PLAINTEXT://127.0.0.1:${plain},CONTROLLER://127.0.0.1:${controller}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${plain}`,
      'inter.broker.listener.name': 'PLAINTEXT',
      'log.dirs': join(home, 'data'),
      'replica.lag.time.max.ms': '3000',
      // Leaders go back to where they were soon after a broker has come back.
      'leader.imbalance.check.interval.seconds': '2',
      'leader.imbalance.per.broker.percentage': '0',
      ...brisk(count),
    };
    await writeFile(properties, Object.entries(settings).map(([key, value]) => `${key}=${value}\n`).join(''));
    brokers.push(await formatted(`Kafka ${id}`, jars, home, properties));
  }
  const system = systemOf(folder, brokers);
  try {
    await Promise.all(brokers.map((broker) => broker.start()));
  } catch (error) {
    await system.stop();
    throw error;
  }
  return { ...system, brokers, plain: nodes.map(({ plain }) => `127.0.0.1:${plain}`).join(',') };
}
