import type { AnyDefinition } from '../../core/define.ts';
import { Registry } from '../../core/registry.ts';
import { credentialsFilter } from './credentials.ts';
import { envFilter } from './env.ts';
import { externalFilter } from './external.ts';
import { hadoopFilter } from './hadoop.ts';

const all: readonly AnyDefinition<'config filter'>[] = [credentialsFilter, envFilter, externalFilter, hadoopFilter];

export const configFilters = new Registry('config filter', all);
