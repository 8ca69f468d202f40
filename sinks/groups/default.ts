import { define, type Finding } from '../../core/define.ts';

export const defaultProcessor = define('sink processor', {
  types: ['default', 'org.apache.flume.sink.DefaultSinkProcessor'],
  summary: 'Hands everything to the only sink of the group.',
  options: {},
  checkNames: (_, members) => tooMany(members),
  create: ({ members }) => {
    const [only] = members;
    if (only === undefined || members.length > 1) throw new Error(`a group of the type default has exactly one sink, not ${members.length}`);
    return { process: (offer) => offer(only) };
  },
});

function tooMany(members: readonly string[]): readonly Finding[] {
  if (members.length === 1) return [];
  return [{ option: 'type', effect: 'drop', sentence: `allows exactly one sink in the group, not ${members.length}; use failover or load_balance` }];
}
