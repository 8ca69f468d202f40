import type { AnyDefinition } from '../../core/define.ts';
import { Registry } from '../../core/registry.ts';
import { defaultProcessor } from './default.ts';
import { failoverProcessor } from './failover.ts';
import { loadBalanceProcessor } from './load-balance.ts';

const all: readonly AnyDefinition<'sink processor'>[] = [defaultProcessor, failoverProcessor, loadBalanceProcessor];

export const sinkProcessors = new Registry('sink processor', all);
