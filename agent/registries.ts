import { channels } from '../channels/index.ts';
import { selectors } from '../channels/selectors/index.ts';
import { interceptors } from '../interceptors/index.ts';
import { sinkProcessors } from '../sinks/groups/index.ts';
import { sinks } from '../sinks/index.ts';
import { sources } from '../sources/index.ts';
import { configFilters } from './config-filters/index.ts';
import type { Registries } from './plan-types.ts';

/** Every type that comes with the agent; plug-ins are added to it. */
export const registries: Registries = { sources, channels, sinks, interceptors, selectors, sinkProcessors, configFilters };
