import type { AnyDefinition } from '../../../core/define.ts';
import { Registry } from '../../../core/registry.ts';
import { blobHandler } from './blob.ts';
import { jsonHandler } from './json.ts';
import { parametersHandler } from './parameters.ts';

const all: readonly AnyDefinition<'http handler'>[] = [jsonHandler, blobHandler, parametersHandler];

export const httpHandlers = new Registry('http handler', all);
