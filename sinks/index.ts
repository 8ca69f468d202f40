import type { AnyDefinition } from '../core/define.ts';
import { Registry } from '../core/registry.ts';
import { nullSink } from './null.ts';

const all: readonly AnyDefinition<'sink'>[] = [nullSink];

export const sinks = new Registry('sink', all);
