import { define } from '../../core/define.ts';
import type { FilterContext } from '../plan/filters.ts';

/** Flume's `EnvironmentVariableConfigFilter` (part 1 §1.10). */
export const envFilter = define('config filter', {
  types: ['env', 'org.apache.flume.configfilter.EnvironmentVariableConfigFilter'],
  summary: 'Takes the values of ${filter[NAME]} from variables of the environment.',
  options: {},
  create: (context) => {
    const { env } = context as FilterContext;
    return { lookUp: async (key) => env.get(key) };
  },
});
