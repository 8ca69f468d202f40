import type { AnyDefinition } from '../../core/define.ts';
import { Registry } from '../../core/registry.ts';

const all: readonly AnyDefinition<'sink processor'>[] = [];

export const sinkProcessors = new Registry('sink processor', all);
