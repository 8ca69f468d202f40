import type { AnyDefinition } from '../core/define.ts';
import { Registry } from '../core/registry.ts';
import { nullSink } from './null.ts';
import { loggerSink } from './logger.ts';
import { fileRollSink } from './file-roll.ts';

const all: readonly AnyDefinition<'sink'>[] = [nullSink, loggerSink, fileRollSink];

export const sinks = new Registry('sink', all);
