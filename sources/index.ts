import type { AnyDefinition } from '../core/define.ts';
import { Registry } from '../core/registry.ts';
import { netcatSource } from './netcat.ts';
import { netcatUdpSource } from './netcatudp.ts';
import { execSource } from './exec.ts';
import { sequenceSource } from './seq.ts';
import { stressSource } from './stress.ts';

const all: readonly AnyDefinition<'source'>[] = [netcatSource, netcatUdpSource, execSource, sequenceSource, stressSource];

export const sources = new Registry('source', all);
