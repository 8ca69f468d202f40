import { define } from '../core/define.ts';
import { integer, string } from '../core/options.ts';

export const twitterSource = define('source', {
  types: ['org.apache.flume.source.twitter.TwitterSource'],
  summary: 'Read a sample of public tweets from an interface that is no longer there.',
  options: {
    consumerKey: string({ secret: true, doc: 'Key of the application.' }),
    consumerSecret: string({ secret: true, doc: 'Secret of the application.' }),
    accessToken: string({ secret: true, doc: 'Token of the user.' }),
    accessTokenSecret: string({ secret: true, doc: 'Secret that belongs to the token.' }),
    maxBatchSize: integer({ default: 1000, min: 1, outside: 'refuse', doc: 'Most tweets in one event.' }),
    maxBatchDurationMillis: integer({ default: 1000, doc: 'Longest time in milliseconds that an event is collected for.' }),
  },
  batchSizeOption: 'maxBatchSize',
});
