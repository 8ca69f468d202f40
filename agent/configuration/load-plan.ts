import { dirname, join } from 'node:path';
import { isReadableFile, readConfigFileIfThere, readTextNow } from '../../io/config-files.ts';
import { pathLineage } from '../../io/path-lineage.ts';
import { addPlugins, withoutConsequences, type PluginPlaces } from '../plugins/of-configuration.ts';
import { effectiveProperties, type Effective, type Surroundings } from './effective.ts';
import { planAgents } from '../plan/plan.ts';
import { tlsDefaults } from '../plan/tls-defaults.ts';
import type { Plan, Rules } from '../plan/types.ts';
import { registries } from '../plan/registries.ts';

export interface PlanRequest {
  /** In the order in which they are merged. */
  readonly files: readonly { readonly name: string; readonly bytes: Buffer }[];
  readonly rules: Rules;
  readonly env: ReadonlyMap<string, string>;
  readonly systemProperties: ReadonlyMap<string, string>;
  /** `--conf`, where `lookups.properties` may be. */
  readonly confDirectory?: string;
  readonly pluginsPath: readonly string[];
  /** The files are for other hosts: those that they name need not be here. */
  readonly elsewhere?: boolean;
}

export interface PlannedConfiguration extends Plan {
  readonly effective: Effective;
}

/** Parses, interpolates, loads the plug-ins that are named, and plans. Never throws for what stands in the files. */
export async function planConfiguration(request: PlanRequest): Promise<PlannedConfiguration> {
  const { files, rules, env, systemProperties } = request;
  const effective = await effectiveProperties(files, rules, await surroundingsOf(request));
  const pluginProblems = rules === 'flume' ? [] : await addPlugins(effective, registries, pluginPlaces(request));
  const plan = await planAgents(effective, registries, {
    env,
    readable: request.elsewhere === true ? () => true : isReadableFile,
    lineage: pathLineage,
    tlsDefaults: tlsDefaults(systemProperties, env),
  });
  return { ...plan, problems: [...withoutConsequences(plan.problems, pluginProblems), ...pluginProblems], effective };
}

async function surroundingsOf({ env, systemProperties, confDirectory }: PlanRequest): Promise<Surroundings> {
  const named = systemProperties.get('lookups');
  const candidates = [named, confDirectory && join(confDirectory, named ?? 'lookups.properties')].filter((path) => path !== undefined && path !== '');
  for (const name of candidates as string[]) {
    const bytes = await readConfigFileIfThere(name).catch(() => undefined);
    if (bytes) return { env, systemProperties, readText: readTextNow, lookupsFile: { name, bytes } };
  }
  return { env, systemProperties, readText: readTextNow };
}

/** Where plug-ins of this configuration may be. */
function pluginPlaces({ files, confDirectory, pluginsPath, env }: PlanRequest): PluginPlaces {
  const variable = env.get('MILLRACE_PLUGINS');
  const folders = [...files.map(({ name }) => dirname(name)), ...(confDirectory ? [confDirectory] : [])];
  return { confDirectories: [...new Set(folders)], pluginsPath, ...(variable !== undefined && { variable }) };
}
