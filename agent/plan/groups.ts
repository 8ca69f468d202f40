import type { BuildContext, Built } from './build.ts';
import { below, canonicalText, valuePlace, valuesOf, type Settings } from './keys.ts';
import { findDefinition, readValues, reportUnknownType } from './part.ts';
import { firstPlace, shortType, type Report, type Subject } from './report.ts';
import type { PlannedPart } from './types.ts';
import type { ValidAgent } from './validate.ts';

/**
 * Adds the sink groups, and takes out the sinks that end with them. `false`: a member of a group was not built, and Flume discards
 * everything.
 */
export function planGroups(report: Report, valid: ValidAgent, context: BuildContext, built: Built): boolean {
  let whole = true;
  const taken = new Set<string>();
  const used = new Set<string>();
  for (const [name, { settings, members }] of valid.groups) {
    const processor = planProcessor(report, name, settings, members, context);
    if (members.some((member) => !built.sinks.has(member))) {
      whole = false;
      continue;
    }
    for (const member of members) taken.add(member);
    used.add(name);
    if (processor) {
      const place = settings.get('sinks');
      built.groups.set(name, { name, members, ...processor, canonical: canonicalText(valuesOf(settings)), ...(place && { place: valuePlace(place) }) });
      continue;
    }
    report.drop('sinkgroups', name, 'has been removed due to an error during configuration');
    for (const member of members) {
      report.drop('sinks', member, `its sink group ${name} was removed`);
      built.sinks.delete(member);
    }
  }
  for (const name of built.sinks.keys()) {
    // Flume 1.11 compares the sinks that are in no group with the names of the groups, and forgets one that has such a name.
    if (context.rules !== 'flume' || taken.has(name) || !used.has(name)) continue;
    report.drop('sinks', name, 'has the name of a sink group');
    built.sinks.delete(name);
  }
  return whole;
}

function planProcessor(report: Report, group: string, settings: Settings, members: readonly string[], context: BuildContext): PlannedPart<'sink processor'> | undefined {
  const { sinkProcessors } = context.registries;
  const own = below(settings, 'processor.');
  const type = own.get('type');
  const place = type ? valuePlace(type) : firstPlace(settings, report.agent.place);
  const owner = `the processor of sink group ${group}`;
  // By the guide the type has a default; the code of Flume 1.11 has none.
  if (!type && context.rules === 'flume') return undefined;
  const definition = findDefinition('sink processor', sinkProcessors, type?.value ?? 'default', context.rules);
  if (!definition) {
    if (type) reportUnknownType(report, 'sink processor', sinkProcessors, type, owner);
    return undefined;
  }
  const subject: Subject = { text: `${owner} (${shortType(definition)})`, settings: own, options: definition.options, place, code: 'M027' };
  reportStray(report, group, settings);
  const { values } = readValues(report, context, subject, definition, { generic: /^(?:type|config)$/, names: members });
  return values && { definition, values };
}

function reportStray(report: Report, group: string, settings: Settings): void {
  for (const setting of settings.values()) {
    if (setting.key === 'sinks' || setting.key === 'config' || setting.key === 'type' || setting.key.startsWith('processor.')) continue;
    report.setting('M012', setting, 'key', `unknown property "${setting.key}" of sink group ${group}`, {
      hint: 'a group has "sinks", "processor.type" and the properties of that type behind "processor."',
    });
  }
}
