import type { Channel, ChannelStatus } from './component.ts';

export type ComponentState = 'waiting' | 'starting' | 'running' | 'failed' | 'stopped';

/** What is known of one running component at this moment. */
export interface ComponentMetrics {
  readonly kind: 'source' | 'channel' | 'sink';
  /** As in the file: `r1`. */
  readonly name: string;
  readonly type: string;
  readonly state: ComponentState;
  /** Why it does not run, where it does not. */
  readonly reason?: string;
  /** Epoch milliseconds of the last start; 0: never. */
  readonly startTime: number;
  /** Epoch milliseconds of the stop; 0: runs. */
  readonly stopTime: number;
  /** Flume's attribute names and ours, as they were counted since the start; those never counted are absent. */
  readonly counters: ReadonlyMap<string, number>;
  /** Channels only. */
  readonly channel?: ChannelStatus;
}

/** The live picture of an agent, for whoever shows it. */
export interface AgentMetrics {
  readonly agent: string;
  /** Components in the order of the configuration: sources, channels, sinks. */
  components(): readonly ComponentMetrics[];
  /** A channel that runs, by its name in the file, to look into it. Absent: nobody may look. */
  lookInto?(channel: string): Pick<Channel, 'peek' | 'stat'> | undefined;
}
