/**
 * The validation pass of Flume (part 1 §1.7): which components of an agent survive by their keys alone, before any type is looked up.
 * Millrace's own rules differ only in what they say.
 */
import { hashOrder, javaWhitespaceSplit } from '../../core/java-values.ts';
import { nearest } from '../../core/nearest.ts';
import { flumeAlias, type FlumeKind } from './flume-types.ts';
import { below, keyPlace, valuePlace, wordPlace, WORDS, type ListName, type Setting, type Settings } from './keys.ts';
import { COMMENT_HINT, didYouMean, firstPlace, quoted, stillUnresolved, type Report } from './report.ts';
import type { Rules } from './types.ts';

export interface ValidSource {
  readonly settings: Settings;
  /** Listed by the source and valid, in the order of the file. */
  readonly channels: readonly string[];
}

export interface ValidSink {
  readonly settings: Settings;
  readonly channel: string;
}

export interface ValidGroup {
  readonly settings: Settings;
  readonly members: readonly string[];
}

/** What is left of an agent; its names in the order of the lists. */
export interface ValidAgent {
  readonly channels: ReadonlyMap<string, Settings>;
  readonly sources: ReadonlyMap<string, ValidSource>;
  readonly sinks: ReadonlyMap<string, ValidSink>;
  readonly groups: ReadonlyMap<string, ValidGroup>;
}

/** Flume's null-pointer error over a group without `sinks`: nothing of the whole configuration is loaded. */
export class LoadFailure extends Error {}

/** `undefined`: the agent is invalid and counts as absent. Throws LoadFailure by Flume's rules. */
export function validateAgent(report: Report, rules: Rules): ValidAgent | undefined {
  const listed = report.agent.lists.get('channels');
  if (!listed) {
    const hint = nearListHint(report, 'channels');
    invalid(report, `agent ${report.agent.name} lists no channels`, 'does not contain any channels; marked invalid', hint);
    return undefined;
  }
  const channels = new Map<string, Settings>();
  for (const { name, settings } of configured(report, 'channels')) {
    if (hasType(report, 'channels', 'channel', name, settings)) channels.set(name, settings);
  }
  if (channels.size === 0) {
    invalid(report, `agent ${report.agent.name} has no channel that works`, 'does not contain any valid channels; marked invalid');
    return undefined;
  }
  const sources = validSources(report, channels, rules);
  const sinks = validSinks(report, channels);
  const groups = validGroups(report, sinks, rules);
  if (sources.size === 0 && sinks.size === 0) {
    invalid(report, `agent ${report.agent.name} has neither a source nor a sink that works`, 'has no sources or sinks; marked invalid', nearListHint(report, 'sources'));
    return undefined;
  }
  return { channels, sources, sinks, groups };
}

function invalid(report: Report, sentence: string, reason: string, hint: { hint?: string } = {}): void {
  const [meant] = nearest(report.agent.name, report.others, 1);
  const other = meant === undefined ? {} : { hint: `did you mean agent "${meant}"?` };
  report.add('M009', { place: report.agent.place, sentence, ...other, ...hint });
  report.drop('agent', report.agent.name, reason);
}

function nearListHint(report: Report, list: ListName): { hint?: string } {
  const { agent } = report;
  if (agent.lists.has(list)) return {};
  const rest = agent.strange.map(({ key }) => key.slice(key.indexOf('.') + 1)).find((key) => nearest(key, [list]).length > 0);
  return rest === undefined ? {} : { hint: `"${rest}" should probably be "${list}"` };
}

/** The words of a list, once each, in the order of the file. */
export function namesIn(setting: Setting | undefined, separator: 'blanks' | 'single spaces' = 'blanks'): readonly string[] {
  if (!setting) return [];
  const words = separator === 'blanks' ? javaWhitespaceSplit(setting.value) : setting.value.split(' ');
  return [...new Set(words)].filter((word) => word !== '');
}

/** The listed components that have properties at all; the others are dropped. */
function configured(report: Report, list: ListName): { name: string; settings: Settings }[] {
  const setting = report.agent.lists.get(list);
  const components = report.agent.components[list];
  const names = namesIn(setting, list === 'sinkgroups' ? 'single spaces' : 'blanks');
  const found: { name: string; settings: Settings }[] = [];
  for (const name of names) {
    const settings = components.get(name);
    if (settings) found.push({ name, settings });
    else report.drop(list, name, `no property for this ${WORDS[list]}`);
  }
  if (setting) reportAbsent(report, list, setting, names.filter((name) => !components.has(name)), names);
  return found;
}

function reportAbsent(report: Report, list: ListName, setting: Setting, absent: readonly string[], names: readonly string[]): void {
  const word = WORDS[list];
  const components = report.agent.components[list];
  const unlisted = [...components.keys()].filter((name) => !names.includes(name));
  const comment = names.findIndex((name) => name.startsWith('#') || name.startsWith('//'));
  for (const name of absent) {
    const at = names.indexOf(name);
    if (comment >= 0 && at >= comment) {
      if (at > comment) continue;
      const rest = quoted(setting.property.origin.value.slice(setting.property.origin.value.indexOf(name)).trim());
      report.setting('M026', setting, wordPlace(setting, name), `${rest} is not a comment but a list of further ${word}s`, COMMENT_HINT);
    } else if (name.includes(',')) {
      const meant = name.split(',').filter((part) => part !== '');
      report.setting('M025', setting, wordPlace(setting, name), `the comma is part of the name "${name}", and there is no such ${word}`, {
        hint: `names are separated by blanks: ${meant.join(' ')}`,
      });
    } else if (list === 'sinkgroups' && name.includes('\t')) {
      report.setting('M025', setting, 'value', 'the names of sink groups must be separated by one space each', { hint: 'there is a tab between them' });
    } else {
      const sentence = `${word} ${name} is listed, but has no property`;
      report.setting('M010', setting, wordPlace(setting, name), sentence, didYouMean(nearest(name, unlisted, 1)));
    }
  }
}

/** Whether a component passes Flume's stub for its type: it has a type, and no `config` that would break it. */
function hasType(report: Report, list: ListName, kind: FlumeKind, name: string, settings: Settings): boolean {
  const type = settings.get('type');
  const word = WORDS[list];
  if (!type || type.value === '') {
    const near = [...settings.keys()].find((key) => nearest(key, ['type']).length > 0);
    const setting = near === undefined ? undefined : settings.get(near);
    if (setting) report.setting('M012', setting, 'key', `unknown property "${setting.key}" of ${word} ${name}, which has no type`, { severity: 'error', hint: 'did you mean "type"?' });
    else report.add('M014', { place: firstPlace(settings, report.agent.place), sentence: `${word} ${name} has no type` });
    report.drop(list, name, 'Component has no type. Cannot configure.');
    return false;
  }
  const stub = settings.get('config');
  if (stub && stub.value !== '' && flumeAlias(kind, type.value) === undefined && !isStub(kind, stub.value)) {
    report.setting('M015', stub, 'value', `config of ${word} ${name} names a Java class that Flume cannot load`, { hint: 'leave it out' });
    report.drop(list, name, 'Could not create configuration!');
    return false;
  }
  return true;
}

function isStub(kind: FlumeKind, name: string): boolean {
  return name.toLowerCase() === 'other' || (!name.includes('.') && flumeAlias(kind, name) !== undefined);
}

function validSources(report: Report, channels: ReadonlyMap<string, Settings>, rules: Rules): Map<string, ValidSource> {
  const valid = new Map<string, ValidSource>();
  for (const { name, settings } of configured(report, 'sources')) {
    if (!hasType(report, 'sources', 'source', name, settings)) continue;
    const setting = settings.get('channels');
    if (!setting || setting.value === '') {
      noChannels(report, name, settings);
      continue;
    }
    const wanted = namesIn(setting);
    const kept = wanted.filter((channel) => channels.has(channel));
    reportChannels(report, name, setting, wanted, kept);
    if (!hasSelectorStub(report, name, settings, rules)) continue;
    if (kept.length === 0) report.drop('sources', name, `No Channels configured for ${name}`);
    else valid.set(name, { settings, channels: kept });
  }
  return valid;
}

function noChannels(report: Report, name: string, settings: Settings): void {
  const near = [...settings.keys()].find((key) => key === 'channel' || nearest(key, ['channels']).length > 0);
  const setting = near === undefined ? undefined : settings.get(near);
  const sentence = `source ${name} has no "channels"`;
  if (setting?.key === 'channel') report.setting('M018', setting, 'key', sentence, { hint: 'a source has "channels", in the plural' });
  else if (setting) report.setting('M012', setting, 'key', `unknown property "${setting.key}" of source ${name}, which has no "channels"`, { severity: 'error', hint: 'did you mean "channels"?' });
  else report.add('M018', { place: firstPlace(settings, report.agent.place), sentence });
  report.drop('sources', name, `No channels set for ${name}`);
}

function reportChannels(report: Report, name: string, setting: Setting, wanted: readonly string[], kept: readonly string[]): void {
  const declared = namesIn(report.agent.lists.get('channels'));
  for (const channel of wanted) {
    // A channel that was dropped has its own problem already.
    if (kept.includes(channel) || declared.includes(channel) || (channel.includes('${') && stillUnresolved(setting).length > 0)) continue;
    const place = wordPlace(setting, channel);
    if (channel.startsWith('#')) {
      report.setting('M026', setting, place, `what follows the # is not a comment but a list of channels of source ${name}`, COMMENT_HINT);
      return;
    }
    if (channel.includes(',')) {
      report.setting('M025', setting, place, `the comma is part of the name "${channel}", and there is no such channel`, {
        hint: `names are separated by blanks: ${channel.split(',').filter(Boolean).join(' ')}`,
      });
      continue;
    }
    report.setting('M018', setting, place, `source ${name} writes to channel "${channel}", which is not in the list of channels`, {
      severity: kept.length === 0 ? 'error' : 'warning',
      ...didYouMean(nearest(channel, declared)),
    });
  }
}

/** A selector of an unknown type may name a stub, like any component; its own type is looked up later. */
function hasSelectorStub(report: Report, name: string, settings: Settings, rules: Rules): boolean {
  const selector = below(settings, 'selector.');
  const type = selector.get('type');
  // Flume 1.11 has this selector, but forgot its stub.
  if (rules === 'flume' && type && flumeAlias('selector', type.value) === 'load_balancing') {
    report.drop('sources', name, 'Failed to configure component!');
    return false;
  }
  const stub = selector.get('config');
  if (!stub || stub.value === '' || !type || flumeAlias('selector', type.value) !== undefined || isStub('selector', stub.value)) return true;
  report.setting('M031', stub, 'value', `selector.config of source ${name} names a Java class that Flume cannot load`, { hint: 'leave it out' });
  report.drop('sources', name, 'Failed to configure component!');
  return false;
}

function validSinks(report: Report, channels: ReadonlyMap<string, Settings>): Map<string, ValidSink> {
  const valid = new Map<string, ValidSink>();
  const declared = namesIn(report.agent.lists.get('channels'));
  for (const { name, settings } of configured(report, 'sinks')) {
    if (!hasType(report, 'sinks', 'sink', name, settings)) continue;
    const setting = settings.get('channel');
    const channel = setting?.value ?? '';
    if (!setting || channel === '') {
      noChannel(report, name, settings);
      continue;
    }
    if (channels.has(channel)) {
      valid.set(name, { settings, channel });
      continue;
    }
    report.drop('sinks', name, `Channel ${channel} not in active set.`);
    if (declared.includes(channel) || stillUnresolved(setting).length > 0) continue;
    if (/[ \t]#/.test(channel)) {
      report.setting('M026', setting, 'value', `the comment is part of the channel of sink ${name}`, COMMENT_HINT);
    } else if (/[\s,]/.test(channel)) {
      report.setting('M019', setting, 'value', `sink ${name} reads from exactly one channel, not from ${quoted(channel)}`, { hint: 'make one sink for each channel' });
    } else {
      report.setting('M019', setting, 'value', `sink ${name} reads from channel "${channel}", which is not in the list of channels`, didYouMean(nearest(channel, declared)));
    }
  }
  return valid;
}

function noChannel(report: Report, name: string, settings: Settings): void {
  const near = [...settings.keys()].find((key) => nearest(key, ['channel']).length > 0);
  const setting = near === undefined ? undefined : settings.get(near);
  const sentence = `sink ${name} has no "channel"`;
  if (setting?.key === 'channels') report.setting('M019', setting, 'key', sentence, { hint: 'a sink has "channel", in the singular' });
  else if (setting) report.setting('M012', setting, 'key', `unknown property "${setting.key}" of sink ${name}, which has no "channel"`, { severity: 'error', hint: 'did you mean "channel"?' });
  else report.add('M019', { place: firstPlace(settings, report.agent.place), sentence });
  report.drop('sinks', name, `No channel configured for sink: ${name}`);
}

function validGroups(report: Report, sinks: ReadonlyMap<string, ValidSink>, rules: Rules): Map<string, ValidGroup> {
  const valid = new Map<string, ValidGroup>();
  const claimed = new Map<string, string>();
  const groups = new Map(configured(report, 'sinkgroups').map(({ name, settings }) => [name, settings]));
  // Which group gets a sink that two of them name depends on the order in which Flume walks them.
  const listed = namesIn(report.agent.lists.get('sinkgroups'), 'single spaces');
  for (const name of rules === 'flume' ? hashOrder(listed) : listed) {
    const settings = groups.get(name);
    if (!settings) continue;
    const setting = settings.get('sinks');
    if (!setting || setting.value === '') {
      if (rules === 'flume') throw new LoadFailure(`sink group ${name} of agent ${report.agent.name} has no sinks`);
      noMembers(report, name, settings);
      continue;
    }
    const members = namesIn(setting).filter((member) => joins(report, name, setting, member, sinks, claimed));
    for (const member of members) claimed.set(member, name);
    if (members.length > 0) valid.set(name, { settings, members });
    else {
      report.drop('sinkgroups', name, `No available sinks for sinkgroup: ${name}. Sinkgroup will be removed`);
      report.add('M027', { place: valuePlace(setting), sentence: `sink group ${name} has no sink that works` });
    }
  }
  return valid;
}

function noMembers(report: Report, name: string, settings: Settings): void {
  const setting = settings.get('sink');
  const sentence = `sink group ${name} has no "sinks"`;
  const place = setting ? keyPlace(setting) : firstPlace(settings, report.agent.place);
  report.add('M027', { place, sentence, ...(setting && { hint: 'a group has "sinks", in the plural' }) });
  report.drop('sinkgroups', name, 'no sinks');
}

function joins(report: Report, group: string, setting: Setting, member: string, sinks: ReadonlyMap<string, ValidSink>, claimed: ReadonlyMap<string, string>): boolean {
  const owner = claimed.get(member);
  const place = wordPlace(setting, member);
  if (owner !== undefined) {
    report.setting('M027', setting, place, `sink ${member} is in group ${owner} already; a sink can be in one group only`, { severity: 'warning' });
    return false;
  }
  if (sinks.has(member)) return true;
  const listed = namesIn(report.agent.lists.get('sinks'));
  if (!listed.includes(member)) {
    const comma = member.includes(',') ? { hint: `names are separated by blanks: ${member.split(',').filter(Boolean).join(' ')}` } : didYouMean(nearest(member, listed));
    report.setting('M027', setting, place, `group ${group} names the sink "${member}", which is not in the list of sinks`, { severity: 'warning', ...comma });
  }
  return false;
}
