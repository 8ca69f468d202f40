import type { AnyDefinition } from '../../core/define.ts';
import { Registry } from '../../core/registry.ts';
import { loadBalancingSelector } from './load-balancing.ts';
import { multiplexingSelector } from './multiplexing.ts';
import { replicatingSelector } from './replicating.ts';

const all: readonly AnyDefinition<'selector'>[] = [replicatingSelector, multiplexingSelector, loadBalancingSelector];

export const selectors = new Registry('selector', all);
