import { dirname, join } from 'node:path';
import { isReadableFile, readConfigFileIfThere, readTextNow } from '../io/config-files.ts';
import { effectiveProperties, type Effective, type Surroundings } from './effective.ts';
import { planAgents } from './plan.ts';
import type { Plan, Problem, Rules } from './plan-types.ts';
import { pluginReferences } from './plugin-references.ts';
import { problem } from './problems.ts';
import { loadRegistries } from './registries.ts';

export interface PlanRequest {
  /** In the order in which they are merged. */
  readonly files: readonly { readonly name: string; readonly bytes: Buffer }[];
  readonly rules: Rules;
  readonly env: ReadonlyMap<string, string>;
  readonly systemProperties: ReadonlyMap<string, string>;
  /** `--conf`, where `lookups.properties` may be. */
  readonly confDirectory?: string;
  readonly pluginsPath: readonly string[];
}

export interface PlannedConfiguration extends Plan {
  readonly effective: Effective;
}

/** Parses, interpolates, loads the plug-ins that are named, and plans. Never throws for what stands in the files. */
export async function planConfiguration(request: PlanRequest): Promise<PlannedConfiguration> {
  const { files, rules, env } = request;
  const effective = await effectiveProperties(files, rules, await surroundingsOf(request));
  const registries = await loadRegistries();
  const pluginProblems = rules === 'flume' ? [] : await loadNamedPlugins(request, effective, registries);
  const plan = await planAgents(effective, registries, { env, readable: isReadableFile });
  return { ...plan, problems: [...plan.problems, ...pluginProblems], effective };
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

async function loadNamedPlugins(request: PlanRequest, effective: Effective, registries: Awaited<ReturnType<typeof loadRegistries>>): Promise<readonly Problem[]> {
  const { selectors, sinkProcessors, sources, channels, sinks, interceptors, serializers } = registries;
  const byKind = { source: sources, channel: channels, sink: sinks, interceptor: interceptors, selector: selectors, 'sink processor': sinkProcessors, serializer: serializers };
  const references = pluginReferences([...effective.properties.values()].map(({ key, value }) => [key.trim(), value.trim()] as const));
  if (references.every(({ kind, type }) => byKind[kind].find(type))) return [];
  const { loadPlugins } = await import('./plugins.ts');
  const variable = request.env.get('MILLRACE_PLUGINS');
  const { problems } = await loadPlugins({
    references,
    registries: byKind,
    confDirectories: [...new Set([...request.files.map(({ name }) => dirname(name)), ...(request.confDirectory ? [request.confDirectory] : [])])],
    pluginsPath: request.pluginsPath,
    ...(variable !== undefined && { variable }),
  });
  return problems.map(({ severity, key, sentence }) => {
    const origin = key === undefined ? undefined : effective.properties.get(key)?.origin;
    const agent = key?.slice(0, key.indexOf('.'));
    return problem('M038', { severity, sentence, ...(origin && { place: origin.valuePlace() }), ...(agent && { agent }) });
  });
}
